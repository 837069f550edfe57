import { type PlacedBlock, type PlacedSeat, type Room, SEAT_PITCH, SEAT_SIZE } from './room.ts';
import type { SeatState } from './states.svelte.ts';
import type { Size, View } from './view.ts';

/** Below this width in pixels a seat is a plain square; above it has its shape and mark. */
const MARKS_FROM_PX = 9;
/** From this width on a free seat also shows its label. */
const LABELS_FROM_PX = 26;
/** The picture that is moved while panning is larger than the window by this share on each side. */
const BLEED = 0.35;

/** Colours of the map; in forced colours they are the user's own. */
export interface Palette {
  readonly paper: string;
  readonly ink: string;
  readonly soft: string;
  readonly line: string;
  readonly taken: string;
  readonly accent: string;
  readonly accentInk: string;
  readonly isForced: boolean;
}

export interface Scene {
  readonly room: Room;
  readonly stateOf: (at: number) => SeatState;
  readonly palette: Palette;
  readonly font: string;
}

/**
 * Draws a room on a canvas. A picture of the window and some space around it is kept: panning moves it, zooming stretches
 * it until `settle` draws it anew, so that a frame costs one copy and not one drawing of each seat.
 */
export class Painter {
  readonly #canvas: HTMLCanvasElement;
  readonly #picture = document.createElement('canvas');
  #window: Size = { width: 0, height: 0 };
  #density = 1;
  /** The view that the picture was drawn with, and what was drawn. */
  #drawn: { readonly view: View; readonly version: number } | undefined;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
  }

  resize(window: Size, density: number): void {
    this.#window = window;
    this.#density = density;
    this.#canvas.width = Math.round(window.width * density);
    this.#canvas.height = Math.round(window.height * density);
    this.#picture.width = Math.round(window.width * (1 + 2 * BLEED) * density);
    this.#picture.height = Math.round(window.height * (1 + 2 * BLEED) * density);
    this.#drawn = undefined;
  }

  /** Shows the view. While the user is moving it, the kept picture serves as long as it covers the window. */
  paint(scene: Scene, view: View, version: number, isMoving: boolean): void {
    if (!this.#serves(view, version, isMoving)) this.#draw(scene, view, version);
    const drawn = this.#drawn;
    const context = this.#canvas.getContext('2d');
    if (!context || !drawn) return;
    const stretch = view.scale / drawn.view.scale;
    const left = view.x - drawn.view.x * stretch - this.#window.width * BLEED * stretch;
    const top = view.y - drawn.view.y * stretch - this.#window.height * BLEED * stretch;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = scene.palette.paper;
    context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
    context.drawImage(
      this.#picture,
      left * this.#density,
      top * this.#density,
      this.#picture.width * stretch,
      this.#picture.height * stretch,
    );
  }

  #serves(view: View, version: number, isMoving: boolean): boolean {
    const drawn = this.#drawn;
    if (!drawn || drawn.version !== version) return false;
    if (!isMoving) return drawn.view === view || isSame(drawn.view, view);
    const stretch = view.scale / drawn.view.scale;
    // A picture that is stretched too far looks broken before the user stops.
    if (stretch > 2.5 || stretch < 0.6) return false;
    const left = view.x - drawn.view.x * stretch - this.#window.width * BLEED * stretch;
    const top = view.y - drawn.view.y * stretch - this.#window.height * BLEED * stretch;
    const right = left + this.#window.width * (1 + 2 * BLEED) * stretch;
    const bottom = top + this.#window.height * (1 + 2 * BLEED) * stretch;
    return left <= 0 && top <= 0 && right >= this.#window.width && bottom >= this.#window.height;
  }

  #draw(scene: Scene, view: View, version: number): void {
    const context = this.#picture.getContext('2d', { alpha: false });
    if (!context) return;
    const dx = view.x + this.#window.width * BLEED;
    const dy = view.y + this.#window.height * BLEED;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = scene.palette.paper;
    context.fillRect(0, 0, this.#picture.width, this.#picture.height);
    const scale = view.scale * this.#density;
    context.setTransform(scale, 0, 0, scale, dx * this.#density, dy * this.#density);
    const seen = {
      left: -dx / view.scale,
      top: -dy / view.scale,
      right: (this.#window.width * (1 + 2 * BLEED) - dx) / view.scale,
      bottom: (this.#window.height * (1 + 2 * BLEED) - dy) / view.scale,
    };
    drawBlocks(context, scene, view.scale);
    drawSeats(context, scene, seatsIn(scene.room, seen), view.scale);
    this.#drawn = { view, version };
  }
}

function isSame(a: View, b: View): boolean {
  return a.scale === b.scale && a.x === b.x && a.y === b.y;
}

interface Bounds {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** The seats of rows that are seen. */
function seatsIn({ rows, seats }: Room, { left, top, right, bottom }: Bounds): PlacedSeat[] {
  return rows.flatMap((row) => {
    const y = seats[row.seats[0] ?? -1]?.y ?? Number.NEGATIVE_INFINITY;
    if (y < top - SEAT_PITCH || y > bottom + SEAT_PITCH) return [];
    return row.seats.flatMap((at) => {
      const seat = seats[at];
      return seat && seat.x > left - SEAT_PITCH && seat.x < right + SEAT_PITCH ? [seat] : [];
    });
  });
}

function drawBlocks(context: CanvasRenderingContext2D, { room, palette, font, stateOf }: Scene, scale: number): void {
  const textPx = Math.max(11, Math.min(18, 13 * scale)) / scale;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  for (const block of room.blocks) {
    context.font = `600 ${textPx}px ${font}`;
    if (block.type === 'seated_grid') {
      context.fillStyle = palette.soft;
      context.fillText(block.name, block.x + block.width / 2, block.y - textPx * 0.8, block.width);
      continue;
    }
    drawArea(context, block, palette, stateOf);
    context.fillStyle = block.type === 'non_sellable' ? palette.soft : palette.ink;
    context.fillText(block.name, block.x + block.width / 2, block.y + block.height / 2, block.width * 0.9);
  }
  if (SEAT_SIZE * scale < MARKS_FROM_PX) return;
  context.fillStyle = palette.soft;
  context.textAlign = 'end';
  context.font = `${Math.min(11, 11 / scale + 4)}px ${font}`;
  for (const { label, seats } of room.rows) {
    const first = room.seats[seats[0] ?? -1];
    if (first) context.fillText(label, first.x - SEAT_PITCH * 0.6, first.y, SEAT_PITCH);
  }
}

/** A stage, or a standing area in its tier's colour; the share that is taken is filled from below. */
function drawArea(
  context: CanvasRenderingContext2D,
  block: PlacedBlock,
  palette: Palette,
  stateOf: Scene['stateOf'],
): void {
  const { x, y, width, height } = block;
  context.beginPath();
  context.roundRect(x, y, width, height, 8);
  context.fillStyle = palette.line;
  context.globalAlpha = 0.35;
  context.fill();
  context.globalAlpha = 1;
  context.strokeStyle = palette.soft;
  context.lineWidth = 1;
  context.setLineDash(block.type === 'non_sellable' ? [] : [6, 4]);
  context.stroke();
  context.setLineDash([]);
  if (block.seats.length === 0) return;
  const chosen = block.seats.filter((at) => stateOf(at) === 'chosen' || stateOf(at) === 'mine').length;
  if (chosen === 0) return;
  context.strokeStyle = palette.accent;
  context.lineWidth = 4;
  context.stroke();
}

function drawSeats(
  context: CanvasRenderingContext2D,
  { stateOf, palette, font }: Scene,
  seats: readonly PlacedSeat[],
  scale: number,
): void {
  const looks = Map.groupBy(seats, (seat) => `${stateOf(seat.at)} ${seat.tier?.color ?? ''}`);
  const isDetailed = SEAT_SIZE * scale >= MARKS_FROM_PX;
  for (const [look, alike] of looks) {
    const state = look.slice(0, look.indexOf(' ')) as SeatState;
    drawAlike(context, alike, state, palette, isDetailed);
  }
  if (SEAT_SIZE * scale < LABELS_FROM_PX) return;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.font = `600 ${SEAT_SIZE * 0.36}px ${font}`;
  for (const seat of seats) {
    if (stateOf(seat.at) !== 'free') continue;
    context.fillStyle = inkOn(seat.tier?.color, palette);
    context.fillText(seat.label, seat.x, seat.y, SEAT_SIZE * 0.9);
  }
}

/** Seats of one tier and state, in one path: never told apart by colour alone. */
function drawAlike(
  context: CanvasRenderingContext2D,
  seats: readonly PlacedSeat[],
  state: SeatState,
  palette: Palette,
  isDetailed: boolean,
): void {
  const half = SEAT_SIZE / 2;
  const isOurs = state === 'chosen' || state === 'mine';
  context.beginPath();
  for (const { x, y } of seats) {
    if (!isDetailed) context.rect(x - half, y - half, SEAT_SIZE, SEAT_SIZE);
    else if (state === 'free' || isOurs) context.roundRect(x - half, y - half, SEAT_SIZE, SEAT_SIZE, 4);
    else context.rect(x - half * 0.62, y - half * 0.62, SEAT_SIZE * 0.62, SEAT_SIZE * 0.62);
  }
  if (isOurs) context.fillStyle = palette.accent;
  else if (state === 'free')
    context.fillStyle = palette.isForced ? palette.paper : (seats[0]?.tier?.color ?? palette.soft);
  else context.fillStyle = palette.taken;
  context.fill();
  if (!isDetailed) return;
  context.lineWidth = 1;
  context.strokeStyle = state === 'free' ? palette.ink : palette.soft;
  context.globalAlpha = state === 'free' ? 0.55 : 1;
  if (state === 'free' || isOurs) context.stroke();
  context.globalAlpha = 1;
  context.beginPath();
  for (const { x, y } of seats) mark(context, state, x, y);
  context.strokeStyle = isOurs ? palette.accentInk : palette.soft;
  context.lineWidth = isOurs ? 2.2 : 1.2;
  context.stroke();
}

/** A tick for what the user has, a cross for what is sold, one stroke for what is held, nothing for what is free. */
function mark(context: CanvasRenderingContext2D, state: SeatState, x: number, y: number): void {
  const reach = SEAT_SIZE * 0.22;
  switch (state) {
    case 'chosen':
    case 'mine':
      context.moveTo(x - reach, y);
      context.lineTo(x - reach * 0.2, y + reach * 0.8);
      context.lineTo(x + reach, y - reach * 0.8);
      return;
    case 'sold':
      context.moveTo(x - reach, y - reach);
      context.lineTo(x + reach, y + reach);
      context.moveTo(x + reach, y - reach);
      context.lineTo(x - reach, y + reach);
      return;
    case 'held':
      context.moveTo(x - reach, y);
      context.lineTo(x + reach, y);
      return;
    case 'free':
    case 'reserved':
      return;
    default:
      state satisfies never;
  }
}

/** Black or white, whichever can be read on a tier's colour. */
function inkOn(color: string | undefined, palette: Palette): string {
  const [, red = '', green = '', blue = ''] = /^#?([\da-f]{2})([\da-f]{2})([\da-f]{2})$/i.exec(color ?? '') ?? [];
  if (palette.isForced || red === '') return palette.ink;
  const light =
    0.299 * Number.parseInt(red, 16) + 0.587 * Number.parseInt(green, 16) + 0.114 * Number.parseInt(blue, 16);
  return light > 140 ? '#000' : '#fff';
}

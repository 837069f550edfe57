import type { Block, Seat, SeatingMap, SeatStatus, Tier } from '../catalogue/catalogue.ts';

/** Distance between the middles of two neighbouring seats, in units of the layout. */
export const SEAT_PITCH = 20;
/** Width of a seat, in units of the layout. */
export const SEAT_SIZE = 15;
/** Space around the room, in units of the layout. */
const MARGIN = 30;
/** Space above a grid for its name and left of its rows for their labels, in units of the layout. */
const LABEL_SPACE = 16;
const DEFAULT_AREA = 200;
/** Narrowest distance between seats that a layout may mean, in its own units. */
const MIN_PITCH = 4;

/** A seat with its place in the room. `at` is its index in `room.seats`. */
export interface PlacedSeat {
  readonly at: number;
  readonly id: string;
  readonly label: string;
  readonly tier: Tier | undefined;
  readonly block: number;
  /** Index in `room.rows`; undefined for a place in a standing area. */
  readonly row: number | undefined;
  /** Middle of the seat, in units of the layout. */
  readonly x: number;
  readonly y: number;
  readonly status: SeatStatus;
}

/** A row of a seated grid: its seats from left to right, by their index in `room.seats`. */
export interface Row {
  readonly label: string;
  readonly block: number;
  readonly seats: readonly number[];
}

/** A block of the layout with its bounds. */
export interface PlacedBlock {
  readonly name: string;
  readonly type: Block['type'];
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Its seats by their index in `room.seats`; those of a standing area have no place of their own. */
  readonly seats: readonly number[];
}

/** Everything that the map draws, with the origin at the upper left corner. */
export interface Room {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly blocks: readonly PlacedBlock[];
  readonly rows: readonly Row[];
  readonly seats: readonly PlacedSeat[];
  /** Tiers in the order of their prices, the dearest first. */
  readonly tiers: readonly Tier[];
}

/** Places the blocks, rows and seats of a layout of contract section 9. */
export function roomOf({ name, layout }: SeatingMap): Room {
  const seats: PlacedSeat[] = [];
  const rows: Row[] = [];
  const stretch = SEAT_PITCH / pitchOf(layout.blocks);
  const blocks = layout.blocks.map((block, at) => placeBlock(stretched(block, stretch), at, seats, rows));
  return moveToOrigin({ name, blocks, rows, seats, tiers: tiersOf(seats), width: 0, height: 0 });
}

/**
 * Distance between seats in the layout's own units: the contract names the place of a block and not its size, so it is the
 * widest at which no grid of seats covers another block.
 */
function pitchOf(blocks: readonly Block[]): number {
  for (let pitch = SEAT_PITCH; pitch > MIN_PITCH; pitch -= 1) {
    const boxes = blocks.map((block) => boxOf(block, pitch));
    const isFree = boxes.every((box, at) => boxes.every((other, place) => place <= at || !overlaps(box, other)));
    if (isFree) return pitch;
  }
  return SEAT_PITCH;
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function boxOf(block: Block, pitch: number): Box {
  const { x, y } = block.position;
  if (block.type !== 'seated_grid')
    return { x, y, width: block.width ?? DEFAULT_AREA, height: block.height ?? DEFAULT_AREA };
  const rows = block.rows ?? [];
  return { x, y, width: Math.max(1, ...rows.map(({ seats }) => seats.length)) * pitch, height: rows.length * pitch };
}

function overlaps(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function stretched(block: Block, stretch: number): Block {
  return {
    ...block,
    position: { x: block.position.x * stretch, y: block.position.y * stretch },
    width: (block.width ?? DEFAULT_AREA) * stretch,
    height: (block.height ?? DEFAULT_AREA) * stretch,
  };
}

function placeBlock(block: Block, at: number, seats: PlacedSeat[], rows: Row[]): PlacedBlock {
  const { x, y } = block.position;
  const first = seats.length;
  const of = (seat: Seat, row: number | undefined, column: number, line: number): void => {
    seats.push({
      at: seats.length,
      id: seat.id,
      label: seat.label,
      tier: seat.tier,
      block: at,
      row,
      x: x + (column + 0.5) * SEAT_PITCH,
      y: y + (line + 0.5) * SEAT_PITCH,
      status: seat.status ?? 'AVAILABLE',
    });
  };
  switch (block.type) {
    case 'seated_grid': {
      const lines = block.rows ?? [];
      for (const [line, { label, seats: inRow }] of lines.entries()) {
        const start = seats.length;
        for (const [column, seat] of inRow.entries()) of(seat, rows.length, column, line);
        rows.push({ label, block: at, seats: range(start, seats.length) });
      }
      return {
        name: block.name,
        type: block.type,
        ...boxOf(block, SEAT_PITCH),
        seats: range(first, seats.length),
      };
    }
    case 'standing_capacity':
    case 'non_sellable': {
      for (const seat of block.seats ?? []) of(seat, undefined, 0, 0);
      return {
        name: block.name,
        type: block.type,
        x,
        y,
        width: block.width ?? DEFAULT_AREA,
        height: block.height ?? DEFAULT_AREA,
        seats: range(first, seats.length),
      };
    }
    default:
      return block.type satisfies never;
  }
}

function moveToOrigin(room: Room): Room {
  const left = Math.min(0, ...room.blocks.map(({ x }) => x)) - MARGIN - LABEL_SPACE;
  const top = Math.min(0, ...room.blocks.map(({ y }) => y)) - MARGIN - LABEL_SPACE;
  const right = Math.max(SEAT_PITCH, ...room.blocks.map(({ x, width }) => x + width));
  const bottom = Math.max(SEAT_PITCH, ...room.blocks.map(({ y, height }) => y + height));
  const moved = <At extends { readonly x: number; readonly y: number }>(at: At): At => ({
    ...at,
    x: at.x - left,
    y: at.y - top,
  });
  return {
    ...room,
    width: right - left + MARGIN,
    height: bottom - top + MARGIN,
    blocks: room.blocks.map(moved),
    seats: room.seats.map(moved),
  };
}

function tiersOf(seats: readonly PlacedSeat[]): Tier[] {
  const tiers = new Map(seats.flatMap(({ tier }) => (tier ? [[tier.id, tier] as const] : [])));
  return [...tiers.values()].sort((a, b) => b.price - a.price);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

/** Directions in which a key moves from seat to seat. */
export type Step = 'left' | 'right' | 'up' | 'down' | 'row start' | 'row end' | 'rows up' | 'rows down';

/** How many rows PageUp and PageDown move. */
const ROWS_A_PAGE = 5;

/**
 * The seat to which a step leads from a seat, by index; the same seat where there is none. Left and right stay in the row;
 * up and down lead to the nearest seat of the next row in that direction, also of another block.
 */
export function stepFrom(room: Room, from: number, step: Step): number {
  const seat = room.seats[from];
  const row = seat?.row === undefined ? undefined : room.rows[seat.row];
  if (!seat || !row) return from;
  const place = row.seats.indexOf(from);
  switch (step) {
    case 'left':
      return row.seats[place - 1] ?? from;
    case 'right':
      return row.seats[place + 1] ?? from;
    case 'row start':
      return row.seats[0] ?? from;
    case 'row end':
      return row.seats.at(-1) ?? from;
    case 'up':
      return nextRow(room, seat, -1);
    case 'down':
      return nextRow(room, seat, 1);
    case 'rows up':
      return nextRows(room, seat, -1);
    case 'rows down':
      return nextRows(room, seat, 1);
    default:
      return step satisfies never;
  }
}

function nextRows(room: Room, from: PlacedSeat, direction: 1 | -1): number {
  let at = from;
  for (let rows = 0; rows < ROWS_A_PAGE; rows += 1) at = room.seats[nextRow(room, at, direction)] ?? at;
  return at.at;
}

/** The nearest seat of the nearest row above or below; rows of all blocks count, those beside this one do not. */
function nextRow(room: Room, from: PlacedSeat, direction: 1 | -1): number {
  let best: { readonly at: number; readonly distance: number } | undefined;
  for (const row of room.rows) {
    const [first] = row.seats;
    const y = first === undefined ? undefined : room.seats[first]?.y;
    if (y === undefined || (y - from.y) * direction < SEAT_PITCH / 2) continue;
    for (const at of row.seats) {
      const seat = room.seats[at];
      if (!seat) continue;
      // A step to a nearer row beats a step to the side, unless the row is far away to the side.
      const distance = Math.abs(seat.y - from.y) + Math.abs(seat.x - from.x) * 2;
      if (!best || distance < best.distance) best = { at, distance };
    }
  }
  return best?.at ?? from.at;
}

import { once } from 'node:events';
import PDFDocument from 'pdfkit';
import { qrSquares } from '../tickets/index.ts';
import { type PageFont, pageFonts } from './fonts.ts';
import { drawable, graphemesOf, lineCount, linesOf, piecesOf, type Run, runsIn } from './line.ts';
import { asSeen, DIRECTION_MARKS, type Stretch } from './visual-order.ts';

/** The content of a ticket's page, from top to bottom. */
export interface TicketPage {
  readonly title: string;
  readonly time: string;
  /** The venue, its address and its web address, as far as they are known. */
  readonly places: readonly string[];
  readonly seat: string;
  readonly tier: string;
  readonly ticketId: string;
  readonly orderId: string;
  /** The text of the QR code. */
  readonly qrText: string;
}

const POINTS_PER_CM = 72 / 2.54;
const PAGE = { width: 21 * POINTS_PER_CM, margin: 2 * POINTS_PER_CM };
const TEXT_WIDTH = PAGE.width - 2 * PAGE.margin;
/** Width without the white border. At this size the code is readable from folded paper and grey copies. */
const QR_WIDTH = 7.5 * POINTS_PER_CM;
/** White squares around the code, as ISO/IEC 18004 requires. */
const QUIET_SQUARES = 4;
const LINE_HEIGHT = 1.35;
const LABEL_SIZE = 9;
const TEXT_SIZE = 13;
const SMALLEST_SIZE = 8;

/** A PDF with one A4 page for each ticket, black on white. Characters that no font has are drawn as boxes. */
export class OpenPdf {
  readonly #document = new PDFDocument({ size: 'A4', margin: 0, autoFirstPage: false, lang: 'en', font: '' });
  readonly #chunks: Buffer[] = [];

  constructor() {
    for (const { name, source } of pageFonts()) {
      // It accepts a loaded font, which its types do not declare yet.
      this.#document.registerFont(name, source as unknown as PDFKit.Mixins.PDFFontSource);
    }
    this.#document.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
  }

  draw(page: TicketPage): void {
    drawPage(this.#document, page);
  }

  /** The whole PDF; nothing can be drawn afterwards. */
  async end(): Promise<Buffer> {
    const ended = once(this.#document, 'end');
    this.#document.end();
    await ended;
    return Buffer.concat(this.#chunks);
  }
}

function drawPage(document: PDFKit.PDFDocument, page: TicketPage): void {
  document.addPage();
  const { margin } = PAGE;
  let y = margin;
  const put = (text: string, sizes: readonly [number, ...number[]], maxLines: number) => {
    y = drawText(document, text, y, sizes, maxLines);
  };
  const field = (label: string, text: string, sizes: readonly [number, ...number[]], maxLines: number) => {
    if (drawable(text).replace(DIRECTION_MARKS, '') === '') return;
    y += 10;
    put(label, [LABEL_SIZE], 1);
    put(text, sizes, maxLines);
  };
  put(page.title, [30, 24, 19, 15], 3);
  field('When', page.time, [TEXT_SIZE], 2);
  const [venue = '', ...addresses] = page.places;
  field('Where', venue, [TEXT_SIZE], 2);
  for (const address of addresses) put(address, [11], 3);
  field('Seat', page.seat, [26, 20, 15], 2);
  field('Tier', page.tier, [TEXT_SIZE], 2);
  y += 14;
  const square = drawQr(document, page.qrText, margin, y);
  y += QR_WIDTH + 2 * QUIET_SQUARES * square + 10;
  put('Show this code at the door. It admits once.', [11], 1);
  put(`Ticket ${page.ticketId}`, [SMALLEST_SIZE], 1);
  put(`Order ${page.orderId}`, [SMALLEST_SIZE], 1);
}

/** Draws a text in the largest size that fits, and returns the top of the next line. */
function drawText(
  document: PDFKit.PDFDocument,
  given: string,
  top: number,
  sizes: readonly [number, ...number[]],
  maxLines: number,
): number {
  const pieces = piecesOf(drawable(given), TEXT_WIDTH / sizes[0], emsOf);
  const fits = (size: number) => lineCount(pieces, TEXT_WIDTH / size) <= maxLines;
  const size = sizes.find(fits) ?? Math.min(...sizes);
  let y = top;
  const { lines, isRightToLeft } = asSeen(linesOf(pieces, TEXT_WIDTH / size, maxLines));
  for (const line of lines) {
    drawLine(document, line, isRightToLeft, y + size, size);
    y += size * LINE_HEIGHT;
  }
  return y;
}

function drawLine(
  document: PDFKit.PDFDocument,
  line: readonly Stretch[],
  isRightToLeft: boolean,
  baseline: number,
  size: number,
): void {
  const width = emsSeen(line) * size;
  let x = isRightToLeft ? PAGE.width - PAGE.margin - width : PAGE.margin;
  for (const stretch of line) {
    // Readers copy this text. From glyphs that join or reorder letters they would guess another. From right to left a glyph
    // is a letter, and readers turn the order themselves, also that of a given text.
    if (!stretch.isRightToLeft) document.markContent('Span', { actual: stretch.text });
    for (const { text, font } of runsSeen(stretch)) {
      document.font(font.name).fontSize(size);
      // Its types know only lists.
      const features = font.features() as PDFKit.Mixins.OpenTypeFeatures[];
      document.text(text, x, baseline, { lineBreak: false, baseline: 'alphabetic', features });
      x += font.emsOf(text) * size;
    }
    if (!stretch.isRightToLeft) document.endMarkedContent();
  }
}

function emsSeen(line: readonly Stretch[]): number {
  return line.flatMap(runsSeen).reduce((width, { text, font }) => width + font.emsOf(text), 0);
}

function emsOf(text: string): number {
  return runsOf(text).reduce((width, run) => width + run.font.emsOf(run.text), 0);
}

function runsOf(line: string): Run<PageFont>[] {
  const [first, ...others] = pageFonts();
  return first ? runsIn(line.replace(DIRECTION_MARKS, ''), [first, ...others]) : [];
}

/** The runs of a stretch from left to right. */
function runsSeen({ text, isRightToLeft }: Stretch): Run<PageFont>[] {
  const runs = runsOf(text);
  const ordered = isRightToLeft ? runs.reverse() : runs;
  return ordered.map((run) =>
    run.font.reverses(run.text) === isRightToLeft ? run : { ...run, text: graphemesOf(run.text).reverse().join('') },
  );
}

/** Draws all squares as one path, because separate ones show white hairlines. Returns the width of a square. */
function drawQr(document: PDFKit.PDFDocument, qrText: string, left: number, top: number): number {
  const qr = qrSquares(qrText);
  const side = QR_WIDTH / qr.size;
  const [x0, y0] = [left + QUIET_SQUARES * side, top + QUIET_SQUARES * side];
  for (let row = 0; row < qr.size; row += 1) {
    for (let column = 0; column < qr.size; column += 1) {
      if (qr.isBlack(row, column)) document.rect(x0 + column * side, y0 + row * side, side, side);
    }
  }
  document.fill('black');
  return side;
}

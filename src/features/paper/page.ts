import bidiFactory, { type Bidi } from 'bidi-js';
import PDFDocument from 'pdfkit';
import { qrSquares } from '../tickets/index.ts';
import { type PageFont, pageFonts } from './fonts.ts';
import { drawable, graphemesOf, lineCount, linesOf, piecesOf, type Run, runsIn } from './line.ts';

/** The content of a ticket's page, from top to bottom. */
export interface TicketPage {
  readonly title: string;
  readonly time: string;
  readonly venue: string;
  readonly address: string;
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
// The types describe the bundler's module; Node loads the function itself.
const bidi = (bidiFactory as unknown as () => Bidi)();

/** A PDF with one A4 page for each ticket, black on white. Characters that no font has are drawn as boxes. */
export function drawTicketPages(pages: readonly TicketPage[]): Promise<Buffer> {
  const fonts = pageFonts();
  const document = new PDFDocument({ size: 'A4', margin: 0, autoFirstPage: false, lang: 'en', font: '' });
  for (const { name, source } of fonts) {
    // It accepts a loaded font, which its types do not declare yet.
    document.registerFont(name, source as unknown as PDFKit.Mixins.PDFFontSource);
  }
  const chunks: Buffer[] = [];
  const done = Promise.withResolvers<Buffer>();
  document.on('data', (chunk: Buffer) => chunks.push(chunk));
  document.on('end', () => done.resolve(Buffer.concat(chunks)));
  document.on('error', done.reject);
  for (const page of pages) drawPage(document, page);
  document.end();
  return done.promise;
}

function drawPage(document: PDFKit.PDFDocument, page: TicketPage): void {
  document.addPage();
  const { margin } = PAGE;
  let y = margin;
  const put = (text: string, sizes: readonly [number, ...number[]], maxLines: number) => {
    y = drawText(document, text, y, sizes, maxLines);
  };
  const field = (label: string, text: string, sizes: readonly [number, ...number[]], maxLines: number) => {
    if (drawable(text) === '') return;
    y += 10;
    put(label, [LABEL_SIZE], 1);
    put(text, sizes, maxLines);
  };
  put(page.title, [30, 24, 19, 15], 3);
  field('When', page.time, [TEXT_SIZE], 2);
  field('Where', page.venue, [TEXT_SIZE], 2);
  put(page.address, [11], 3);
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
  for (const line of linesOf(pieces, TEXT_WIDTH / size, maxLines)) {
    drawLine(document, line, y + size, size);
    y += size * LINE_HEIGHT;
  }
  return y;
}

/** An empty list makes pdfkit shape a run as a whole and not word by word. */
const SHAPED_WHOLE: PDFKit.Mixins.OpenTypeFeatures[] = [];

function drawLine(document: PDFKit.PDFDocument, line: string, baseline: number, size: number): void {
  let x = PAGE.margin;
  for (const { text, font } of asSeen(line)) {
    document.font(font.name).fontSize(size);
    document.text(text, x, baseline, { lineBreak: false, baseline: 'alphabetic', features: SHAPED_WHOLE });
    x += font.emsOf(text) * size;
  }
}

function emsOf(text: string): number {
  return runsOf(text).reduce((width, run) => width + run.font.emsOf(run.text), 0);
}

function runsOf(line: string): Run<PageFont>[] {
  const [first, ...others] = pageFonts();
  return first ? runsIn(line, [first, ...others]) : [];
}

/**
 * The runs of a line from left to right, by the Unicode Bidirectional Algorithm (UAX 9, rule L2). Shaping reverses the text
 * within a right-to-left run.
 */
function asSeen(line: string): Run<PageFont>[] {
  const { levels } = bidi.getEmbeddingLevels(line, 'ltr');
  const parts: { text: string; level: number }[] = [];
  for (let at = 0; at < line.length; at += 1) {
    const level = levels[at] ?? 0;
    const last = parts.at(-1);
    if (last && last.level === level) last.text += line[at] ?? '';
    else parts.push({ text: line[at] ?? '', level });
  }
  for (let level = Math.max(0, ...parts.map((part) => part.level)); level >= 1; level -= 1) {
    reverseWhere(parts, (part) => part.level >= level);
  }
  return parts.flatMap(({ text, level }) => (level % 2 === 0 ? runsOf(text) : runsOf(text).reverse().map(turned)));
}

/** A right-to-left run, with its text reversed if its font does not do that itself. */
function turned(run: Run<PageFont>): Run<PageFont> {
  return run.font.isShaping ? run : { ...run, text: graphemesOf(run.text).reverse().join('') };
}

/** Reverses each sequence of adjacent parts that `belongs` accepts. */
function reverseWhere<Part>(parts: Part[], belongs: (part: Part) => boolean): void {
  let start = 0;
  while (start < parts.length) {
    let end = start;
    while (end < parts.length && belongs(parts[end] as Part)) end += 1;
    parts.splice(start, end - start, ...parts.slice(start, end).reverse());
    start = end + 1;
  }
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

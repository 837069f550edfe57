/** A part of a line in one font. */
export interface Run<Font> {
  readonly text: string;
  readonly font: Font;
}

/** What decides whether a font can draw a text. */
export interface Coverage {
  covers(codePoint: number): boolean;
  canShape(text: string): boolean;
}

/** Longer than any real name, and short enough to lay out quickly. */
const MAX_CHARS = 400;
/** Drawn in place of a character that no font has. */
const MISSING = '□';
/** Invisible characters, which are removed, but for joiners and marks of direction: those change how neighbours look. */
const SHAPELESS = /(?![\u061c\u200c-\u200f\u202a-\u202e\u2066-\u2069])[\p{C}\p{Zl}\p{Zp}]+/gu;
const IGNORED_IN_FONTS = /^(?:\u200c|\u200d|[\ufe00-\ufe0f])$/;
const HAS_SHAPE_OF_SCRIPT = /[\p{L}\p{M}\p{N}]/u;
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const words = new Intl.Segmenter('en', { granularity: 'word' });

/** A text prepared for drawing: one line of limited length without invisible characters. */
export function drawable(text: string): string {
  const flat = text
    .replace(/[\t-\r]+/g, ' ')
    .replace(SHAPELESS, '')
    .replace(/\s+/gu, ' ')
    .trim();
  const characters = [...flat.slice(0, 4 * MAX_CHARS)];
  return characters.length > MAX_CHARS ? `${characters.slice(0, MAX_CHARS).join('')}…` : flat;
}

/**
 * Splits a text into runs in logical order, each in the first font that has all its characters. Spaces and punctuation stay
 * with the run before them. A character that no font has becomes a box.
 */
export function runsIn<Font extends Coverage>(text: string, fonts: readonly [Font, ...Font[]]): Run<Font>[] {
  const runs: { text: string; font: Font }[] = [];
  for (const segment of graphemesOf(text)) {
    const last = runs.at(-1);
    const isNeutral = !HAS_SHAPE_OF_SCRIPT.test(segment);
    const known =
      last && isNeutral && hasAll(last.font, segment) ? last.font : fonts.find((each) => hasAll(each, segment));
    const font = known ?? fonts[fonts.length - 1] ?? fonts[0];
    const drawn = known ? segment : MISSING;
    if (last?.font === font) last.text += drawn;
    else runs.push({ text: drawn, font });
  }
  return runs.map((run) => (run.font.canShape(run.text) ? run : { ...run, text: toBoxes(run.text) }));
}

function hasAll(font: Coverage, grapheme: string): boolean {
  return [...grapheme].every(
    (character) => IGNORED_IN_FONTS.test(character) || font.covers(character.codePointAt(0) ?? 0),
  );
}

function toBoxes(text: string): string {
  return MISSING.repeat(graphemesOf(text).length);
}

/** The graphemes of a text: what readers see as single characters. */
export function graphemesOf(text: string): string[] {
  return [...graphemes.segment(text)].map(({ segment }) => segment);
}

/** A word, a space or a part of a word, with its width in ems. */
export interface Piece {
  readonly text: string;
  readonly ems: number;
}

/** The pieces between which lines may break: words, and the graphemes of words wider than `maxEms`. */
export function piecesOf(text: string, maxEms: number, emsOf: (text: string) => number): Piece[] {
  return [...words.segment(text)].flatMap(({ segment }) => {
    const word = { text: segment, ems: emsOf(segment) };
    if (word.ems <= maxEms) return [word];
    return graphemesOf(segment).map((grapheme) => ({ text: grapheme, ems: emsOf(grapheme) }));
  });
}

/** At most `maxLines` lines of at most `maxEms`, with the blanks between them. The last one ends with an ellipsis if text is cut. */
export function linesOf(pieces: readonly Piece[], maxEms: number, maxLines: number): string[] {
  const lines = filled(pieces, maxEms);
  const kept = lines.slice(0, maxLines);
  const last = kept.at(-1);
  if (last && lines.length > maxLines) kept[kept.length - 1] = shortened(last, maxEms);
  return kept.map(textOf);
}

/** Number of lines of at most `maxEms` that the pieces fill. */
export function lineCount(pieces: readonly Piece[], maxEms: number): number {
  return filled(pieces, maxEms).length;
}

function filled(pieces: readonly Piece[], maxEms: number): Piece[][] {
  const lines: Piece[][] = [];
  let width = 0;
  for (const piece of pieces) {
    const line = lines.at(-1);
    const isBlank = piece.text.trim() === '';
    if (line && (isBlank || width + piece.ems <= maxEms)) {
      line.push(piece);
      width += piece.ems;
    } else if (!isBlank) {
      lines.push([piece]);
      width = piece.ems;
    }
  }
  return lines;
}

const ELLIPSIS: Piece = { text: '…', ems: 1 };

function shortened(line: readonly Piece[], maxEms: number): Piece[] {
  const kept = [...line];
  while (kept.reduce((width, { ems }) => width + ems, ELLIPSIS.ems) > maxEms) kept.pop();
  return [...kept, ELLIPSIS];
}

function textOf(pieces: readonly Piece[]): string {
  return pieces.map(({ text }) => text).join('');
}

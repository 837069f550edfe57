/** A part of a line that one font draws. */
export interface Run<Font> {
  readonly text: string;
  readonly font: Font;
}

/** What is asked of a font to choose it. */
export interface Coverage {
  covers(codePoint: number): boolean;
  canShape(text: string): boolean;
}

/** Longer than any name that is meant to be read, short enough to be set at once. */
const MAX_CHARS = 400;
/** Drawn in place of a character that no font has. */
const MISSING = '□';
/** Joiners change the shape of their neighbours; everything else that has no shape of its own is left out. */
const SHAPELESS = /(?![\u200c\u200d])[\p{C}\p{Zl}\p{Zp}]+/gu;
const IGNORED_IN_FONTS = /^(?:\u200c|\u200d|[\ufe00-\ufe0f])$/;
const HAS_SHAPE_OF_SCRIPT = /[\p{L}\p{M}\p{N}]/u;
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const words = new Intl.Segmenter('en', { granularity: 'word' });

/** A text as it can be drawn: of bounded length, in one line, without what has no shape. */
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
 * The runs of a text in its logical order, each in the first font that has all of it. Blanks and signs go with what is
 * before them; a character that no font has becomes a box.
 */
export function runsIn<Font extends Coverage>(text: string, fonts: readonly [Font, ...Font[]]): Run<Font>[] {
  const runs: { text: string; font: Font }[] = [];
  for (const segment of graphemesOf(text)) {
    const last = runs.at(-1);
    const isNeutral = !HAS_SHAPE_OF_SCRIPT.test(segment);
    const known =
      last && isNeutral && hasAll(last.font, segment)
        ? last.font
        : fonts.find((each) => hasAll(each, segment));
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
  return graphemesOf(text)
    .map(() => MISSING)
    .join('');
}

/** What a reader takes for a character each. */
export function graphemesOf(text: string): string[] {
  return [...graphemes.segment(text)].map(({ segment }) => segment);
}

/** A word, a blank or a part of a word, with its width in ems: its width at any size, by that size. */
export interface Piece {
  readonly text: string;
  readonly ems: number;
}

/** What a text is broken into lines between: its words, and the graphemes of one that is wider than `maxEms`. */
export function piecesOf(text: string, maxEms: number, emsOf: (text: string) => number): Piece[] {
  return [...words.segment(text)].flatMap(({ segment }) => {
    const word = { text: segment, ems: emsOf(segment) };
    if (word.ems <= maxEms) return [word];
    return graphemesOf(segment).map((grapheme) => ({ text: grapheme, ems: emsOf(grapheme) }));
  });
}

/** Lines of at most `maxEms`; past `maxLines` the last one ends with an ellipsis. */
export function linesOf(pieces: readonly Piece[], maxEms: number, maxLines: number): string[] {
  const lines = filled(pieces, maxEms);
  const kept = lines.slice(0, maxLines);
  const last = kept.at(-1);
  if (last && lines.length > maxLines) kept[kept.length - 1] = shortened(last, maxEms);
  return kept.map((line) => textOf(line).trim());
}

/** How many lines of at most `maxEms` it takes. */
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

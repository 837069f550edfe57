import bidiFactory, { type Bidi, type BidiCharTypeName } from 'bidi-js';

/** A stretch of a line in one direction. Its characters are in the order in which they are read. */
export interface Stretch {
  readonly text: string;
  readonly isRightToLeft: boolean;
}

/** A paragraph as it is seen. */
export interface SeenParagraph {
  /** Whether its lines begin at the right. */
  readonly isRightToLeft: boolean;
  /** The stretches of each line from left to right. */
  readonly lines: readonly (readonly Stretch[])[];
}

// The types describe the bundler's module; Node loads the function itself.
const bidi = (bidiFactory as unknown as () => Bidi)();

/** Characters without a shape that only set the direction of their neighbours. */
export const DIRECTION_MARKS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const MARKS_AND_BLANKS_AT_END = /[\s\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+$/u;
const ASTRAL = /[\u{10000}-\u{10ffff}]/gu;

/** One character of each class that occurs beyond the first 65,536. The library takes half a surrogate pair for a letter. */
const STAND_INS: Partial<Record<BidiCharTypeName, string>> = {
  R: '\u05d0',
  AL: '\u0627',
  EN: '1',
  AN: '\u0661',
  ET: '#',
  ON: '!',
  NSM: '\u0300',
  BN: '\u00ad',
};

/** The lines of one paragraph in visual order, by the whole Unicode Bidirectional Algorithm (UAX 9), brackets mirrored. */
export function asSeen(lines: readonly string[]): SeenParagraph {
  const { levels, paragraphs } = bidi.getEmbeddingLevels(withStandIns(lines.join('')));
  const base = paragraphs[0]?.level ?? 0;
  const starts = lines.map((_, at) => lines.slice(0, at).join('').length);
  return {
    isRightToLeft: isOdd(base),
    lines: lines.map((line, at) => stretchesOf(line, levels.subarray(starts[at]), base)),
  };
}

function withStandIns(text: string): string {
  return text.replace(ASTRAL, (character) => (STAND_INS[bidi.getBidiCharTypeName(character)] ?? 'a').repeat(2));
}

function stretchesOf(line: string, levels: Uint8Array, base: number): Stretch[] {
  const parts: { text: string; level: number }[] = [];
  // Rule L1: what is invisible at the end of a line has the direction of the paragraph.
  const endsAt = line.replace(MARKS_AND_BLANKS_AT_END, '').length;
  for (let at = line.length - line.trimStart().length; at < endsAt; at += 1) {
    const level = levels[at] ?? base;
    const last = parts.at(-1);
    if (last?.level === level) last.text += line[at] ?? '';
    else parts.push({ text: line[at] ?? '', level });
  }
  for (let level = Math.max(0, ...parts.map((part) => part.level)); level >= 1; level -= 1) {
    reverseWhere(parts, (part) => part.level >= level);
  }
  return parts.map(({ text, level }) => ({
    text: isOdd(level) ? mirrored(text) : text,
    isRightToLeft: isOdd(level),
  }));
}

/** Rule L4. */
function mirrored(text: string): string {
  return [...text].map((character) => bidi.getMirroredCharacter(character) ?? character).join('');
}

/** Rule L2: reverses each sequence of adjacent parts that `belongs` accepts. */
function reverseWhere<Part>(parts: Part[], belongs: (part: Part) => boolean): void {
  let start = 0;
  while (start < parts.length) {
    let end = start;
    while (end < parts.length && belongs(parts[end] as Part)) end += 1;
    parts.splice(start, end - start, ...parts.slice(start, end).reverse());
    start = end + 1;
  }
}

function isOdd(level: number): boolean {
  return level % 2 === 1;
}

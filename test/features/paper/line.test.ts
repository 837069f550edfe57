import { describe, expect, test } from 'vitest';
import { drawable, linesOf, piecesOf, runsIn } from '../../../src/features/paper/line.ts';

const font = (name: string, characters: RegExp, canShape = true) => ({
  name,
  covers: (codePoint: number) => characters.test(String.fromCodePoint(codePoint)),
  canShape: () => canShape,
});
const latin = font('latin', /[\p{Script=Latin} .,]/u);
const greek = font('greek', /[\p{Script=Greek}a-z]/u);
const boxes = font('boxes', /□/u);
const named = (text: string) => runsIn(text, [latin, greek, boxes]).map((run) => [run.font.name, run.text]);

describe('runs of text', () => {
  test('they use the first font that has the text', () => {
    expect(named('abc')).toEqual([['latin', 'abc']]);
    expect(named('abΩc')).toEqual([
      ['latin', 'ab'],
      ['greek', 'Ω'],
      ['latin', 'c'],
    ]);
  });

  test('they keep combining marks with the preceding character where its font has them', () => {
    expect(named('ab, Ω.')).toEqual([
      ['latin', 'ab, '],
      ['greek', 'Ω'],
      ['latin', '.'],
    ]);
  });

  test('they have a box for each character that no font has', () => {
    expect(named('a漢字')).toEqual([
      ['latin', 'a'],
      ['boxes', '□□'],
    ]);
  });

  test('they have boxes where a font fails to shape the text', () => {
    const broken = font('broken', /./u, false);
    expect(runsIn('ab', [broken]).map(({ text }) => text)).toEqual(['□□']);
  });
});

test('a text is made drawable: one line, bounded, without characters that have no shape', () => {
  expect(drawable('  a\r\n b\u0000\u202e\ufeffc ')).toBe('a bc');
  expect(drawable('क्\u200dष')).toBe('क्\u200dष');
  expect([...drawable('😀'.repeat(1_000))]).toHaveLength(401);
  expect(drawable('\ud800')).toBe('');
});

describe('lines of text', () => {
  const lines = (text: string, maxEms: number, maxLines = 9) => {
    const pieces = piecesOf(text, maxEms, (each) => each.length);
    return linesOf(pieces, maxEms, maxLines).map((line) => line.trim());
  };

  test('they break between words, and within a word that is too long', () => {
    expect(lines('aaa bb cccc', 6)).toEqual(['aaa bb', 'cccc']);
    expect(lines('aaaaaaaa b', 3)).toEqual(['aaa', 'aaa', 'aa', 'b']);
  });

  test('they end with an ellipsis when there are too many', () => {
    expect(lines('aaa bbb ccc', 4, 2)).toEqual(['aaa', 'bbb…']);
    expect(lines('aaa bbb ccc', 3, 1)).toEqual(['…']);
  });

  test('there are none for an empty text', () => {
    expect(lines('', 4)).toEqual([]);
    expect(lines('   ', 4)).toEqual([]);
  });
});

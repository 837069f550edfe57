import { describe, expect, test } from 'vitest';
import { asSeen } from '../../../src/features/paper/visual-order.ts';

/** Each line as a reader sees it, from left to right. */
function seen(...lines: string[]) {
  const inOrder = ({ text, isRightToLeft }: { text: string; isRightToLeft: boolean }) =>
    isRightToLeft ? [...text].reverse().join('') : text;
  return asSeen(lines).lines.map((stretches) => stretches.map(inOrder).join(''));
}

describe('rtl-brackets: a paragraph as it is seen', () => {
  test.each([
    ['brackets and marks at the end of Hebrew', 'אולם (א) 2026!', '!2026 (א) םלוא'],
    ['Latin words and numbers in Arabic', 'مسرح Jazz 2026 في دبي', 'يبد يف Jazz 2026 حرسم'],
    ['nested and angle brackets', 'א [ב {ג}] «ד» <ה>', '<ה> «ד» [{ג} ב] א'],
    ['brackets of a Hebrew word in English', 'Gala (בית ספר) night', 'Gala (רפס תיב) night'],
    ['a number after a Hebrew word in English', 'Hall אב 12-34, east', 'Hall 12-34 בא, east'],
    ['Arabic digits', 'قاعة ٢٠٢٦', '٢٠٢٦ ةعاق'],
    ['a sign before the first letter', '(א) Jazz', 'Jazz (א)'],
    ['an emoji before the first letter', '🎉 אב!', '!בא 🎉'],
    ['letters beyond the first 65,536', '𞤀𞤁 (𞤂)', '(𞤂) 𞤁𞤀'],
    ['only numbers and signs', '12 (3)!', '12 (3)!'],
    ['an English paragraph', 'Tides (of) Light!', 'Tides (of) Light!'],
  ])('it orders and mirrors %s', (_name, written, visual) => {
    expect(seen(written)).toEqual([visual]);
  });

  test.each([
    ['a mark', 'אב\u200e!', '!\u200eבא'],
    ['an isolate', 'a \u2067אב (1)\u2069 b', 'a \u2067(1) בא\u2069 b'],
    ['an override', '\u202eabc\u202c', '\u202c\u202ecba'],
  ])('it follows %s', (_name, written, visual) => {
    const isShown = (text: string | undefined) => text?.replace(/[\u200e\u202a-\u202e\u2066-\u2069]/g, '');
    expect(isShown(seen(written)[0])).toBe(isShown(visual));
  });

  test('it decides on the whole paragraph and orders each line, without the blanks at its ends', () => {
    expect(seen('אב Jazz ', '(night) גד ', 'east')).toEqual(['Jazz בא', 'דג (night)', 'east']);
    expect(asSeen(['2026 ', 'אב']).isRightToLeft).toBe(true);
    expect(asSeen(['2026 ', 'ab', ' אב']).isRightToLeft).toBe(false);
    expect(asSeen([]).lines).toEqual([]);
  });
});

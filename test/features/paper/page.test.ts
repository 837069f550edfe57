import fc from 'fast-check';
import { expect, test } from 'vitest';
import { drawTicketPages } from '../../../src/features/paper/page.ts';
import { sayTime } from '../../../src/features/paper/session-time.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { builtPage, PAGE_QR_TEXT } from '../../support/built-pages.ts';
import { codesIn, renderPages } from '../../support/pdf-pages.ts';

/** Text of any script: runs of neighbouring code points, where shaping rules matter most. */
const anyScript = fc
  .array(
    fc.tuple(fc.integer({ min: 0x20, max: 0x1ffff }), fc.array(fc.integer({ min: 0, max: 0x7f }), { maxLength: 12 })),
    { maxLength: 6 },
  )
  .map((stretches) =>
    stretches
      .flatMap(([from, steps]) => [from, ...steps.map((step) => from + step)])
      .map((codePoint) => String.fromCodePoint(codePoint))
      .join(' '.repeat(stretches.length % 2)),
  );

test('a page is drawn whatever the names are, and its code can be read', async () => {
  const names = fc.sample(anyScript, { numRuns: 120, seed: 6 });
  for (const [at, name] of names.entries()) {
    const pdf = await drawTicketPages([builtPage(name, { seat: names[at - 1] ?? '' })]);
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
    if (at % 20 !== 0) continue;
    const [rendered] = await renderPages(pdf);
    expect(rendered && (await codesIn(rendered.picture)).map(({ text }) => text)).toEqual([PAGE_QR_TEXT]);
  }
});

test('a time is shown with its zone, also when a clock is set back', () => {
  const at = instant(Date.parse('2026-10-25T00:30:00Z'));
  expect(sayTime(at, 'UTC')).toBe('Sunday 25 October 2026, 00:30 (UTC)');
  expect(sayTime(at, 'Europe/Berlin')).toBe('Sunday 25 October 2026, 02:30 (Europe/Berlin, GMT+02:00)');
  const hour = instant(at + 3_600_000);
  expect(sayTime(hour, 'Europe/Berlin')).toBe('Sunday 25 October 2026, 02:30 (Europe/Berlin, GMT+01:00)');
  expect(sayTime(instant(Date.parse('2026-12-31T18:30:00Z')), 'Asia/Colombo')).toBe(
    'Friday 1 January 2027, 00:00 (Asia/Colombo, GMT+05:30)',
  );
});

import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { sayTime } from '../../../src/features/paper/session-time.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { builtPage, drawPages, PAGE_QR_TEXT } from '../../support/built-pages.ts';
import { codesIn, PIXELS_PER_CM, renderPages } from '../../support/pdf-pages.ts';

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
    const pdf = await drawPages([builtPage(name, { seat: names[at - 1] ?? '' })]);
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
    if (at % 20 !== 0) continue;
    const [rendered] = await renderPages(pdf);
    expect(rendered && (await codesIn(rendered.picture)).map(({ text }) => text)).toEqual([PAGE_QR_TEXT]);
  }
});

test.each(['UTC', 'Asia/Colombo', 'America/St_Johns'])('a time is shown with its zone, on a machine in %s', (zone) => {
  vi.stubEnv('TZ', zone);
  onTestFinished(() => void vi.unstubAllEnvs());
  const at = instant(Date.parse('2026-10-25T00:30:00Z'));
  expect(sayTime(at, 'UTC')).toBe('Sunday 25 October 2026, 00:30 (UTC)');
  expect(sayTime(at, 'Europe/Berlin')).toBe('Sunday 25 October 2026, 02:30 (Europe/Berlin, GMT+02:00)');
  const hour = instant(at + 3_600_000);
  expect(sayTime(hour, 'Europe/Berlin')).toBe('Sunday 25 October 2026, 02:30 (Europe/Berlin, GMT+01:00)');
  expect(sayTime(instant(Date.parse('2026-12-31T18:30:00Z')), 'Asia/Colombo')).toBe(
    'Friday 1 January 2027, 00:00 (Asia/Colombo, GMT+05:30)',
  );
});

describe('text copied from a page', () => {
  test.each([
    ['Sinhala, whose vowels stand before their letters', 'ආලෝකයේ රළ'],
    ['Tamil', 'ஒளியின் அலைகள்'],
    ['Devanagari, whose letters join', 'क्षत्रिय श्री'],
    ['Latin ligatures and signs', 'Déjà office (fi) – fin!'],
    ['rtl-brackets: Hebrew with brackets and a number', 'אולם (א) 2026!'],
    ['rtl-brackets: Arabic, whose letters have dots and join', 'مهرجان الميناء (في) بيروت'],
  ])('it is what was written: %s', async (_name, title) => {
    const [page] = await renderPages(await drawPages([builtPage(title)]));
    expect(page?.text.split(title)).toHaveLength(5);
  });
});

test('rtl-brackets: a paragraph from right to left begins at the right, any other at the left', async () => {
  const [hebrew, english] = await renderPages(await drawPages([builtPage('אולם'), builtPage('Hall')]));
  const darkest = (page: typeof hebrew) => {
    const { data, width } = page?.picture ?? { data: new Uint8ClampedArray(), width: 0 };
    const title = data.subarray(0, width * 4 * PIXELS_PER_CM * 3);
    return (title.findIndex((value) => value < 128) / 4) % width;
  };
  expect(darkest(hebrew)).toBeGreaterThan(12 * PIXELS_PER_CM);
  expect(darkest(english)).toBeLessThan(4 * PIXELS_PER_CM);
});

test('ics-online: a page has the name and the link of an online session, and its address', async () => {
  const places = ['Online', '1 Quay Street', 'https://talk.example/1'];
  const [page] = await renderPages(await drawPages([builtPage('Talk', { places })]));
  for (const place of places) expect(page?.text).toContain(place);
});

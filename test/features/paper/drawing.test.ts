import { expect, onTestFinished, test } from 'vitest';
import { Drawing, type DrawingLimits } from '../../../src/features/paper/drawing.ts';
import { drawTicketPages, type TicketPage } from '../../../src/features/paper/page.ts';
import { builtPage } from '../../support/built-pages.ts';

const ALL_SCRIPTS = 'Déjà Ночь क्षत्रिय ආලෝකයේ ஒளியின் مسرح קולנוע 東京都 🎉';

/** Not a page: drawing it fails. */
const BAD_PAGE = { ...builtPage('bad'), title: undefined } as unknown as TicketPage;

function opened(limits: Partial<DrawingLimits> = {}) {
  const drawing = new Drawing(limits);
  onTestFinished(() => drawing.close());
  return drawing;
}

/** How often the event loop of this thread turns while a PDF is made. */
async function turnsWhile(make: () => Promise<Buffer>): Promise<number> {
  let turns = 0;
  let isMaking = true;
  const turn = () => {
    turns += 1;
    if (isMaking) setImmediate(turn);
  };
  setImmediate(turn);
  const pdf = await make();
  isMaking = false;
  expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
  return turns;
}

test('the first page in every script does not block the event loop', async () => {
  const drawing = opened();
  const beside = await turnsWhile(() => drawing.draw([builtPage(ALL_SCRIPTS)]));
  const here = await turnsWhile(() => drawTicketPages([builtPage(ALL_SCRIPTS)]));
  expect(beside).toBeGreaterThan(10 * here);
});

test('PDFs are drawn one after another, and each caller receives their own', async () => {
  const drawing = opened();
  const sizes = [1, 2, 3];
  const pdfs = await Promise.all(sizes.map((count) => drawing.draw(Array(count).fill(builtPage('x')))));
  expect(pdfs.map((pdf) => pdf.toString('latin1').match(/\/Type \/Page\n/g)?.length)).toEqual(sizes);
});

test('PDFs beyond the queue’s bound are refused, and the others are drawn', async () => {
  const drawing = opened({ maxWaiting: 1 });
  const settled = await Promise.allSettled([1, 2, 3].map(() => drawing.draw([builtPage('x')])));
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  expect(settled[2]).toMatchObject({ reason: { code: 'printing_busy' } });
  await drawing.draw([builtPage('x')]);
});

test('a page that cannot be drawn does not affect the others', async () => {
  const drawing = opened();
  const settled = await Promise.allSettled([drawing.draw([BAD_PAGE]), drawing.draw([builtPage('x')])]);
  expect(settled.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
});

test('a PDF that takes too long is abandoned, and another thread continues', async () => {
  const drawing = opened({ maxDrawMs: 6_000 });
  const endless = drawing.draw(Array(2_000).fill(builtPage(ALL_SCRIPTS)));
  await expect(endless).rejects.toMatchObject({ code: 'printing_busy' });
  expect((await drawing.draw([builtPage('x')])).length).toBeGreaterThan(1_000);
});

test('a PDF that waits too long is refused, and the one being drawn is finished', async () => {
  const drawing = opened({ maxWaitMs: 1 });
  const settled = await Promise.allSettled([drawing.draw([builtPage('x')]), drawing.draw([builtPage('x')])]);
  expect(settled).toMatchObject([{ status: 'fulfilled' }, { status: 'rejected', reason: { code: 'printing_busy' } }]);
});

test('closing refuses the waiting PDFs and ends the thread', async () => {
  const drawing = new Drawing();
  const both = Promise.allSettled([drawing.draw([builtPage('x')]), drawing.draw([builtPage('x')])]);
  await drawing.close();
  expect(await both).toMatchObject([{ reason: { code: 'shutting_down' } }, { reason: { code: 'shutting_down' } }]);
  await expect(drawing.draw([builtPage('x')])).rejects.toMatchObject({ code: 'shutting_down' });
});

import { describe, expect, onTestFinished, test } from 'vitest';
import { Drawing, type DrawingLimits } from '../../../src/features/paper/drawing.ts';
import type { TicketPage } from '../../../src/features/paper/page.ts';
import { as, type UserId } from '../../../src/kernel/ids.ts';
import { builtPage, drawPages } from '../../support/built-pages.ts';
import { patience } from '../../support/patience.ts';

const [ANN, BEN] = [as<UserId>('ann'), as<UserId>('ben')];
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
  const beside = await turnsWhile(() => drawing.draw(ANN, [builtPage(ALL_SCRIPTS)]));
  const here = await turnsWhile(() => drawPages([builtPage(ALL_SCRIPTS)]));
  expect(beside).toBeGreaterThan(10 * here);
});

/** So many pages. */
const pages = (count: number) => Array<TicketPage>(count).fill(builtPage('x'));
const pageCount = (pdf: Buffer) => pdf.toString('latin1').match(/\/Type \/Page\n/g)?.length;

/** Who has their PDF, in the order in which they get it. */
async function finished(drawn: readonly [string, Promise<Buffer>][]): Promise<string[]> {
  const names: string[] = [];
  await Promise.all(drawn.map(([name, pdf]) => pdf.then(() => names.push(name))));
  return names;
}

test('PDFs of a user are drawn one after another, and each caller receives their own', async () => {
  const drawing = opened();
  const drawn = [1, 5, 2].map((count) => drawing.draw(ANN, pages(count)));
  expect(await finished(drawn.map((pdf, at) => [`${at}`, pdf]))).toEqual(['0', '1', '2']);
  expect((await Promise.all(drawn)).map(pageCount)).toEqual([1, 5, 2]);
});

describe('pdf-queue: a neighbour’s PDF', () => {
  test('it waits for a page of another user and not for their PDFs', async () => {
    const drawing = opened({ maxWaitMs: 600_000, maxDrawMs: 600_000 });
    const many = Array.from({ length: 20 }, (_, at): [string, Promise<Buffer>] => [
      `ann ${at}`,
      drawing.draw(ANN, pages(10)),
    ]);
    expect((await finished([...many, ['ben', drawing.draw(BEN, pages(3))]]))[0]).toBe('ben');
  });

  test('it overtakes a PDF that is being drawn', async () => {
    const drawing = opened({ maxDrawMs: 600_000 });
    await drawing.draw(ANN, pages(1));
    const long = drawing.draw(ANN, pages(100));
    await new Promise((resume) => setImmediate(resume));
    expect(
      await finished([
        ['ann', long],
        ['ben', drawing.draw(BEN, pages(10))],
      ]),
    ).toEqual(['ben', 'ann']);
  });

  test('it is drawn when another user has as many PDFs as they may have', async () => {
    const drawing = opened({ maxPdfsOfUser: 2 });
    const drawn = [ANN, ANN, ANN, BEN].map((user) => drawing.draw(user, pages(1)));
    const settled = await Promise.allSettled(drawn);
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    expect(settled[2]).toMatchObject({ reason: { code: 'printing_busy' } });
    await drawing.draw(ANN, pages(1));
  });

  test('it begins again when a page of another user ends the thread', async () => {
    const endless = builtPage(ALL_SCRIPTS, { places: Array(20_000).fill(ALL_SCRIPTS.repeat(5)) });
    const drawing = opened({ maxPageMs: patience(1_000), maxWaitMs: 600_000, maxDrawMs: 600_000 });
    await drawing.draw(BEN, pages(1));
    const [stuck, drawn] = [drawing.draw(ANN, [builtPage('x'), endless]), drawing.draw(BEN, pages(5))];
    await expect(stuck).rejects.toMatchObject({ code: 'printing_busy' });
    expect(pageCount(await drawn)).toBe(5);
  });
});

test('PDFs beyond the bound of all users are refused, and the others are drawn', async () => {
  const drawing = opened({ maxPdfs: 2 });
  const users = ['a', 'b', 'c'].map((name) => as<UserId>(name));
  const settled = await Promise.allSettled(users.map((user) => drawing.draw(user, pages(1))));
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  expect(settled[2]).toMatchObject({ reason: { code: 'printing_busy' } });
  await drawing.draw(ANN, pages(1));
});

test('a page that cannot be drawn does not affect the others', async () => {
  const drawing = opened();
  const settled = await Promise.allSettled([drawing.draw(ANN, [BAD_PAGE]), drawing.draw(ANN, pages(1))]);
  expect(settled.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
});

test('a PDF that takes too long is abandoned, and the next one is drawn', async () => {
  const drawing = opened({ maxDrawMs: patience(500) });
  const endless = drawing.draw(ANN, Array(5_000).fill(builtPage(ALL_SCRIPTS)));
  await expect(endless).rejects.toMatchObject({ code: 'printing_busy' });
  expect(pageCount(await drawing.draw(ANN, pages(1)))).toBe(1);
});

test('a PDF that waits too long is refused, and the one being drawn is finished', async () => {
  const drawing = opened({ maxWaitMs: 100 });
  const settled = await Promise.allSettled([drawing.draw(ANN, pages(1)), drawing.draw(ANN, pages(1))]);
  expect(settled).toMatchObject([{ status: 'fulfilled' }, { status: 'rejected', reason: { code: 'printing_busy' } }]);
});

test('closing refuses the waiting PDFs and ends the thread', async () => {
  const drawing = new Drawing();
  const both = Promise.allSettled([drawing.draw(ANN, pages(1)), drawing.draw(ANN, pages(1))]);
  await drawing.close();
  expect(await both).toMatchObject([{ reason: { code: 'shutting_down' } }, { reason: { code: 'shutting_down' } }]);
  await expect(drawing.draw(ANN, pages(1))).rejects.toMatchObject({ code: 'shutting_down' });
});

import { expect, test } from 'vitest';
import { patience } from '../support/patience.ts';
import { DESKTOP, PHONE, type Visitor, visitPages } from '../support/visitors.ts';

const WAIT_MS = 10_000;
/** Two taps that are closer than this are a double tap, which zooms. */
const DOUBLE_TAP_MS = 400;

const pages = visitPages();

/** Opens the first session of the concert from the list of events. */
async function openSession({ page }: Visitor): Promise<void> {
  await page.goto('/');
  await page.getByRole('link', { name: /Tides of Light/ }).click();
  await page
    .getByRole('link', { name: /Choose seats/ })
    .first()
    .click();
  await page.getByRole('heading', { name: 'Seats as a list' }).waitFor();
}

/** Chooses seats of a row of the front in the list. */
async function chooseSeats({ page }: Visitor, row: string, numbers: readonly number[]): Promise<void> {
  await page.getByRole('button', { name: /^Front/ }).click();
  await page.getByRole('button', { name: new RegExp(`^Row ${row} `) }).click();
  for (const number of numbers)
    await page
      .locator('.seats')
      .getByRole('button', { name: new RegExp(`seat ${row}${number},`) })
      .click();
}

async function ordersOf(seatLabel: string) {
  return pages.app().sql<{ status: string; seats: number }>(
    `SELECT o.status, count(*)::int AS seats FROM orders o JOIN tickets t USING (order_id)
     WHERE o.order_id IN (SELECT order_id FROM tickets WHERE seat_label = $1) GROUP BY o.order_id, o.status`,
    [seatLabel],
  );
}

test('a buyer orders seats, is declined once, pays with another card, and holds the tickets', async () => {
  const visitor = await pages.newVisitor(DESKTOP);
  const { page } = visitor;
  await openSession(visitor);
  await chooseSeats(visitor, 'D', [14, 15]);
  await page.getByRole('button', { name: 'Sign in and continue' }).click();
  await visitor.signIn('buyer');
  await page.getByRole('button', { name: 'Hold seats and continue' }).click();
  await page.getByRole('timer').waitFor();
  expect(await ordersOf('D14')).toEqual([{ status: 'pending', seats: 2 }]);
  await page.getByLabel('Discount code').fill('EARLY10');
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByText('The discount EARLY10 is taken off.').waitFor();
  await page.getByText('is declined').click();
  await page.getByRole('button', { name: 'Pay LKR 22,500' }).click();
  await page.getByText('The card was declined.').waitFor();
  await page.getByText('works', { exact: true }).click();
  await page.getByRole('button', { name: 'Pay LKR 22,500' }).click();
  await page.getByRole('heading', { name: 'Your tickets' }).waitFor();
  expect(await page.getByRole('img', { name: /Code of the ticket for seat D1[45]/ }).count()).toBe(2);
  expect(await ordersOf('D14')).toEqual([{ status: 'completed', seats: 2 }]);
});

test('a buyer on a phone taps a seat on the map, and it is theirs', async () => {
  const visitor = await pages.newVisitor(PHONE);
  const { page } = visitor;
  await openSession(visitor);
  await page.getByLabel('Go to a section').selectOption('Front');
  const box = await page.locator('canvas').boundingBox();
  if (!box) throw new Error('the map is not shown');
  const seat = { x: box.x + box.width / 2, y: box.y + box.height / 3 };
  const cell = page.getByRole('gridcell').first();
  const before = await cell.getAttribute('style');
  // The first tap on small seats zooms in; the next one chooses.
  await page.touchscreen.tap(seat.x, seat.y);
  await expect.poll(() => cell.getAttribute('style'), { timeout: patience(WAIT_MS) }).not.toBe(before);
  await expect
    .poll(
      async () => {
        if ((await page.locator('.chip').count()) === 0) await page.touchscreen.tap(seat.x, seat.y);
        return page.locator('.chip').count();
      },
      { interval: DOUBLE_TAP_MS, timeout: patience(WAIT_MS) },
    )
    .toBe(1);
  await page.getByRole('button', { name: 'Sign in and continue' }).tap();
  await visitor.signIn('buyer2');
  await page.getByRole('button', { name: 'Hold seats and continue' }).tap();
  await page.getByRole('timer').waitFor();
});

test('two buyers race for a seat: one holds it; the other sees which seat is taken and keeps the other seats', async () => {
  const [first, second] = [await pages.newVisitor(DESKTOP), await pages.newVisitor(DESKTOP)];
  // The second buyer's page does not hear of the first one's order, as if the stream were slow.
  await second.context.route('**/seat-status', (route) => route.abort());
  for (const [visitor, name, seats] of [
    [first, 'buyer', [20]],
    [second, 'buyer2', [20, 22]],
  ] as const) {
    await openSession(visitor);
    await visitor.page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await visitor.signIn(name);
    await chooseSeats(visitor, 'F', seats);
  }
  await first.page.getByRole('button', { name: 'Hold seats and continue' }).click();
  await first.page.getByRole('timer').waitFor();
  const choice = second.page.getByRole('region', { name: 'Your seats' });
  await second.page.getByRole('button', { name: 'Hold seats and continue' }).click();
  await choice.getByText(/F20/).waitFor();
  expect(await choice.getByRole('button', { name: /Take back/ }).allTextContents()).toEqual([
    expect.stringContaining('F22'),
  ]);
  expect(await ordersOf('F20')).toEqual([{ status: 'pending', seats: 1 }]);
});

import { expect, test } from 'vitest';
import { DESKTOP, type Visitor, visitPages } from '../support/visitors.ts';

const pages = visitPages();
/** What a browser tells a page when its tab is shown again. */
const LOOK_AGAIN = "document.dispatchEvent(new Event('visibilitychange'))";

/** Orders a seat of the front as a new tab of a demo user, up to the page on which it is paid. */
async function orderSeat(visitor: Visitor, username: string, row: string, seat: number): Promise<void> {
  const { page } = visitor;
  await page.goto('/');
  await page.getByRole('link', { name: /Tides of Light/ }).click();
  await page
    .getByRole('link', { name: /Choose seats/ })
    .first()
    .click();
  await page.getByRole('button', { name: /^Front/ }).click();
  await page.getByRole('button', { name: new RegExp(`^Row ${row} `) }).click();
  await page
    .locator('.seats')
    .getByRole('button', { name: new RegExp(`seat ${row}${seat},`) })
    .click();
  await page.getByRole('button', { name: 'Sign in and continue' }).click();
  await visitor.signIn(username);
  await page.getByRole('button', { name: 'Hold seats and continue' }).click();
  await page.getByRole('button', { name: /^Pay LKR/ }).waitFor();
}

async function paymentsOf(seatLabel: string) {
  return pages.app().sql<{ status: string; payments: number }>(
    `SELECT o.status, (SELECT count(*)::int FROM payments p WHERE p.order_id = o.order_id) AS payments
     FROM orders o JOIN tickets t USING (order_id) WHERE t.seat_label = $1`,
    [seatLabel],
  );
}

test('an answer that is lost while paying ends in the truth, and in one payment', async () => {
  const visitor = await pages.newVisitor(DESKTOP);
  const { page, context } = visitor;
  await orderSeat(visitor, 'buyer', 'G', 5);
  let lost = 0;
  // The card is charged, and the page never hears of it.
  await context.route('**/confirm', async (route) => {
    await route.fetch();
    lost += 1;
    await route.abort('connectionreset');
  });
  await page.getByRole('button', { name: /^Pay LKR/ }).click();
  await page.getByRole('heading', { name: 'Your tickets' }).waitFor();
  expect(lost).toBe(1);
  expect(await paymentsOf('G5')).toEqual([{ status: 'completed', payments: 1 }]);
});

test('a bank that asks is answered on the page, and a refusal leaves the seats held', async () => {
  const visitor = await pages.newVisitor(DESKTOP);
  const { page } = visitor;
  await orderSeat(visitor, 'buyer', 'G', 8);
  await page.getByText('asks the bank first').click();
  await page.getByRole('button', { name: /^Pay LKR/ }).click();
  await page.getByText('Your bank asks').waitFor();
  await visitor.expectAccessible();
  await page.getByRole('button', { name: 'Refuse' }).click();
  await page.getByText('The card was declined.').waitFor();
  expect(await page.getByRole('timer').isVisible()).toBe(true);
  await visitor.expectAccessible();
  expect(await paymentsOf('G8')).toEqual([{ status: 'pending', payments: 0 }]);
});

test('a buyer reloads, goes back and changes the seats without losing the hold', async () => {
  const visitor = await pages.newVisitor(DESKTOP);
  const { page } = visitor;
  await orderSeat(visitor, 'buyer2', 'H', 5);
  await page.reload();
  await page.getByRole('timer').waitFor();
  await page.getByRole('link', { name: 'Change seats' }).click();
  await page.getByRole('button', { name: /^Front/ }).click();
  await page.getByRole('button', { name: /^Row H / }).click();
  const seats = page.locator('.seats');
  await seats.getByRole('button', { name: /seat H5,.* chosen by you/ }).click();
  await seats.getByRole('button', { name: /seat H7,/ }).click();
  await page.getByRole('button', { name: 'Save the change' }).click();
  await page.getByRole('timer').waitFor();
  expect(await page.getByRole('rowheader', { name: 'H7' }).isVisible()).toBe(true);
  const live = await pages
    .app()
    .sql(
      "SELECT t.seat_label FROM tickets t JOIN orders o USING (order_id) WHERE t.seat_label IN ('H5', 'H7') AND o.status = 'pending' AND t.voided_at IS NULL",
    );
  expect(live).toEqual([{ seat_label: 'H7' }]);
  await page.goBack();
  await page.getByText('Change the seats of your order.').waitFor();
  await page.goto('/tickets');
  await page.getByRole('link', { name: 'Continue and pay' }).first().click();
  await page.getByRole('timer').waitFor();
});

test('a hold that ends is said kindly, with a way to start again', async () => {
  const visitor = await pages.newVisitor(DESKTOP);
  const { page } = visitor;
  await orderSeat(visitor, 'buyer', 'J', 5);
  await pages
    .app()
    .sql(
      "UPDATE orders SET expires_at = now() - interval '1 second' WHERE order_id = (SELECT order_id FROM tickets WHERE seat_label = 'J5')",
    );
  await page.evaluate(LOOK_AGAIN);
  await expect.poll(() => paymentsOf('J5'), { timeout: 60_000 }).toEqual([{ status: 'cancelled', payments: 0 }]);
  await page.evaluate(LOOK_AGAIN);
  await page.getByRole('heading', { name: 'This order is cancelled' }).waitFor();
  await visitor.expectAccessible();
  await page.getByRole('link', { name: 'Choose seats again' }).click();
  await page.getByRole('gridcell').first().waitFor();
});

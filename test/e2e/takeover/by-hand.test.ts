import { describe, expect, test } from 'vitest';
import { earlierSales, takeOver } from '../../support/takeover.ts';

async function stateOf({ sql }: Awaited<ReturnType<typeof earlierSales>>, orderId: string) {
  return (await sql('SELECT status, cancel_reason FROM orders WHERE order_id = $1', [orderId]))[0];
}

describe('takeover-refund-by-hand: an administrator and an order that the earlier service sold', () => {
  test('it refunds the order once, through its own intent, and cancels it', async () => {
    const sales = await earlierSales();
    const { orderId, intentId } = await sales.sell();
    const taken = await takeOver(sales);
    const refund = () => taken.asAdmin('POST', `/api/order/${orderId}/refund`);
    expect(await refund()).toMatchObject({ status: 200, body: { amount: 150.5 } });
    expect(await refund()).toMatchObject({ status: 409, body: { code: 'refund_not_possible' } });
    await taken.work();
    await taken.webhook(intentId);
    await taken.nextDay();
    expect(await sales.refunded(intentId)).toEqual([15_050]);
    expect(await stateOf(sales, orderId)).toEqual({ status: 'cancelled', cancel_reason: 'refunded' });
    expect(await sales.payments(orderId)).toMatchObject([{ state: 'refunded' }]);
  });

  test('it refunds a part, and then no more than the rest', async () => {
    const sales = await earlierSales();
    const { orderId, intentId } = await sales.sell();
    const taken = await takeOver(sales);
    await taken.asAdmin('POST', `/api/order/${orderId}/refund`, { amount: 50.5 });
    await taken.work();
    expect(await stateOf(sales, orderId)).toMatchObject({ status: 'completed' });
    await taken.asAdmin('POST', `/api/order/${orderId}/refund`);
    await taken.work();
    expect(await sales.refunded(intentId)).toEqual([10_000, 5_050]);
  });

  test('cancelling it with DELETE refunds what Stripe received, also when that is a cent less than its price', async () => {
    const sales = await earlierSales();
    const exact = await sales.sell();
    const short = await sales.sell({ prices: [149.99], amountMinor: 14_998 });
    const taken = await takeOver(sales, {}, { RECONCILE_DAYS: '0' });
    for (const { orderId } of [exact, short]) {
      expect(await taken.asAdmin('DELETE', `/api/order/${orderId}`)).toMatchObject({ status: 204 });
    }
    await taken.work();
    // Stripe refused to refund more than it had received: its account was read, and the rest is due.
    await taken.work();
    expect(await sales.refunded(exact.intentId)).toEqual([15_050]);
    expect(await sales.refunded(short.intentId)).toEqual([14_998]);
    for (const { orderId } of [exact, short]) {
      expect(await stateOf(sales, orderId)).toEqual({ status: 'cancelled', cancel_reason: 'admin' });
      expect(await sales.payments(orderId)).toMatchObject([{ state: 'refunded' }]);
    }
  });

  test('voiding one of its tickets refunds that ticket’s share', async () => {
    const sales = await earlierSales();
    const { orderId, intentId } = await sales.sell({ prices: [100, 50.5] });
    const taken = await takeOver(sales);
    const [ticket] = await sales.sql<{ ticket_id: string }>(
      'SELECT ticket_id FROM tickets WHERE order_id = $1 ORDER BY price_at_purchase DESC',
      [orderId],
    );
    const path = `/api/order/ticket/${ticket?.ticket_id}?refund=true`;
    expect(await taken.asAdmin('DELETE', path)).toMatchObject({ status: 204 });
    await taken.work();
    expect(await sales.refunded(intentId)).toEqual([10_000]);
  });

  test('money that another system took waits for a person, by refund and by DELETE', async () => {
    const sales = await earlierSales();
    const [refunded, deleted] = [await sales.order({ prices: [20] }), await sales.order({ prices: [30] })];
    const taken = await takeOver(sales, { verified: false });
    expect(await taken.asAdmin('POST', `/api/order/${refunded}/refund`)).toMatchObject({ status: 200 });
    expect(await taken.asAdmin('DELETE', `/api/order/${deleted}`)).toMatchObject({ status: 204 });
    await taken.work();
    const { body } = await taken.asAdmin('GET', '/api/order/admin/payments?state=stuck');
    const waiting = body.map((row: { order_id: string; amount_minor: number }) => [row.order_id, row.amount_minor]);
    expect(Object.fromEntries(waiting)).toEqual({ [refunded]: 2_000, [deleted]: 3_000 });
  });

  test('an intent that Stripe finds later is used for the refund that waited for a person', async () => {
    const sales = await earlierSales();
    // Version 1 of the earlier service kept no intent in its orders.
    const orderId = await sales.order();
    const intentId = await sales.intent(orderId, 15_050, 'pm_card_visa');
    const taken = await takeOver(sales, {}, { RECONCILE_DAYS: '0' });
    await taken.asAdmin('POST', `/api/order/${orderId}/refund`);
    await taken.webhook(intentId);
    await taken.work();
    expect(await sales.refunded(intentId)).toEqual([15_050]);
    expect(await sales.payments(orderId)).toMatchObject([{ payment_intent_id: intentId, state: 'refunded' }]);
  });

  test('it does not cancel an order whose payment is unknown, because its money would be kept silently', async () => {
    const sales = await earlierSales();
    const { orderId, intentId } = await sales.sell();
    const taken = await takeOver(sales, {}, { RECONCILE_DAYS: '0' });
    await sales.sql('DELETE FROM money_by_session');
    await sales.sql('DELETE FROM payments');
    const refused = { status: 409, body: { code: 'refund_not_possible' } };
    expect(await taken.asAdmin('DELETE', `/api/order/${orderId}`)).toMatchObject(refused);
    expect(await taken.asAdmin('POST', `/api/order/${orderId}/refund`)).toMatchObject(refused);
    expect(await stateOf(sales, orderId)).toMatchObject({ status: 'completed' });
    const verified = await sales.run('verify');
    expect(verified).toMatchObject({ code: 1, out: expect.stringContaining(orderId) });
    // The order’s own intent is its payment, whenever it is reported.
    await taken.webhook(intentId);
    expect(await sales.payments(orderId)).toMatchObject([{ payment_intent_id: intentId, state: 'applied' }]);
    expect(await taken.asAdmin('DELETE', `/api/order/${orderId}`)).toMatchObject({ status: 204 });
    await taken.work();
    expect(await sales.refunded(intentId)).toEqual([15_050]);
  });
});

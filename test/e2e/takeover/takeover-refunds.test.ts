import { describe, expect, test } from 'vitest';
import { Currency } from '../../../src/kernel/money.ts';
import { migrateUp } from '../../../src/platform/postgres/migrations.ts';
import { until } from '../../support/servers.ts';
import { type EarlierSales, earlierSales, type Sold, takeOver } from '../../support/takeover.ts';

const SOLD = 2;

/** Orders that the earlier service's webhook completed, and one of every other kind that it leaves. */
async function soldBefore() {
  const sales = await earlierSales();
  const sold: Sold[] = [];
  for (let each = 0; each < SOLD; each += 1) sold.push(await sales.sell({ prices: [150.5, 100] }));
  const others = {
    pending: await sales.order({ status: 'pending' }),
    cancelled: await sales.order({ status: 'cancelled' }),
    free: await sales.order({ prices: [0] }),
    cash: await sales.order({ prices: [20] }),
  };
  return { sales, sold, others };
}

async function expectNothingRefunded({ sql, refunded, payments }: EarlierSales, sold: readonly Sold[]) {
  expect(await sql('SELECT * FROM refunds')).toEqual([]);
  for (const { orderId, intentId } of sold) {
    expect(await refunded(intentId)).toEqual([]);
    expect(await payments(orderId)).toMatchObject([{ payment_intent_id: intentId, state: 'applied' }]);
    expect(await sql('SELECT status FROM orders WHERE order_id = $1', [orderId])).toEqual([{ status: 'completed' }]);
    const voided = await sql('SELECT FROM tickets WHERE order_id = $1 AND voided_at IS NOT NULL', [orderId]);
    expect(voided).toEqual([]);
  }
}

describe('takeover-refunds: this service starts on the database of the earlier one', () => {
  test('it refunds nothing of what the earlier service sold, and every order has its payment', async () => {
    const { sales, sold, others } = await soldBefore();
    const { platform } = await takeOver(sales, { background: true });
    await until('it has compared its payments with Stripe', async () =>
      platform.app.log.some((line) => line.includes('payments compared with Stripe')),
    );
    await until('the pending order is over', async () => {
      const [order] = await sales.sql('SELECT status FROM orders WHERE order_id = $1', [others.pending]);
      return order?.status === 'cancelled';
    });
    await expectNothingRefunded(sales, sold);
    expect(await sales.payments(sold[0]?.orderId ?? '')).toEqual([
      {
        payment_intent_id: sold[0]?.intentId,
        amount_minor: 25_050,
        currency: 'lkr',
        state: 'applied',
        taken_over: 'confirmed',
      },
    ]);
    expect(await sales.payments(others.cash)).toMatchObject([
      { payment_intent_id: `elsewhere:${others.cash}`, amount_minor: 2_000, state: 'applied' },
    ]);
    for (const orderId of [others.pending, others.cancelled, others.free]) {
      expect(await sales.payments(orderId)).toEqual([]);
    }
    const received = await sales.sql(
      'SELECT count(*)::int AS equal FROM payments JOIN orders USING (order_id) WHERE received_at = completed_at',
    );
    expect(received).toEqual([{ equal: SOLD + 1 }]);
  });

  test('npm run verify finds nothing wrong before the start', async () => {
    const { sales } = await soldBefore();
    expect(await sales.run('migrate', '-a', 'up')).toMatchObject({ code: 0 });
    const verified = await sales.run('verify');
    expect(verified).toMatchObject({ code: 0, out: expect.stringContaining('Every invariant holds.') });
  });

  test('npm run reconcile refunds nothing, even when it is allowed to, and neither do the following days', async () => {
    const { sales, sold } = await soldBefore();
    const taken = await takeOver(sales);
    const { code, out } = await sales.run('reconcile', '--days', '30', '--lost', '--give-back');
    expect({ code, out }).toMatchObject({
      code: 0,
      out: expect.stringContaining('0 repaired, 0 left for an operator'),
    });
    await taken.work();
    await taken.nextDay();
    await expectNothingRefunded(sales, sold);
  });

  test.each(['0', '3'])(
    'it does nothing on repeated webhooks and payment messages, RECONCILE_DAYS=%s',
    async (days) => {
      const { sales, sold, others } = await soldBefore();
      const taken = await takeOver(sales, {}, { RECONCILE_DAYS: days });
      for (const { orderId, intentId } of sold) {
        await taken.webhook(intentId);
        await taken.paidElsewhere({ order_id: orderId });
        await taken.paidElsewhere({ order_id: orderId, payment_id: 'counted by another system' });
        await taken.paidElsewhere({ order_id: orderId, payment_intent_id: intentId });
      }
      await taken.paidElsewhere({ order_id: others.cash });
      await taken.paidElsewhere({ order_id: others.cash, payment_id: '17' });
      await taken.nextDay();
      await expectNothingRefunded(sales, sold);
      expect(await sales.payments(others.cash)).toHaveLength(1);
      const stuck = await taken.asAdmin('GET', '/api/order/admin/payments?state=stuck');
      expect(stuck.body).toEqual([]);
    },
  );

  test('a payment that differs from its price by a cent is kept as Stripe received it, and is named in the log', async () => {
    const sales = await earlierSales();
    const { orderId, intentId } = await sales.sell({ prices: [149.99], amountMinor: 14_998 });
    const taken = await takeOver(sales);
    await taken.webhook(intentId);
    await taken.nextDay();
    expect(await sales.payments(orderId)).toMatchObject([{ amount_minor: 14_998, state: 'applied' }]);
    expect(await sales.refunded(intentId)).toEqual([]);
    expect(taken.warnings()).toContainEqual(
      expect.objectContaining({ intentId, orderId, received: '14998 lkr', assumed: '14999 lkr' }),
    );
    const { status, body } = await taken.asAdmin('POST', `/api/order/${orderId}/refund`);
    expect({ status, amount: body.amount }).toEqual({ status: 200, amount: 149.98 });
    await taken.work();
    expect(await sales.refunded(intentId)).toEqual([14_998]);
  });

  test('an order that names a newer intent than the one that was paid keeps its money', async () => {
    const sales = await earlierSales();
    const orderId = await sales.order();
    const paid = await sales.intent(orderId, 15_050, 'pm_card_visa');
    const open = await sales.intent(orderId, 15_050);
    await sales.sql('UPDATE orders SET payment_intent_id = $2 WHERE order_id = $1', [orderId, open]);
    const taken = await takeOver(sales);
    await taken.work();
    await taken.webhook(paid);
    expect(await sales.payments(orderId)).toMatchObject([{ payment_intent_id: paid, state: 'applied' }]);
    expect(await sales.refunded(paid)).toEqual([]);
    expect(await sales.stripe.get(`payment_intents/${open}`)).toMatchObject({ status: 'canceled' });
  });

  test('it refunds a real second payment once, and keeps the first one', async () => {
    const sales = await earlierSales();
    const { orderId, intentId } = await sales.sell();
    const second = await sales.intent(orderId, 15_050, 'pm_card_visa');
    const taken = await takeOver(sales, {}, { RECONCILE_DAYS: '0' });
    await taken.webhook(second);
    await taken.webhook(second);
    expect(await sales.refunded(second)).toEqual([15_050]);
    expect(await sales.refunded(intentId)).toEqual([]);
    expect(taken.warnings()).toContainEqual(
      expect.objectContaining({ intentId: second, orderId, msg: 'a payment is refunded' }),
    );
  });

  test('it recognises what was refunded or disputed at Stripe before, and refunds none of it again', async () => {
    const sales = await earlierSales();
    const [part, whole] = [await sales.sell({ prices: [100, 50] }), await sales.sell()];
    const disputed = await sales.sell({ card: 'pm_card_createDispute' });
    await sales.stripe.post('refunds', { payment_intent: part.intentId, amount: '5000' });
    await sales.stripe.post('refunds', { payment_intent: whole.intentId });
    const taken = await takeOver(sales);
    await taken.work();
    const statusOf = async ({ orderId }: Sold) =>
      (await sales.sql('SELECT status, cancel_reason FROM orders WHERE order_id = $1', [orderId]))[0];
    expect(await statusOf(part)).toEqual({ status: 'completed', cancel_reason: null });
    expect(await statusOf(whole)).toEqual({ status: 'cancelled', cancel_reason: 'refunded' });
    expect(await statusOf(disputed)).toEqual({ status: 'cancelled', cancel_reason: 'payment' });
    // The partial refund voided no ticket, so both are admitted.
    const live = await sales.sql('SELECT FROM tickets WHERE order_id = $1 AND voided_at IS NULL', [part.orderId]);
    expect(live).toHaveLength(2);
    await taken.asAdmin('DELETE', `/api/order/${part.orderId}`);
    await taken.work();
    expect(await sales.refunded(part.intentId)).toEqual([10_000, 5_000]);
    expect(await sales.refunded(whole.intentId)).toEqual([15_050]);
    expect(await sales.refunded(disputed.intentId)).toEqual([]);
  });

  test.each([
    ['jpy', 1500, 1_500],
    ['kwd', 12.5, 12_500],
  ])('a payment in %s has the minor units of its currency', async (currency, price, amountMinor) => {
    const sales = await earlierSales(currency);
    const { orderId, intentId } = await sales.sell({ prices: [price], amountMinor });
    const taken = await takeOver(sales);
    await taken.work();
    expect(await sales.payments(orderId)).toMatchObject([{ amount_minor: amountMinor, currency, state: 'applied' }]);
    expect(await sales.refunded(intentId)).toEqual([]);
  });

  test('npm run verify names orders migrated in a currency other than the one in which the service sells', async () => {
    const sales = await earlierSales('kwd');
    const { intentId } = await sales.sell({ prices: [12.5], amountMinor: 12_500 });
    const migrated = await migrateUp({ dsn: sales.dsn, dir: 'migrations', currency: new Currency('lkr') });
    expect(migrated).toContain('000011_takeover_payments');
    const { code, out } = await sales.run('verify');
    expect({ code, out }).toEqual({
      code: 1,
      out: expect.stringContaining(`another currency than CURRENCY: ${intentId}`),
    });
  });

  test('a currency with too few digits for the prices stops the migration, which names them and changes nothing', async () => {
    const sales = await earlierSales('jpy');
    const orderId = await sales.order({ prices: [150.5] });
    const { code, err } = await sales.run('migrate', '-a', 'up');
    expect(code).toBe(1);
    expect(err).toContain(`order ${orderId}: 150.50`);
    expect(err).toContain('Set CURRENCY');
    expect(await sales.sql("SELECT to_regclass('payments') AS payments")).toEqual([{ payments: null }]);
  });
});

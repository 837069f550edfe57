import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { migrateDown, migrationVersion } from '../../../src/platform/postgres/migrations.ts';
import { confirmIntent } from '../../support/platform-app.ts';
import { type EarlierSales, earlierSales, takeOver } from '../../support/takeover.ts';

/** An order that the earlier service cancelled although it was paid. */
async function paidAndCancelled() {
  const sales = await earlierSales();
  const orderId = await sales.order({ status: 'cancelled' });
  const intentId = await sales.intent(orderId, 15_050, 'pm_card_visa');
  return { sales, orderId, intentId };
}

describe('takeover-refunds: the first comparison with Stripe on a database', () => {
  test('it refunds nothing until a person allows it, and verify and the log name each payment', async () => {
    const { sales, orderId, intentId } = await paidAndCancelled();
    const taken = await takeOver(sales);
    await taken.work();
    await taken.nextDay();
    await taken.webhook(intentId);
    expect(await sales.refunded(intentId)).toEqual([]);
    expect(await sales.payments(orderId)).toMatchObject([{ state: 'withheld' }]);
    expect(taken.warnings()).toContainEqual(expect.objectContaining({ intentId, orderId, msg: 'payments differ' }));
    const { code, out } = await sales.run('verify');
    expect({ code, out }).toEqual({ code: 1, out: expect.stringContaining(intentId) });

    const allowed = await sales.run('reconcile', '--give-back');
    expect(allowed).toMatchObject({ code: 0, out: expect.stringContaining(intentId) });
    await taken.work();
    await taken.nextDay();
    expect(await sales.refunded(intentId)).toEqual([15_050]);
    expect(await sales.payments(orderId)).toMatchObject([{ state: 'refunded' }]);
  });

  test('npm run reconcile refunds nothing without --give-back, on any day', async () => {
    const { sales, orderId, intentId } = await paidAndCancelled();
    const taken = await takeOver(sales, { verified: false });
    const { code, out } = await sales.run('reconcile');
    expect(code).toBe(1);
    expect(out).toContain(`${intentId}  order ${orderId}`);
    expect(out).toContain('--give-back');
    await taken.nextDay();
    expect(await sales.refunded(intentId)).toEqual([]);
  });

  test('once a comparison has found nothing to refund, the daily one refunds and logs it', async () => {
    const sales = await earlierSales();
    const orderId = await sales.order({ status: 'cancelled' });
    const taken = await takeOver(sales);
    await taken.work();
    const intentId = await sales.intent(orderId, 15_050, 'pm_card_visa');
    await taken.nextDay();
    expect(await sales.refunded(intentId)).toEqual([15_050]);
    expect(taken.warnings()).toContainEqual(expect.objectContaining({ intentId, orderId, msg: 'payment repaired' }));
  });
});

/** The money as a comparison without permission to refund leaves it when it crashes after its first statement. */
async function withheldFor({ sql }: EarlierSales, orderId: string, intentId: string) {
  await sql(
    `INSERT INTO payments (payment_intent_id, order_id, amount_minor, currency, received_at, state)
     VALUES ($1, $2, 10000, 'lkr', now(), 'withheld')`,
    [intentId, orderId],
  );
  await sql(
    `INSERT INTO money_by_session (organization_id, event_id, session_id, currency, taken_minor, refunded_minor)
     SELECT organization_id, event_id, session_id, 'lkr', 10000, 0 FROM orders WHERE order_id = $1`,
    [orderId],
  );
}

/** An order of this service that was paid, and whose payment only a crashed comparison has seen. */
async function paidAndWithheld() {
  const sales = await earlierSales();
  const taken = await takeOver(sales, {}, { RECONCILE_DAYS: '0' });
  const buyer = await taken.platform.token(randomUUID());
  const orderId = await taken.platform.place(buyer);
  const { body } = await taken.platform.app.call('POST', `/api/order/${orderId}/create-payment-intent`, {
    token: buyer,
  });
  const { paymentIntentId: intentId, clientSecret } = body;
  await confirmIntent(sales.env.STRIPE_API_BASE ?? '', intentId, clientSecret, 'pm_card_visa');
  await withheldFor(sales, orderId, intentId);
  return { sales, taken, buyer, orderId, intentId };
}

describe('takeover-refunds: a comparison that crashes after it recorded a payment', () => {
  test('the payment completes a pending order when Stripe reports it', async () => {
    const { sales, taken, orderId, intentId } = await paidAndWithheld();
    await taken.webhook(intentId);
    expect(await sales.payments(orderId)).toMatchObject([{ state: 'applied' }]);
    expect(await sales.refunded(intentId)).toEqual([]);
  });

  test('the payment completes a pending order when its buyer checks out', async () => {
    const { sales, taken, buyer, orderId } = await paidAndWithheld();
    const { status } = await taken.platform.app.call('POST', `/api/order/${orderId}/checkout`, { token: buyer });
    expect(status).toBe(200);
    expect(await sales.payments(orderId)).toMatchObject([{ state: 'applied' }]);
  });

  test('the payment completes an order whose hold has ended', async () => {
    const { sales, taken, orderId } = await paidAndWithheld();
    await sales.sql("UPDATE orders SET expires_at = now() - interval '1 minute' WHERE order_id = $1", [orderId]);
    await taken.work();
    expect(await sales.sql('SELECT status FROM orders WHERE order_id = $1', [orderId])).toEqual([
      { status: 'completed' },
    ]);
    expect(await sales.payments(orderId)).toMatchObject([{ state: 'applied' }]);
  });
});

describe('takeover-refunds: a payment that a comparison has confirmed', () => {
  test('a ticket refunded at Stripe after that is void', async () => {
    const sales = await earlierSales();
    const { orderId, intentId } = await sales.sell({ prices: [100, 50] });
    const taken = await takeOver(sales);
    await taken.work();
    expect(await sales.payments(orderId)).toMatchObject([{ state: 'applied', taken_over: 'confirmed' }]);
    await sales.stripe.post('refunds', { payment_intent: intentId, amount: '5000' });
    await taken.nextDay();
    const tickets = await sales.sql(
      'SELECT price_at_purchase::int AS price, void_reason FROM tickets WHERE order_id = $1 ORDER BY price',
      [orderId],
    );
    expect(tickets).toEqual([
      { price: 50, void_reason: 'refunded' },
      { price: 100, void_reason: null },
    ]);
  });
});

describe('takeover-refunds: migrating down and up again with orders of this service', () => {
  test('it refunds nothing and loses no row, and a refund by an administrator works', async () => {
    const sales = await earlierSales();
    const before = await sales.sell();
    const first = await takeOver(sales, { verified: false });
    const { platform } = first;
    const buyer = await platform.token(randomUUID());
    const orderId = await platform.place(buyer);
    const { body } = await platform.app.call('POST', `/api/order/${orderId}/create-payment-intent`, { token: buyer });
    const intentId = body.paymentIntentId;
    const paid = await confirmIntent(sales.env.STRIPE_API_BASE ?? '', intentId, body.clientSecret, 'pm_card_visa');
    expect(paid).toBe(200);
    await first.webhook(intentId);
    await platform.app.app.close();

    await downTo(sales);
    expect(await sales.sql('SELECT count(*)::int AS orders FROM orders')).toEqual([{ orders: 2 }]);
    expect(await sales.sql('SELECT count(*)::int AS tickets FROM tickets')).toEqual([{ tickets: 2 }]);
    expect(await sales.sql("SELECT to_regclass('payments') AS payments")).toEqual([{ payments: null }]);

    const second = await takeOver(sales);
    await second.work();
    await second.webhook(intentId);
    await second.webhook(before.intentId);
    await second.paidElsewhere({ order_id: orderId });
    await second.nextDay();
    for (const sold of [before, { orderId, intentId }]) {
      expect(await sales.refunded(sold.intentId)).toEqual([]);
      expect(await sales.payments(sold.orderId)).toMatchObject([
        { payment_intent_id: sold.intentId, state: 'applied' },
      ]);
    }
    await second.asAdmin('POST', `/api/order/${orderId}/refund`);
    await second.work();
    expect(await sales.refunded(intentId)).toEqual([10_000]);
  });

  test('it still recognises a repeated payment message after the newest step alone', async () => {
    const sales = await earlierSales();
    const { orderId, intentId } = await sales.sell();
    const first = await takeOver(sales);
    await first.platform.app.app.close();
    await downTo(sales, '000010_door_names');
    const second = await takeOver(sales);
    await second.paidElsewhere({ order_id: orderId, payment_id: 'counted by another system' });
    await second.webhook(intentId);
    await second.nextDay();
    expect(await sales.payments(orderId)).toMatchObject([{ payment_intent_id: intentId, state: 'applied' }]);
    expect(await sales.refunded(intentId)).toEqual([]);
  });
});

/** Reverts every migration after the named one; without a name, all of them. */
async function downTo({ dsn }: EarlierSales, name?: string): Promise<void> {
  while ((await migrationVersion(dsn)) !== name) await migrateDown({ dsn, dir: 'migrations' });
}

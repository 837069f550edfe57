import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { migrateDown } from '../../../src/platform/postgres/migrations.ts';
import { confirmIntent } from '../../support/platform-app.ts';
import { earlierSales, takeOver } from '../../support/takeover.ts';

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
    expect(taken.warnings()).toContainEqual(
      expect.objectContaining({ intentId, orderId, msg: 'payments differ' }),
    );
    const { code, out } = await sales.run('verify');
    expect({ code, out }).toEqual({ code: 1, out: expect.stringContaining(intentId) });

    const told = await sales.run('reconcile', '--give-back');
    expect(told).toMatchObject({ code: 0, out: expect.stringContaining(intentId) });
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
    expect(taken.warnings()).toContainEqual(
      expect.objectContaining({ intentId, orderId, msg: 'payment repaired' }),
    );
  });
});

describe('takeover-refunds: migrations down and up again with orders of this service', () => {
  test('nothing is refunded, no row is lost, and a refund by hand works', async () => {
    const sales = await earlierSales();
    const before = await sales.sell();
    const first = await takeOver(sales, { verified: false });
    const { platform } = first;
    const buyer = await platform.token(randomUUID());
    const orderId = await platform.place(buyer);
    const { body } = await platform.app.call('POST', `/api/order/${orderId}/create-payment-intent`, {
      token: buyer,
    });
    const intentId = body.paymentIntentId;
    const paid = await confirmIntent(
      sales.env.STRIPE_API_BASE ?? '',
      intentId,
      body.clientSecret,
      'pm_card_visa',
    );
    expect(paid).toBe(200);
    await first.webhook(intentId);
    await platform.app.app.close();

    await downAll(sales);
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
});

/** Undoes every migration. */
async function downAll({ dsn }: Awaited<ReturnType<typeof earlierSales>>): Promise<void> {
  while ((await migrateDown({ dsn, dir: 'migrations' })).length > 0);
}

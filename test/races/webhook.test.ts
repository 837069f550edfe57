import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { eachOf } from '../../src/kernel/concurrency.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { rounds } from '../support/rounds.ts';
import { until } from '../support/servers.ts';
import { deliver, paidIntent, stripeEvent } from '../support/webhooks.ts';

const TIMES = rounds(10_000);
const AT_ONCE = 50;
const APPLY_MS = 240_000;

let platform: PlatformApp;
let buyer: string;

beforeAll(async () => {
  platform = await startPlatformApp();
  buyer = await platform.token(randomUUID());
});

/** Delivers one event per round, many at once; returns how often each status was answered. */
async function deliverAll(event: () => { readonly id: string }): Promise<ReadonlyMap<number, number>> {
  const statuses = new Map<number, number>();
  await eachOf(Array.from({ length: TIMES }), AT_ONCE, async () => {
    const { status } = await deliver(platform.app, event());
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  });
  return statuses;
}

async function allApplied(): Promise<void> {
  const waiting = 'SELECT FROM stripe_inbox WHERE applied_at IS NULL LIMIT 1';
  await until('every event is applied', async () => (await platform.app.sql(waiting)).length === 0, APPLY_MS);
}

async function expectPaidOnce(orderId: string): Promise<void> {
  const { sql } = platform.app;
  expect(await sql('SELECT status FROM orders WHERE order_id = $1', [orderId])).toEqual([{ status: 'completed' }]);
  expect(await sql('SELECT amount_minor::int, currency, state FROM payments WHERE order_id = $1', [orderId])).toEqual([
    { amount_minor: 10_000, currency: 'lkr', state: 'applied' },
  ]);
  const announced = await sql("SELECT FROM outbox WHERE key = $1 AND topic = 'orderUpdated'", [orderId]);
  expect(announced).toHaveLength(1);
}

describe('thousands of deliveries', () => {
  test('of the same event are each acknowledged, and the event is stored and applied once', async () => {
    const orderId = await platform.place(buyer);
    const event = stripeEvent('payment_intent.succeeded', paidIntent(orderId));
    expect(await deliverAll(() => event)).toEqual(new Map([[200, TIMES]]));
    await allApplied();
    const kept = await platform.app.sql('SELECT FROM stripe_inbox WHERE event_id = $1', [event.id]);
    expect(kept).toHaveLength(1);
    await expectPaidOnce(orderId);
  });

  test('of different events for one payment have one effect, and none is lost', async () => {
    const orderId = await platform.place(buyer);
    const intent = paidIntent(orderId);
    expect(await deliverAll(() => stripeEvent('payment_intent.succeeded', intent))).toEqual(new Map([[200, TIMES]]));
    await allApplied();
    const kept =
      'SELECT count(*)::int AS kept, max(attempts)::int AS tries FROM stripe_inbox WHERE payment_intent_id = $1';
    expect(await platform.app.sql(kept, [intent.id])).toEqual([{ kept: TIMES, tries: 1 }]);
    await expectPaidOnce(orderId);
  });
});

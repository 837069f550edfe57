import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, test } from 'vitest';
import { Currency } from '../../src/kernel/money.ts';
import { newPerson, type Person } from '../support/people/people.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { until } from '../support/servers.ts';
import { type Stored, storedIn } from '../support/stored.ts';
import { type StripeApi, stripeApi } from '../support/stripe-api.ts';
import { startStubStripe } from '../support/stub-stripe.ts';
import { findingsIn } from '../support/test-app.ts';
import { apply, deliver, paidIntent, signatureOf, stripeEvent } from '../support/webhooks.ts';

let platform: PlatformApp;
let stripe: StripeApi;
let stored: Stored;
let buyer: Person;

beforeAll(async () => {
  platform = await startPlatformApp();
  stripe = stripeApi(platform.app.url);
  stored = storedIn(platform.app);
  buyer = await newPerson(platform);
});

const inboxOf = (eventId: string, { app } = platform) =>
  app.sql<{ applied_at: Date | null; last_error: string | null }>(
    'SELECT applied_at, last_error FROM stripe_inbox WHERE event_id = $1',
    [eventId],
  );

/** Delivers one more event and waits until it is applied: what was stored before it is applied by then. */
async function laterEventApplied(): Promise<void> {
  const event = stripeEvent('payment_intent.succeeded', paidIntent(randomUUID()));
  await deliver(platform.app, event);
  await stored.untilApplied(event.id);
}

/** Everything of an order that a webhook can change. */
async function everythingOf(orderId: string) {
  return {
    state: await stored.state(orderId),
    seats: await stored.liveSeats(orderId),
    payments: await stored.payments(orderId),
    refunds: await stored.refunds(orderId),
    messages: await platform.app.sql('SELECT topic FROM outbox WHERE key = $1', [orderId]),
  };
}

/** An order whose money is at Stripe, of which this service knows only through the webhooks of a test. */
async function paidAtStripe(): Promise<{ orderId: string; intentId: string }> {
  const orderId = await buyer.place();
  return { orderId, intentId: await buyer.pay(orderId) };
}

describe('a payment that does not match its order', () => {
  test('of an unknown order is acknowledged, and not recorded', async () => {
    const intent = paidIntent(randomUUID());
    const event = stripeEvent('payment_intent.succeeded', intent);
    expect(await deliver(platform.app, event)).toMatchObject({ status: 200, body: { received: true } });
    await stored.untilApplied(event.id);
    expect(await platform.app.sql('SELECT FROM payments WHERE payment_intent_id = $1', [intent.id])).toEqual([]);
  });

  test.each([
    ['without metadata', { metadata: {} }],
    ['with an order id that is not a UUID', { metadata: { order_id: 'order-17' } }],
    ['with SQL as the order id', { metadata: { order_id: "'; DROP TABLE orders; --" } }],
    ['of nothing', { amount_received: 0 }],
  ])('%s is acknowledged without any effect', async (_name, changes) => {
    const orderId = await buyer.place();
    const intent = paidIntent(orderId, changes);
    const event = stripeEvent('payment_intent.succeeded', intent);
    await apply(platform.app, event);
    expect(await stored.state(orderId)).toMatchObject({ status: 'pending' });
    expect(await stored.payments(orderId)).toEqual([]);
  });

  test('in another currency with the same number never completes the order, and is refunded in full', async () => {
    const orderId = await buyer.place();
    const intent = paidIntent(orderId, { currency: 'usd' });
    await apply(platform.app, stripeEvent('payment_intent.succeeded', intent));
    expect(await stored.state(orderId)).toMatchObject({ status: 'pending' });
    expect(await stored.payments(orderId)).toMatchObject([{ amount_minor: 10_000, currency: 'usd' }]);
    expect(await stored.refunds(orderId)).toMatchObject([
      { amount_minor: 10_000, reason: 'the amount is not the price of the order' },
    ]);
    // The buyer can still pay.
    await buyer.pay(orderId);
    await stored.untilStatus(orderId, 'completed');
  });

  test.each([1, 9_999, 10_001])('of %d in place of 10000 is refunded in full', async (amount) => {
    const orderId = await buyer.place();
    await apply(
      platform.app,
      stripeEvent('payment_intent.succeeded', paidIntent(orderId, { amount, amount_received: amount })),
    );
    expect(await stored.state(orderId)).toMatchObject({ status: 'pending' });
    expect(await stored.payments(orderId)).toMatchObject([{ amount_minor: amount, state: 'refund_due' }]);
    expect(await stored.refunds(orderId)).toMatchObject([{ reason: 'the amount is not the price of the order' }]);
  });

  test('reported for one order and then for another counts for the first only', async () => {
    const [first, second] = [await buyer.place(), await buyer.place()];
    const intent = paidIntent(first);
    await apply(platform.app, stripeEvent('payment_intent.succeeded', intent));
    const again = stripeEvent('payment_intent.succeeded', { ...intent, metadata: { order_id: second } });
    expect((await deliver(platform.app, again)).status).toBe(200);
    await until('it was tried', async () => {
      const [row] = await inboxOf(again.id);
      return row?.last_error !== null || row.applied_at !== null;
    });
    expect(await stored.state(second)).toMatchObject({ status: 'pending' });
    expect(await stored.payments(first)).toMatchObject([{ state: 'applied' }]);
    await platform.app.sql('DELETE FROM stripe_inbox WHERE event_id = $1', [again.id]);
  });
});

describe('an event of the other mode', () => {
  test('changes no order and is not stored: a test event with a live key', async () => {
    const stub = await startStubStripe();
    // The daily comparison, which starts with the service, would find the payment by itself.
    const live = await startPlatformApp({
      STRIPE_SECRET_KEY: 'sk_live_x',
      STRIPE_API_BASE: stub.url,
      RECONCILE_DAYS: '0',
    });
    const there = storedIn(live.app);
    const orderId = await (await newPerson(live)).place();
    const intent = paidIntent(orderId);
    stub.intents.set(intent.id, intent);
    const test = stripeEvent('payment_intent.succeeded', intent);
    expect((await deliver(live.app, test)).status).toBe(200);
    expect(await inboxOf(test.id, live)).toEqual([]);
    const back = stripeEvent('charge.dispute.created', { object: 'dispute', payment_intent: intent.id });
    expect((await deliver(live.app, back)).status).toBe(200);
    expect(await inboxOf(back.id, live)).toEqual([]);
    expect(await there.state(orderId)).toMatchObject({ status: 'pending' });

    const real = stripeEvent('payment_intent.succeeded', intent, { livemode: true });
    await apply(live.app, real);
    expect(await there.state(orderId)).toMatchObject({ status: 'completed' });
  });

  test('changes no order and is not stored: a live event with a test key', async () => {
    const orderId = await buyer.place();
    const event = stripeEvent('payment_intent.succeeded', paidIntent(orderId), { livemode: true });
    expect((await deliver(platform.app, event)).status).toBe(200);
    expect(await inboxOf(event.id)).toEqual([]);
    expect(await stored.state(orderId)).toMatchObject({ status: 'pending' });
  });
});

describe('an event', () => {
  test.each([
    'payment_intent.created',
    'payment_intent.processing',
    'payment_intent.payment_failed',
    'payment_intent.canceled',
    'payment_intent.requires_action',
    'payment_intent.amount_capturable_updated',
    'charge.succeeded',
    'charge.updated',
    'checkout.session.completed',
    'invoice.paid',
    'something.that.is.new',
  ])('of the type %s is acknowledged and not stored', async (type) => {
    const orderId = await buyer.place();
    const event = stripeEvent(type, paidIntent(orderId));
    expect(await deliver(platform.app, event)).toMatchObject({ status: 200, body: { received: true } });
    expect(await inboxOf(event.id)).toEqual([]);
    expect(await stored.state(orderId)).toMatchObject({ status: 'pending' });
  });

  test('with an object of another kind than its type says changes no order', async () => {
    const orderId = await buyer.place();
    const event = stripeEvent('payment_intent.succeeded', { ...paidIntent(orderId), object: 'charge' });
    expect((await deliver(platform.app, event)).status).toBe(200);
    await laterEventApplied();
    expect(await inboxOf(event.id)).toEqual([]);
    expect(await stored.state(orderId)).toMatchObject({ status: 'pending' });
    expect(await stored.payments(orderId)).toEqual([]);
  });

  test('about a refund or a dispute that Stripe does not know changes no order', async () => {
    const { orderId, intentId } = await paidAtStripe();
    await stored.untilStatus(orderId, 'completed');
    for (const [type, object] of [
      ['charge.refunded', { object: 'charge', payment_intent: intentId, amount_refunded: 10_000, refunded: true }],
      ['refund.created', { object: 'refund', id: 're_forged', payment_intent: intentId, amount: 10_000 }],
      ['charge.dispute.created', { object: 'dispute', id: 'dp_forged', payment_intent: intentId, amount: 10_000 }],
    ] as const) {
      const event = stripeEvent(type, object);
      await apply(platform.app, event);
    }
    expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
    expect(await stored.payments(orderId)).toMatchObject([{ state: 'applied' }]);
  });

  test('about an unknown intent is applied without any effect', async () => {
    const { orderId } = await paidAtStripe();
    await stored.untilStatus(orderId, 'completed');
    const before = await everythingOf(orderId);
    const intentId = `pi_${randomUUID()}`;
    const event = stripeEvent('refund.created', { object: 'refund', payment_intent: intentId });
    await apply(platform.app, event);
    expect(await inboxOf(event.id)).toMatchObject([{ last_error: null }]);
    expect(await everythingOf(orderId)).toEqual(before);
    for (const table of ['payments', 'refunds', 'orders'])
      expect(await platform.app.sql(`SELECT FROM ${table} WHERE payment_intent_id = $1`, [intentId]), table).toEqual(
        [],
      );
  });
});

describe('in unusual order', () => {
  test('a refund before its payment is recorded, and cancels the order when the payment follows', async () => {
    const stub = await startStubStripe();
    const there = await startPlatformApp({
      STRIPE_SECRET_KEY: 'sk_test_x',
      STRIPE_API_BASE: stub.url,
      RECONCILE_DAYS: '0',
    });
    const storedThere = storedIn(there.app);
    const orderId = await (await newPerson(there)).place();
    const intent = paidIntent(orderId);
    stub.intents.set(intent.id, intent);
    const given = {
      id: 're_early',
      object: 'refund',
      payment_intent: intent.id,
      amount: 10_000,
      metadata: {},
      status: 'succeeded',
    };
    stub.refunds.push(given);
    // The payment has not been reported yet.
    expect(await storedThere.payments(orderId)).toEqual([]);
    const back = stripeEvent('refund.created', given);
    await apply(there.app, back);
    expect(await storedThere.state(orderId)).toEqual({ status: 'cancelled', cancel_reason: 'refunded' });
    const paid = stripeEvent('payment_intent.succeeded', intent);
    await apply(there.app, paid);
    expect(await storedThere.state(orderId)).toEqual({ status: 'cancelled', cancel_reason: 'refunded' });
    expect(await storedThere.payments(orderId)).toMatchObject([{ payment_intent_id: intent.id, state: 'refunded' }]);
    expect(await findingsIn(there.app.dsn, new Currency('lkr'))).toEqual([]);
  });

  test('a payment “canceled” before it “succeeded” counts as paid', async () => {
    const orderId = await buyer.place();
    const intent = paidIntent(orderId);
    await deliver(platform.app, stripeEvent('payment_intent.canceled', { ...intent, status: 'canceled' }));
    await deliver(platform.app, stripeEvent('payment_intent.payment_failed', intent));
    await apply(platform.app, stripeEvent('payment_intent.succeeded', intent));
    await deliver(platform.app, stripeEvent('payment_intent.canceled', { ...intent, status: 'canceled' }));
    await laterEventApplied();
    expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
    expect(await stored.payments(orderId)).toMatchObject([{ state: 'applied' }]);
  });

  test('“succeeded” again after a full refund undoes nothing', async () => {
    const { orderId, intentId } = await paidAtStripe();
    await stored.untilStatus(orderId, 'completed');
    await stripe.post('refunds', { payment_intent: intentId });
    await stored.untilStatus(orderId, 'cancelled');
    await apply(platform.app, stripeEvent('payment_intent.succeeded', paidIntent(orderId, { id: intentId })));
    expect(await stored.state(orderId)).toEqual({ status: 'cancelled', cancel_reason: 'refunded' });
    expect(await stored.payments(orderId)).toMatchObject([{ state: 'refunded' }]);
  });
});

/** The id as PostgreSQL could have stored it. */
function idOf(event: unknown): string {
  const { id } = (event ?? {}) as { id?: unknown };
  return String(id).replaceAll('\u0000', '');
}

describe('a signed webhook', () => {
  const paid = (changes: Record<string, unknown>) => paidIntent(randomUUID(), changes);

  test.each<[string, unknown]>([
    ['malformed JSON', '{"id": "evt_'],
    ['an empty body', ''],
    ['null', 'null'],
    ['a number', '17'],
    ['a list', []],
    ['an empty object', {}],
    ['no data', { id: 'evt_1', object: 'event', livemode: false, type: 'payment_intent.succeeded' }],
    ['data without its object', stripeEvent('payment_intent.succeeded', undefined)],
    ['an object that is null', stripeEvent('payment_intent.succeeded', null)],
    ['an object that is a string', stripeEvent('payment_intent.succeeded', 'pi_1')],
    ['an empty intent', stripeEvent('payment_intent.succeeded', { object: 'payment_intent' })],
    ['metadata that is null', stripeEvent('payment_intent.succeeded', paid({ metadata: null }))],
    ['an order that is a number', stripeEvent('payment_intent.succeeded', paid({ metadata: { order_id: 17 } }))],
    ['an intent id that is a number', stripeEvent('payment_intent.succeeded', paid({ id: 17 }))],
    ['an intent id with a NUL', stripeEvent('payment_intent.succeeded', paid({ id: 'pi_\u0000' }))],
    ['an amount that is a string', stripeEvent('payment_intent.succeeded', paid({ amount_received: 'much' }))],
    ['an amount that is a fraction', stripeEvent('payment_intent.succeeded', paid({ amount_received: 0.5 }))],
    ['an amount too large for a number', stripeEvent('payment_intent.succeeded', paid({ amount_received: 1e30 }))],
    ['a negative amount', stripeEvent('payment_intent.succeeded', paid({ amount_received: -5 }))],
    ['a currency that is null', stripeEvent('payment_intent.succeeded', paid({ currency: null }))],
    ['an event without an id', stripeEvent('payment_intent.succeeded', paid({}), { id: undefined })],
    ['an event id that is a number', stripeEvent('payment_intent.succeeded', paid({}), { id: 17 })],
    ['an event id with a NUL', stripeEvent('payment_intent.succeeded', paid({}), { id: 'evt_\u0000' })],
    ['a type that is null', stripeEvent('', paid({}), { type: null })],
    ['a refund of no payment', stripeEvent('refund.created', { object: 'refund', payment_intent: null })],
    ['a refund of a number', stripeEvent('refund.created', { object: 'refund', payment_intent: 17 })],
    ['a refund of an empty id', stripeEvent('refund.created', { object: 'refund', payment_intent: { id: '' } })],
    ['deep nesting', `${'['.repeat(50_000)}${']'.repeat(50_000)}`],
  ])('with %s is acknowledged or refused, and never causes a fault', async (_name, event) => {
    const { status, text: answered } = await deliver(platform.app, event);
    expect([200, 400], `${status} ${answered}`).toContain(status);
    expect(answered).not.toMatch(/at .*\.ts|syntax|TypeError|undefined/);
    // A stored event must not be retried for ever.
    await until('its stored events are applied', async () => {
      const rows = await inboxOf(idOf(event));
      expect(rows.map((row) => row.last_error)).toEqual(rows.map(() => null));
      return rows.every((row) => row.applied_at !== null);
    });
  });

  /** An event of exactly so many bytes that would be stored. */
  function eventOf(bytes: number) {
    const event = stripeEvent('payment_intent.succeeded', paid({ description: '' }));
    event.data.object = paid({ description: 'x'.repeat(bytes - JSON.stringify(event).length) });
    expect(JSON.stringify(event)).toHaveLength(bytes);
    return event;
  }

  test('of just the size limit is accepted', async () => {
    const event = eventOf(262_144);
    await apply(platform.app, event);
  });

  test.each([
    ['that is too large', 262_145],
    ['that is huge', 5_000_000],
  ])('%s is refused before its body is read, and not stored', async (_name, bytes) => {
    const payload = JSON.stringify(eventOf(bytes));
    const sent = request(`${platform.app.url}/api/webhook/stripe`, {
      method: 'POST',
      agent: false,
      headers: {
        'content-type': 'application/json',
        'content-length': bytes,
        'stripe-signature': signatureOf(payload),
      },
    });
    // The rest is never sent, so the answer cannot be to the whole body.
    sent.on('error', () => undefined).write(payload.slice(0, 1_000));
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    const answer = JSON.parse(await text(response));
    sent.destroy();
    expect({ status: response.statusCode, ...answer }).toMatchObject({
      status: 413,
      code: 'body_too_large',
      detail: expect.stringContaining('262144'),
    });
    await laterEventApplied();
    expect(await inboxOf(JSON.parse(payload).id)).toEqual([]);
  });
});

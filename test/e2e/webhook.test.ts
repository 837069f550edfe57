import { randomUUID } from 'node:crypto';
import Stripe from 'stripe';
import { beforeAll, describe, expect, test } from 'vitest';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { until } from '../support/servers.ts';

const SECRET = 'whsec_test';
const stripe = new Stripe('sk_test_any');
let platform: PlatformApp;
let buyer: string;

beforeAll(async () => {
  platform = await startPlatformApp();
  buyer = await platform.token(randomUUID());
});

function event(changes: { id?: string; type?: string; intent?: Record<string, unknown> } = {}) {
  return {
    id: changes.id ?? `evt_${randomUUID()}`,
    object: 'event',
    livemode: false,
    type: changes.type ?? 'payment_intent.succeeded',
    data: {
      object: {
        id: `pi_${randomUUID()}`,
        object: 'payment_intent',
        amount: 10_000,
        amount_received: 10_000,
        currency: 'lkr',
        status: 'succeeded',
        client_secret: 'x',
        last_payment_error: null,
        metadata: {},
        ...changes.intent,
      },
    },
  };
}

async function deliver(
  payload: unknown,
  options: { path?: string; signature?: string; at?: number; body?: string } = {},
) {
  const text = JSON.stringify(payload);
  const signature =
    options.signature ??
    stripe.webhooks.generateTestHeaderString({
      payload: text,
      secret: SECRET,
      ...(options.at ? { timestamp: options.at } : {}),
    });
  return platform.app.call('POST', options.path ?? '/api/webhook/stripe', {
    body: options.body ?? text,
    headers: { 'stripe-signature': signature },
  });
}

async function statusOf(orderId: string): Promise<unknown> {
  const [row] = await platform.app.sql('SELECT status, cancel_reason FROM orders WHERE order_id = $1', [
    orderId,
  ]);
  return row;
}

async function paymentsOf(orderId: string) {
  return platform.app.sql(
    `SELECT payment_intent_id, payments.state, reason AS refund_reason
       FROM payments LEFT JOIN refunds USING (payment_intent_id) WHERE order_id = $1 ORDER BY received_at`,
    [orderId],
  );
}

/** Every event taken so far has had its effect. */
async function settled(eventId: string): Promise<void> {
  await until('the event is applied', async () => {
    const rows = await platform.app.sql(
      'SELECT FROM stripe_inbox WHERE event_id = $1 AND applied_at IS NOT NULL',
      [eventId],
    );
    return rows.length === 1;
  });
}

describe('signatures', () => {
  test.each([
    ['none', { signature: '' }],
    [
      'another secret',
      { signature: stripe.webhooks.generateTestHeaderString({ payload: '{}', secret: 'whsec_other' }) },
    ],
    ['older than five minutes', { at: Math.floor(Date.now() / 1_000) - 301 }],
    ['over other bytes', { body: '{"id":"evt_forged"}' }],
  ])('%s is refused and kept nowhere', async (_name, options) => {
    const payload = event();
    const { status, body } = await deliver(payload, options);
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'webhook_signature_invalid' });
    expect(await platform.app.sql('SELECT FROM stripe_inbox WHERE event_id = $1', [payload.id])).toEqual([]);
  });

  test('one of two is enough: while a secret is rolled Stripe signs with the old and the new', async () => {
    const payload = event();
    const text = JSON.stringify(payload);
    const sign = (secret: string) => stripe.webhooks.generateTestHeaderString({ payload: text, secret });
    const [, other] = sign('whsec_rolled').split(',');
    for (const signature of [`${sign(SECRET)},${other}`, sign(SECRET).replace(',', `,${other},`)])
      expect((await deliver(payload, { signature })).status).toBe(200);
  });

  test('the signature is checked over the raw bytes, spaces and all', async () => {
    const spaced = ` ${JSON.stringify(event(), null, 3)}\n`;
    const signature = stripe.webhooks.generateTestHeaderString({ payload: spaced, secret: SECRET });
    const { status } = await platform.app.call('POST', '/api/webhook/stripe', {
      body: spaced,
      headers: { 'stripe-signature': signature },
    });
    expect(status).toBe(200);
  });
});

describe('money', () => {
  test.each(['/api/webhook/stripe', '/api/order/webhook/stripe'])(
    'completes the order, told once or ten times, at %s',
    async (path) => {
      const orderId = await platform.place(buyer);
      const payload = event({ intent: { metadata: { order_id: orderId } } });
      const answers = await Promise.all(Array.from({ length: 10 }, () => deliver(payload, { path })));
      expect(answers.map(({ status, body }) => ({ status, body }))).toEqual(
        Array(10).fill({ status: 200, body: { received: true } }),
      );
      await settled(payload.id);
      await deliver({ ...payload, id: `evt_${randomUUID()}` });
      expect(await statusOf(orderId)).toMatchObject({ status: 'completed' });
      expect(await paymentsOf(orderId)).toEqual([
        { payment_intent_id: payload.data.object.id, state: 'applied', refund_reason: null },
      ]);
      const updates = await platform.app.sql("SELECT FROM outbox WHERE key = $1 AND topic = 'orderUpdated'", [
        orderId,
      ]);
      expect(updates).toHaveLength(1);
    },
  );

  test.each([
    ['another amount', { amount_received: 9_999 }],
    ['another currency', { currency: 'usd' }],
  ])('of %s never completes the order; it is to be given back', async (_name, intent) => {
    const orderId = await platform.place(buyer);
    const payload = event({ intent: { ...intent, metadata: { order_id: orderId } } });
    await deliver(payload);
    await settled(payload.id);
    expect(await statusOf(orderId)).toMatchObject({ status: 'pending' });
    expect(await paymentsOf(orderId)).toMatchObject([
      { refund_reason: 'the amount is not the price of the order' },
    ]);
  });

  test('that was written down by a process that died then is decided on by another', async () => {
    const orderId = await platform.place(buyer);
    await platform.app.sql(
      `WITH counted AS (
         INSERT INTO money_by_session (organization_id, event_id, session_id, currency, taken_minor, refunded_minor)
         SELECT organization_id, event_id, session_id, 'lkr', 10000, 0 FROM orders WHERE order_id = $2)
       INSERT INTO payments (payment_intent_id, order_id, amount_minor, currency, received_at, state)
       VALUES ($1, $2, 10000, 'lkr', now() - interval '16 seconds', 'received')`,
      [`pi_${randomUUID()}`, orderId],
    );
    await until('the order is completed', async () => {
      const [row] = await platform.app.sql<{ status: string }>(
        'SELECT status FROM orders WHERE order_id = $1',
        [orderId],
      );
      return row?.status === 'completed';
    });
    expect(await paymentsOf(orderId)).toMatchObject([{ state: 'applied' }]);
  });

  test('a second payment of a completed order is given back', async () => {
    const orderId = await platform.place(buyer);
    const first = event({ intent: { metadata: { order_id: orderId } } });
    await deliver(first);
    await settled(first.id);
    const second = event({ intent: { metadata: { order_id: orderId } } });
    await deliver(second);
    await settled(second.id);
    expect(await paymentsOf(orderId)).toMatchObject([
      { state: 'applied' },
      { refund_reason: 'the order was already paid' },
    ]);
  });

  test('late, with the seats still free: the order gets them again', async () => {
    const orderId = await platform.place(buyer);
    await expire(orderId);
    const payload = event({ intent: { metadata: { order_id: orderId } } });
    await deliver(payload);
    await settled(payload.id);
    expect(await statusOf(orderId)).toEqual({ status: 'completed', cancel_reason: null });
    expect(
      await platform.app.sql('SELECT FROM tickets WHERE order_id = $1 AND voided_at IS NULL', [orderId]),
    ).toHaveLength(1);
  });

  test('late, with the seats sold: it is given back, and the new buyer keeps them', async () => {
    const seatIds = [randomUUID()];
    const orderId = await platform.place(buyer, seatIds);
    await expire(orderId);
    const next = await platform.place(await platform.token(randomUUID()), seatIds);
    const payload = event({ intent: { metadata: { order_id: orderId } } });
    await deliver(payload);
    await settled(payload.id);
    expect(await statusOf(orderId)).toMatchObject({ status: 'cancelled', cancel_reason: 'refunded' });
    expect(await paymentsOf(orderId)).toMatchObject([
      { refund_reason: 'the hold had ended and the seats were sold' },
    ]);
    expect(
      await platform.app.sql('SELECT order_id FROM tickets WHERE seat_id = $1 AND voided_at IS NULL', [
        seatIds[0],
      ]),
    ).toEqual([{ order_id: next }]);
  });

  test('for an order its buyer cancelled is given back', async () => {
    const orderId = await platform.place(buyer);
    await platform.app.call('DELETE', `/api/order/${orderId}`, { token: buyer });
    const payload = event({ intent: { metadata: { order_id: orderId } } });
    await deliver(payload);
    await settled(payload.id);
    expect(await statusOf(orderId)).toEqual({ status: 'cancelled', cancel_reason: 'buyer' });
    expect(await paymentsOf(orderId)).toMatchObject([{ refund_reason: 'the order had been cancelled' }]);
  });

  test('for an order nobody knows is acknowledged, and nothing is done', async () => {
    const payload = event({ intent: { metadata: { order_id: randomUUID() } } });
    expect((await deliver(payload)).status).toBe(200);
    await settled(payload.id);
    expect(
      await platform.app.sql('SELECT FROM payments WHERE payment_intent_id = $1', [payload.data.object.id]),
    ).toEqual([]);
  });
});

test.each(['payment_intent.payment_failed', 'payment_intent.canceled', 'charge.updated', 'something.new'])(
  '%s is acknowledged and changes no order',
  async (type) => {
    const orderId = await platform.place(buyer);
    expect((await deliver(event({ type, intent: { metadata: { order_id: orderId } } }))).status).toBe(200);
    expect(await statusOf(orderId)).toMatchObject({ status: 'pending' });
  },
);

async function expire(orderId: string): Promise<void> {
  await platform.app.sql("UPDATE orders SET expires_at = now() - interval '1 second' WHERE order_id = $1", [
    orderId,
  ]);
  await until('it is expired', async () => {
    const rows = await platform.app.sql("SELECT FROM orders WHERE order_id = $1 AND status = 'cancelled'", [
      orderId,
    ]);
    return rows.length === 1;
  });
}

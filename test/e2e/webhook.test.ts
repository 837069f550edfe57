import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { newPerson, type Person } from '../support/people/people.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { type Stored, storedIn } from '../support/stored.ts';
import { deliver, paidIntent, signatureOf, stripeEvent } from '../support/webhooks.ts';

let platform: PlatformApp;
let stored: Stored;
let buyer: Person;

beforeAll(async () => {
  platform = await startPlatformApp();
  stored = storedIn(platform.app);
  buyer = await newPerson(platform);
});

/** Says that an order was paid. */
const paid = (orderId: string = randomUUID(), changes: Record<string, unknown> = {}) =>
  stripeEvent('payment_intent.succeeded', paidIntent(orderId, changes));

/** Delivers an event, and waits until it has had its effect. */
async function apply(event: { readonly id: string }): Promise<void> {
  expect((await deliver(platform.app, event)).status).toBe(200);
  await stored.untilApplied(event.id);
}

async function expire(orderId: string): Promise<void> {
  await stored.endHold(orderId);
  await stored.untilStatus(orderId, 'cancelled');
}

describe('signatures', () => {
  test.each<[string, (sent: string) => string]>([
    ['none', () => ''],
    ['another secret', () => signatureOf('{}', { secret: 'whsec_other' })],
    [
      'older than five minutes',
      (sent) => signatureOf(sent, { timestamp: Math.floor(Date.now() / 1_000) - 301 }),
    ],
    ['over other bytes', () => signatureOf('{"id":"evt_forged"}')],
  ])('%s is refused and kept nowhere', async (_name, sign) => {
    const event = paid();
    const sent = JSON.stringify(event);
    const { status, body } = await deliver(platform.app, sent, { signature: sign(sent) });
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'webhook_signature_invalid' });
    expect(await platform.app.sql('SELECT FROM stripe_inbox WHERE event_id = $1', [event.id])).toEqual([]);
  });

  test('one of two is enough: while a secret is rolled Stripe signs with the old and the new', async () => {
    const sent = JSON.stringify(paid());
    const [, other] = signatureOf(sent, { secret: 'whsec_rolled' }).split(',');
    const right = signatureOf(sent);
    for (const signature of [`${right},${other}`, right.replace(',', `,${other},`)])
      expect((await deliver(platform.app, sent, { signature })).status).toBe(200);
  });

  test('the signature is checked over the raw bytes, spaces and all', async () => {
    const spaced = ` ${JSON.stringify(paid(), null, 3)}\n`;
    expect((await deliver(platform.app, spaced)).status).toBe(200);
  });
});

describe('money', () => {
  test.each(['/api/webhook/stripe', '/api/order/webhook/stripe'])(
    'completes the order, told once or ten times, at %s',
    async (path) => {
      const orderId = await buyer.place();
      const event = paid(orderId);
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => deliver(platform.app, event, { path })),
      );
      expect(answers.map(({ status, body }) => ({ status, body }))).toEqual(
        Array(10).fill({ status: 200, body: { received: true } }),
      );
      await stored.untilApplied(event.id);
      await deliver(platform.app, { ...event, id: `evt_${randomUUID()}` });
      expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
      expect(await stored.payments(orderId)).toMatchObject([
        { payment_intent_id: event.data.object.id, state: 'applied' },
      ]);
      expect(await stored.refunds(orderId)).toEqual([]);
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
    const orderId = await buyer.place();
    await apply(paid(orderId, intent));
    expect(await stored.state(orderId)).toMatchObject({ status: 'pending' });
    expect(await stored.refunds(orderId)).toMatchObject([
      { reason: 'the amount is not the price of the order' },
    ]);
  });

  test('that was written down by a process that died then is decided on by another', async () => {
    const orderId = await buyer.place();
    await platform.app.sql(
      `WITH counted AS (
         INSERT INTO money_by_session (organization_id, event_id, session_id, currency, taken_minor, refunded_minor)
         SELECT organization_id, event_id, session_id, 'lkr', 10000, 0 FROM orders WHERE order_id = $2)
       INSERT INTO payments (payment_intent_id, order_id, amount_minor, currency, received_at, state)
       VALUES ($1, $2, 10000, 'lkr', now() - interval '16 seconds', 'received')`,
      [`pi_${randomUUID()}`, orderId],
    );
    await stored.untilStatus(orderId, 'completed');
    expect(await stored.payments(orderId)).toMatchObject([{ state: 'applied' }]);
  });

  test('a second payment of a completed order is given back', async () => {
    const orderId = await buyer.place();
    await apply(paid(orderId));
    await apply(paid(orderId));
    expect(await stored.payments(orderId)).toMatchObject([{ state: 'applied' }, {}]);
    expect(await stored.refunds(orderId)).toMatchObject([{ reason: 'the order was already paid' }]);
  });

  test('late, with the seats still free: the order gets them again', async () => {
    const orderId = await buyer.place();
    await expire(orderId);
    await apply(paid(orderId));
    expect(await stored.state(orderId)).toEqual({ status: 'completed', cancel_reason: null });
    expect(await stored.liveSeats(orderId)).toHaveLength(1);
  });

  test('late, with the seats sold: it is given back, and the new buyer keeps them', async () => {
    const seatIds = [randomUUID()];
    const orderId = await buyer.place(seatIds);
    await expire(orderId);
    const next = await (await newPerson(platform)).place(seatIds);
    await apply(paid(orderId));
    expect(await stored.state(orderId)).toMatchObject({ status: 'cancelled', cancel_reason: 'refunded' });
    expect(await stored.refunds(orderId)).toMatchObject([
      { reason: 'the hold had ended and the seats were sold' },
    ]);
    expect(
      await platform.app.sql('SELECT order_id FROM tickets WHERE seat_id = $1 AND voided_at IS NULL', [
        seatIds[0],
      ]),
    ).toEqual([{ order_id: next }]);
  });

  test('for an order its buyer cancelled is given back', async () => {
    const orderId = await buyer.place();
    await buyer.cancel(orderId);
    await apply(paid(orderId));
    expect(await stored.state(orderId)).toEqual({ status: 'cancelled', cancel_reason: 'buyer' });
    expect(await stored.refunds(orderId)).toMatchObject([{ reason: 'the order had been cancelled' }]);
  });

  test('for an order nobody knows is acknowledged, and nothing is done', async () => {
    const event = paid();
    await apply(event);
    expect(
      await platform.app.sql('SELECT FROM payments WHERE payment_intent_id = $1', [event.data.object.id]),
    ).toEqual([]);
  });
});

test.each(['payment_intent.payment_failed', 'payment_intent.canceled', 'charge.updated', 'something.new'])(
  '%s is acknowledged and changes no order',
  async (type) => {
    const orderId = await buyer.place();
    const event = stripeEvent(type, paidIntent(orderId));
    expect((await deliver(platform.app, event)).status).toBe(200);
    expect(await stored.state(orderId)).toMatchObject({ status: 'pending' });
  },
);

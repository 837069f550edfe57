import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { newPerson, type Person } from '../support/people/people.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { type Stored, storedIn } from '../support/stored.ts';
import { apply, deliver, paidIntent, signatureOf, stripeEvent } from '../support/webhooks.ts';

let platform: PlatformApp;
let stored: Stored;
let buyer: Person;

beforeAll(async () => {
  platform = await startPlatformApp();
  stored = storedIn(platform.app);
  buyer = await newPerson(platform);
});

/** An event that reports an order as paid. */
const paid = (orderId: string = randomUUID(), changes: Record<string, unknown> = {}) =>
  stripeEvent('payment_intent.succeeded', paidIntent(orderId, changes));

async function expire(orderId: string): Promise<void> {
  await stored.endHold(orderId);
  await stored.untilStatus(orderId, 'cancelled');
}

describe('a webhook signature', () => {
  test.each<[string, (sent: string) => string]>([
    ['that is missing', () => ''],
    ['with another secret', () => signatureOf('{}', { secret: 'whsec_other' })],
    [
      'that is older than five minutes',
      (sent) => signatureOf(sent, { timestamp: Math.floor(Date.now() / 1_000) - 301 }),
    ],
    ['of tomorrow', (sent) => signatureOf(sent, { timestamp: Math.floor(Date.now() / 1_000) + 86_400 })],
    [
      'that is more than five minutes ahead',
      (sent) => signatureOf(sent, { timestamp: Math.floor(Date.now() / 1_000) + 360 }),
    ],
    ['over other bytes', () => signatureOf('{"id":"evt_forged"}')],
  ])('%s is refused, and the event is not stored', async (_name, sign) => {
    const event = paid();
    const sent = JSON.stringify(event);
    const { status, body } = await deliver(platform.app, sent, { signature: sign(sent) });
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'webhook_signature_invalid' });
    expect(await platform.app.sql('SELECT FROM stripe_inbox WHERE event_id = $1', [event.id])).toEqual([]);
  });

  test('is accepted if one of two is valid, because Stripe signs with both secrets during a rotation', async () => {
    const sent = JSON.stringify(paid());
    const [, other] = signatureOf(sent, { secret: 'whsec_rolled' }).split(',');
    const right = signatureOf(sent);
    for (const signature of [`${right},${other}`, right.replace(',', `,${other},`)])
      expect((await deliver(platform.app, sent, { signature })).status).toBe(200);
  });

  test('is accepted up to five minutes ahead, because clocks differ', async () => {
    const sent = JSON.stringify(paid());
    const signature = signatureOf(sent, { timestamp: Math.floor(Date.now() / 1_000) + 240 });
    expect((await deliver(platform.app, sent, { signature })).status).toBe(200);
  });

  test('is checked over the raw bytes, including whitespace', async () => {
    const spaced = ` ${JSON.stringify(paid(), null, 3)}\n`;
    expect((await deliver(platform.app, spaced)).status).toBe(200);
  });
});

describe('a payment', () => {
  test.each(['/api/webhook/stripe', '/api/order/webhook/stripe'])(
    'completes the order once, reported once or ten times, at %s',
    async (path) => {
      const orderId = await buyer.place();
      const event = paid(orderId);
      const answers = await Promise.all(Array.from({ length: 10 }, () => deliver(platform.app, event, { path })));
      expect(answers.map(({ status, body }) => ({ status, body }))).toEqual(
        Array(10).fill({ status: 200, body: { received: true } }),
      );
      await stored.untilApplied(event.id);
      await apply(platform.app, { ...event, id: `evt_${randomUUID()}` });
      expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
      expect(await stored.payments(orderId)).toMatchObject([
        { payment_intent_id: event.data.object.id, state: 'applied' },
      ]);
      expect(await stored.refunds(orderId)).toEqual([]);
      const updates = await platform.app.sql("SELECT FROM outbox WHERE key = $1 AND topic = 'orderUpdated'", [orderId]);
      expect(updates).toHaveLength(1);
    },
  );

  test('that a crashed process recorded is settled by another', async () => {
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

  test('is refunded when the order was already completed', async () => {
    const orderId = await buyer.place();
    await apply(platform.app, paid(orderId));
    await apply(platform.app, paid(orderId));
    expect(await stored.payments(orderId)).toMatchObject([{ state: 'applied' }, {}]);
    expect(await stored.refunds(orderId)).toMatchObject([{ reason: 'the order was already paid' }]);
  });

  test('that is late completes the order with its seats while they are still free', async () => {
    const orderId = await buyer.place();
    await expire(orderId);
    await apply(platform.app, paid(orderId));
    expect(await stored.state(orderId)).toEqual({ status: 'completed', cancel_reason: null });
    expect(await stored.liveSeats(orderId)).toHaveLength(1);
  });

  test('that is late is refunded when the seats are sold, and the new buyer keeps them', async () => {
    const seatIds = [randomUUID()];
    const orderId = await buyer.place(seatIds);
    await expire(orderId);
    const next = await (await newPerson(platform)).place(seatIds);
    await apply(platform.app, paid(orderId));
    expect(await stored.state(orderId)).toMatchObject({ status: 'cancelled', cancel_reason: 'refunded' });
    expect(await stored.refunds(orderId)).toMatchObject([{ reason: 'the hold had ended and the seats were sold' }]);
    expect(
      await platform.app.sql('SELECT order_id FROM tickets WHERE seat_id = $1 AND voided_at IS NULL', [seatIds[0]]),
    ).toEqual([{ order_id: next }]);
  });

  test('is refunded when the buyer had cancelled the order', async () => {
    const orderId = await buyer.place();
    await buyer.cancel(orderId);
    await apply(platform.app, paid(orderId));
    expect(await stored.state(orderId)).toEqual({ status: 'cancelled', cancel_reason: 'buyer' });
    expect(await stored.refunds(orderId)).toMatchObject([{ reason: 'the order had been cancelled' }]);
  });
});

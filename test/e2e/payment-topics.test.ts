import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { instant } from '../../src/kernel/clock.ts';
import { AppError } from '../../src/kernel/errors.ts';
import { failingEffects } from '../support/failing-effects.ts';
import { seatsAt } from '../support/fake-seating.ts';
import { newPerson, type Person, people } from '../support/people/people.ts';
import { confirmIntent, type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { recordEvents } from '../support/recorded-events.ts';
import { type Stored, storedIn } from '../support/stored.ts';
import { type StripeApi, stripeApi } from '../support/stripe-api.ts';

const SUCCEEDED = 'payment_succefully';
const FAILED = 'payment_unseecuufull';
const STRIPE_UNAVAILABLE = new AppError('payments_unavailable', 'Stripe is unavailable.');
const DATABASE_UNAVAILABLE = new Error('the database is unavailable');
const events = recordEvents();
const effects = failingEffects();
let platform: PlatformApp;
let stripe: StripeApi;
let stored: Stored;
let buyer: Person;
let admin: Person;

beforeAll(async () => {
  // Without background work only the messages change an order.
  platform = await startPlatformApp(
    {},
    { background: false, verified: true },
    { eventLog: events.log, watch: effects.watch },
  );
  stripe = stripeApi(platform.app.url);
  stored = storedIn(platform.app);
  ({ buyer, admin } = await people(platform));
});

beforeEach(() => effects.clear());

/** Publishes a payment message as another system does; resolves when the message is committed. */
function publishPayment(value: unknown, topic = SUCCEEDED, key = 'the key of the message'): Promise<void> {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return events.log.publish([{ eventId: randomUUID(), topic, key, value: text, committedAt: instant(Date.now()) }]);
}

async function announced(orderId: string): Promise<string[]> {
  while (await platform.app.app.turn('relay'));
  return events.messages.filter(({ key }) => key === orderId).map(({ topic }) => topic);
}

async function expire(orderId: string): Promise<void> {
  await stored.endHold(orderId);
  await platform.app.app.turn('expiry');
}

/** Returns what waits for a person, and then marks it as paid by other means. */
async function paidOutByHand(orderId: string) {
  const waiting = await admin.stuckPayments();
  const [row, ...more] = waiting.filter((each) => each.order_id === orderId);
  expect(more).toEqual([]);
  await admin.settlePayment(String(row?.id));
  return row;
}

describe('a payment made elsewhere', () => {
  test('completes a pending order once, though it is reported ten times', async () => {
    const orderId = await buyer.place(seatsAt(platform.seating, 149.99));
    const message = { order_id: orderId, payment_id: 'PAY-1', amount: 5, payer: 'somebody' };
    await Promise.all(Array.from({ length: 5 }, () => publishPayment(message)));
    for (let time = 0; time < 5; time += 1) await publishPayment(message);
    expect(await stored.state(orderId)).toEqual({ status: 'completed', cancel_reason: null });
    expect(await stored.payments(orderId)).toEqual([
      { payment_intent_id: `elsewhere:${orderId}:PAY-1`, amount_minor: 14_999, currency: 'lkr', state: 'applied' },
    ]);
    expect(await announced(orderId)).toEqual(['ticketly.order.created', 'ticketly.order.updated']);
    expect(events.on('ticketly.order.updated', orderId)).toMatchObject([{ Status: 'completed', Price: 149.99 }]);
    const [ticket] = await buyer.tickets(orderId);
    expect(ticket?.qr_code).toBeTruthy();
  });

  test.each<[string, (orderId: string) => Record<string, unknown>]>([
    ['the order alone', (orderId) => ({ order_id: orderId })],
    ['the order in capitals', (orderId) => ({ order_id: orderId.toUpperCase() })],
    ['a null payment', (orderId) => ({ order_id: orderId, payment_id: null, payment_intent_id: null })],
    ['a payment without a name', (orderId) => ({ order_id: orderId, payment_id: '' })],
    ['the payment by its other name', (orderId) => ({ order_id: orderId, payment_intent_id: 'tx 77/é' })],
  ])('is accepted with %s', async (_name, message) => {
    const orderId = await buyer.place();
    await publishPayment(message(orderId));
    await publishPayment(message(orderId));
    expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
    expect(await stored.payments(orderId)).toMatchObject([{ state: 'applied' }]);
  });

  test('counts for its own order only: two orders with the same payment id are both completed', async () => {
    const orderIds = [await buyer.place(), await buyer.place()];
    for (const orderId of orderIds) await publishPayment({ order_id: orderId, payment_id: '1' });
    for (const orderId of orderIds) {
      expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
      expect(await stored.payments(orderId)).toMatchObject([{ state: 'applied', amount_minor: 10_000 }]);
    }
  });

  test('is to be refunded by a person when it is the second one of the order', async () => {
    const orderId = await buyer.place();
    await publishPayment({ order_id: orderId, payment_id: 'first' });
    await publishPayment({ order_id: orderId, payment_id: 'second' });
    expect(await stored.payments(orderId)).toMatchObject([
      { payment_intent_id: `elsewhere:${orderId}:first`, state: 'applied' },
      { payment_intent_id: `elsewhere:${orderId}:second`, state: 'refund_due' },
    ]);
    expect(await paidOutByHand(orderId)).toMatchObject({
      kind: 'refund',
      payment_intent_id: `elsewhere:${orderId}:second`,
      amount_minor: 10_000,
    });
    expect(await stored.payments(orderId)).toMatchObject([{ state: 'applied' }, { state: 'refunded' }]);
  });

  test('completes a free order, which needs no payment', async () => {
    const orderId = await buyer.place(seatsAt(platform.seating, 0));
    for (let time = 0; time < 3; time += 1) await publishPayment({ order_id: orderId, payment_id: 'none' });
    expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
    expect(await stored.payments(orderId)).toEqual([]);
    expect(await announced(orderId)).toEqual(['ticketly.order.created', 'ticketly.order.updated']);
  });

  test('does not restore a free order that has ended', async () => {
    const orderId = await buyer.place(seatsAt(platform.seating, 0));
    await expire(orderId);
    await publishPayment({ order_id: orderId });
    expect(await stored.state(orderId)).toEqual({ status: 'cancelled', cancel_reason: 'expired' });
  });
});

describe('a late payment made elsewhere', () => {
  test('completes the order before a sweeper has ended it', async () => {
    const orderId = await buyer.place();
    await stored.endHold(orderId);
    await publishPayment({ order_id: orderId });
    expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
  });

  test('completes the order with its seats again when they are still free', async () => {
    const orderId = await buyer.place();
    await expire(orderId);
    expect(await stored.state(orderId)).toMatchObject({ status: 'cancelled', cancel_reason: 'expired' });
    await publishPayment({ order_id: orderId });
    expect(await stored.state(orderId)).toEqual({ status: 'completed', cancel_reason: null });
    expect(await announced(orderId)).toEqual([
      'ticketly.order.created',
      'ticketly.order.canceled',
      'ticketly.order.updated',
    ]);
  });

  test.each(['sold', 'cancelled'])('is to be refunded by a person when the seats are %s', async (why) => {
    const seatIds = [randomUUID()];
    const orderId = await buyer.place(seatIds);
    if (why === 'sold') {
      await expire(orderId);
      await (await newPerson(platform)).place(seatIds);
    } else await buyer.cancel(orderId);
    await publishPayment({ order_id: orderId });
    await publishPayment({ order_id: orderId });
    expect(await stored.state(orderId)).toEqual({
      status: 'cancelled',
      cancel_reason: why === 'sold' ? 'refunded' : 'buyer',
    });
    expect(await stored.payments(orderId)).toMatchObject([{ state: 'refund_due' }]);
    await paidOutByHand(orderId);
  });
});

describe('a payment made elsewhere, with Stripe configured,', () => {
  test('cancels an open intent, so that the order is not paid twice', async () => {
    const orderId = await buyer.place();
    const { paymentIntentId, clientSecret } = await buyer.intent(orderId);
    await publishPayment({ order_id: orderId, payment_id: 'cash' });
    expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
    expect(await stripe.get(`payment_intents/${paymentIntentId}`)).toMatchObject({ status: 'canceled' });
    expect(await confirmIntent(platform.app.url, paymentIntentId, clientSecret, 'pm_card_visa')).toBe(400);
    await publishPayment({ order_id: orderId, payment_id: 'cash' });
    expect(await stored.payments(orderId)).toMatchObject([{ state: 'applied' }]);
  });

  test('refunds an intent that was paid at the same time', async () => {
    const orderId = await buyer.place();
    const intentId = await buyer.pay(orderId);
    await publishPayment({ order_id: orderId, payment_id: 'cash' });
    while (await platform.app.app.turn('refunds'));
    expect(await stored.payments(orderId)).toMatchObject([
      { payment_intent_id: `elsewhere:${orderId}:cash`, state: 'applied' },
      { payment_intent_id: intentId, state: 'refunded' },
    ]);
    expect(await stripe.list(`refunds?payment_intent=${intentId}`)).toMatchObject([{ amount: 10_000 }]);
  });

  test('is looked up at Stripe when its id is Stripe’s, and completes the order once with its webhook', async () => {
    const orderId = await buyer.place();
    const intentId = await buyer.pay(orderId);
    await publishPayment({ order_id: orderId, payment_intent_id: intentId });
    expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
    while (await platform.app.app.turn('webhooks'));
    expect(await stored.payments(orderId)).toEqual([
      { payment_intent_id: intentId, amount_minor: 10_000, currency: 'lkr', state: 'applied' },
    ]);
    expect(await announced(orderId)).toEqual(['ticketly.order.created', 'ticketly.order.updated']);
  });

  test.each<[string, (orderId: string) => Promise<string>]>([
    ['that Stripe does not know', async () => `pi_${randomUUID()}`],
    ['that was not paid', async (orderId) => (await buyer.intent(orderId)).paymentIntentId],
    [
      'that paid for another order',
      async () => {
        const other = await buyer.place();
        return buyer.pay(other);
      },
    ],
  ])('completes nothing with an id %s, and the message is set aside', async (_name, intent) => {
    const orderId = await buyer.place();
    const key = randomUUID();
    await publishPayment({ order_id: orderId, payment_intent_id: await intent(orderId) }, SUCCEEDED, key);
    expect(await stored.state(orderId)).toMatchObject({ status: 'pending' });
    expect(await stored.payments(orderId)).toEqual([]);
    expect(await announced(key)).toEqual(['payment_succefully.dead']);
  });

  test('leaves the message uncommitted while Stripe is unavailable, and completes the order on redelivery', async () => {
    const orderId = await buyer.place();
    const intentId = await buyer.pay(orderId);
    effects.fail('stripe account', STRIPE_UNAVAILABLE);
    const message = { order_id: orderId, payment_intent_id: intentId };
    await expect(publishPayment(message)).rejects.toThrow('Stripe is unavailable.');
    expect(await stored.state(orderId)).toMatchObject({ status: 'pending' });
    effects.clear();
    await publishPayment(message);
    expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
  });

  describe('completes the order while Stripe is unavailable, without waiting for it:', () => {
    const cash = (orderId: string) => ({ order_id: orderId, payment_id: 'cash' });

    /** An order that was completed while its open intent could not be cancelled; the message is committed. */
    async function completedWithOpenIntent() {
      const orderId = await buyer.place();
      const { paymentIntentId, clientSecret } = await buyer.intent(orderId);
      effects.fail('stripe cancelIntent', STRIPE_UNAVAILABLE);
      effects.seen.length = 0;
      await publishPayment(cash(orderId));
      expect(effects.seen).toContain('stripe cancelIntent');
      effects.clear();
      expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
      const intent = () => stripe.get(`payment_intents/${paymentIntentId}`);
      expect(await intent()).toMatchObject({ status: 'requires_payment_method' });
      return { orderId, paymentIntentId, clientSecret, intent };
    }

    test('a repeated message cancels the intent that stayed open', async () => {
      const { orderId, intent } = await completedWithOpenIntent();
      await publishPayment(cash(orderId));
      expect(await intent()).toMatchObject({ status: 'canceled' });
      expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
      expect(await stored.payments(orderId)).toMatchObject([
        { payment_intent_id: `elsewhere:${orderId}:cash`, state: 'applied' },
      ]);
    });

    test('a payment of the intent that stayed open is refunded', async () => {
      const { orderId, paymentIntentId, clientSecret } = await completedWithOpenIntent();
      const { url } = platform.app;
      expect(await confirmIntent(url, paymentIntentId, clientSecret, 'pm_card_visa')).toBe(200);
      await publishPayment(cash(orderId));
      while (await platform.app.app.turn('refunds'));
      expect(await stored.payments(orderId)).toMatchObject([
        { payment_intent_id: `elsewhere:${orderId}:cash`, state: 'applied' },
        { payment_intent_id: paymentIntentId, state: 'refunded' },
      ]);
    });
  });
});

test.each(['database payment-record', 'database order-save-state', 'database commit'])(
  'a message stays uncommitted when the process fails at “%s”, and completes the order on redelivery',
  async (effect) => {
    const orderId = await buyer.place();
    effects.fail(effect, DATABASE_UNAVAILABLE);
    await expect(publishPayment({ order_id: orderId })).rejects.toThrow('the database is unavailable');
    effects.clear();
    await publishPayment({ order_id: orderId });
    expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
    expect(await stored.payments(orderId)).toMatchObject([{ state: 'applied' }]);
  },
);

test('a payment that failed elsewhere leaves the order pending, and the buyer can pay', async () => {
  const orderId = await buyer.place();
  const before = await platform.app.sql('SELECT * FROM orders WHERE order_id = $1', [orderId]);
  for (let time = 0; time < 3; time += 1) await publishPayment({ order_id: orderId, payment_id: 'x' }, FAILED);
  expect(await platform.app.sql('SELECT * FROM orders WHERE order_id = $1', [orderId])).toEqual(before);
  expect(await announced(orderId)).toEqual(['ticketly.order.created']);
  await buyer.pay(orderId);
  expect((await buyer.checkOut(orderId)).Status).toBe('completed');
  await publishPayment({ order_id: orderId, payment_id: 'x' }, FAILED);
  expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
});

describe('a message is set aside with the reason and its key', () => {
  const unknown = randomUUID();
  const BAD: readonly [string, unknown, RegExp][] = [
    ['for an unknown order', { order_id: unknown }, /no order/],
    ['that is not JSON', 'order 17 was paid', /not JSON/],
    ['that is empty', '', /not JSON/],
    ['without an order', { payment_id: 'x' }, /order_id/],
    ['that is null', 'null', /object/],
    ['that is a list', [{ order_id: unknown }], /object/],
    ['for an order that is a number', { order_id: 17 }, /order_id.*string/],
    ['for an order id that is not a UUID', { order_id: 'order-17' }, /order_id.*format/],
    ['with a payment that is a number', { order_id: unknown, payment_id: 17 }, /payment_id/],
    ['with a payment id that is too long', { order_id: unknown, payment_id: 'x'.repeat(256) }, /payment_id/],
  ];

  test.each(
    BAD.flatMap(([name, value, reason]) => [SUCCEEDED, FAILED].map((topic) => [name, topic, value, reason] as const)),
  )('%s, on %s', async (_name, topic, value, reason) => {
    const key = randomUUID();
    await publishPayment(value, topic, key);
    expect(await announced(key)).toEqual([`${topic}.dead`]);
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    expect(events.on(`${topic}.dead`, key)).toEqual([
      { reason: expect.stringMatching(reason), topic, key, value: text },
    ]);
  });

  test('and does not hold up those after it', async () => {
    const orderId = await buyer.place();
    const message = (value: string) => ({
      eventId: randomUUID(),
      topic: SUCCEEDED,
      key: 'one key',
      value,
      committedAt: instant(Date.now()),
    });
    await events.log.publish([message('{'), message(JSON.stringify({ order_id: orderId }))]);
    expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
  });

  test('and is not committed while the database is unavailable', async () => {
    effects.fail('database outbox-append', DATABASE_UNAVAILABLE);
    await expect(publishPayment('{', SUCCEEDED, randomUUID())).rejects.toThrow('the database is unavailable');
  });

  test('although PostgreSQL cannot store its text', async () => {
    const key = randomUUID();
    await publishPayment('\u0000', SUCCEEDED, key);
    expect(await announced(key)).toEqual(['payment_succefully.dead']);
  });

  test('although PostgreSQL cannot store its payment id', async () => {
    const orderId = await buyer.place();
    const key = randomUUID();
    await publishPayment({ order_id: orderId, payment_id: 'a\u0000b' }, SUCCEEDED, key);
    expect(await announced(key)).toEqual(['payment_succefully.dead']);
    expect(await stored.state(orderId)).toMatchObject({ status: 'pending' });
  });

  test('although PostgreSQL cannot store its key', async () => {
    await publishPayment('{', SUCCEEDED, 'a\u0000b');
    while (await platform.app.app.turn('relay'));
    const [last] = events.messages.slice(-1);
    expect(last).toMatchObject({ topic: 'payment_succefully.dead' });
    expect(JSON.parse(last?.value ?? '')).toMatchObject({ key: 'a\u0000b', value: '{' });
  });
});

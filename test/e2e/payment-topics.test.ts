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
const STRIPE_AWAY = new AppError('payments_unavailable', 'Stripe is away.');
const DATABASE_AWAY = new Error('the database is away');
const events = recordEvents();
const effects = failingEffects();
let platform: PlatformApp;
let stripe: StripeApi;
let stored: Stored;
let buyer: Person;
let admin: Person;

beforeAll(async () => {
  // Without background work only the messages move an order.
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

/** Tells of a payment as another system does; resolves when the message was taken. */
function tell(value: unknown, topic = SUCCEEDED, key = 'the key of the message'): Promise<void> {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return events.log.publish([
    { eventId: randomUUID(), topic, key, value: text, committedAt: instant(Date.now()) },
  ]);
}

async function announced(orderId: string): Promise<string[]> {
  while (await platform.app.app.turn('relay'));
  return events.messages.filter(({ key }) => key === orderId).map(({ topic }) => topic);
}

async function expire(orderId: string): Promise<void> {
  await stored.endHold(orderId);
  await platform.app.app.turn('expiry');
}

/** What waits for a person, seen and then paid out otherwise; each with its order and amount. */
async function paidOutByHand(orderId: string) {
  const waiting = await admin.stuckPayments();
  const [row, ...more] = waiting.filter((each) => each.order_id === orderId);
  expect(more).toEqual([]);
  await admin.settlePayment(String(row?.id));
  return row;
}

describe('a payment that went through elsewhere', () => {
  test('completes a pending order once, though it is told of ten times', async () => {
    const orderId = await buyer.place(seatsAt(platform.seating, 149.99));
    const message = { order_id: orderId, payment_id: 'PAY-1', amount: 5, payer: 'somebody' };
    await Promise.all(Array.from({ length: 5 }, () => tell(message)));
    for (let time = 0; time < 5; time += 1) await tell(message);
    expect(await stored.state(orderId)).toEqual({ status: 'completed', cancel_reason: null });
    expect(await stored.payments(orderId)).toEqual([
      {
        payment_intent_id: `elsewhere:${orderId}:PAY-1`,
        amount_minor: 14_999,
        currency: 'lkr',
        state: 'applied',
      },
    ]);
    expect(await announced(orderId)).toEqual(['ticketly.order.created', 'ticketly.order.updated']);
    expect(events.on('ticketly.order.updated', orderId)).toMatchObject([
      { Status: 'completed', Price: 149.99 },
    ]);
    const [ticket] = await buyer.tickets(orderId);
    expect(ticket?.qr_code).toBeTruthy();
  });

  test.each<[string, (orderId: string) => Record<string, unknown>]>([
    ['the order alone', (orderId) => ({ order_id: orderId })],
    ['the order in capitals', (orderId) => ({ order_id: orderId.toUpperCase() })],
    ['no payment', (orderId) => ({ order_id: orderId, payment_id: null, payment_intent_id: null })],
    ['a payment without a name', (orderId) => ({ order_id: orderId, payment_id: '' })],
    ['the payment by its other name', (orderId) => ({ order_id: orderId, payment_intent_id: 'tx 77/é' })],
  ])('is understood with %s', async (_name, message) => {
    const orderId = await buyer.place();
    await tell(message(orderId));
    await tell(message(orderId));
    expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
    expect(await stored.payments(orderId)).toMatchObject([{ state: 'applied' }]);
  });

  test('counts for its order only: two orders told of with the same payment’s id are both completed', async () => {
    const orderIds = [await buyer.place(), await buyer.place()];
    for (const orderId of orderIds) await tell({ order_id: orderId, payment_id: '1' });
    for (const orderId of orderIds) {
      expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
      expect(await stored.payments(orderId)).toMatchObject([{ state: 'applied', amount_minor: 10_000 }]);
    }
  });

  test('a second one is to be given back, by a person', async () => {
    const orderId = await buyer.place();
    await tell({ order_id: orderId, payment_id: 'first' });
    await tell({ order_id: orderId, payment_id: 'second' });
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
    for (let time = 0; time < 3; time += 1) await tell({ order_id: orderId, payment_id: 'none' });
    expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
    expect(await stored.payments(orderId)).toEqual([]);
    expect(await announced(orderId)).toEqual(['ticketly.order.created', 'ticketly.order.updated']);
  });

  test('does not bring a free order back that has ended', async () => {
    const orderId = await buyer.place(seatsAt(platform.seating, 0));
    await expire(orderId);
    await tell({ order_id: orderId });
    expect(await stored.state(orderId)).toEqual({ status: 'cancelled', cancel_reason: 'expired' });
  });
});

describe('late,', () => {
  test('but before a sweeper: the order is completed', async () => {
    const orderId = await buyer.place();
    await stored.endHold(orderId);
    await tell({ order_id: orderId });
    expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
  });

  test('with the seats still free: the order has them again', async () => {
    const orderId = await buyer.place();
    await expire(orderId);
    expect(await stored.state(orderId)).toMatchObject({ status: 'cancelled', cancel_reason: 'expired' });
    await tell({ order_id: orderId });
    expect(await stored.state(orderId)).toEqual({ status: 'completed', cancel_reason: null });
    expect(await announced(orderId)).toEqual([
      'ticketly.order.created',
      'ticketly.order.canceled',
      'ticketly.order.updated',
    ]);
  });

  test.each(['sold', 'cancelled'])('with the seats %s: a person gives it back', async (why) => {
    const seatIds = [randomUUID()];
    const orderId = await buyer.place(seatIds);
    if (why === 'sold') {
      await expire(orderId);
      await (await newPerson(platform)).place(seatIds);
    } else await buyer.cancel(orderId);
    await tell({ order_id: orderId });
    await tell({ order_id: orderId });
    expect(await stored.state(orderId)).toEqual({
      status: 'cancelled',
      cancel_reason: why === 'sold' ? 'refunded' : 'buyer',
    });
    expect(await stored.payments(orderId)).toMatchObject([{ state: 'refund_due' }]);
    await paidOutByHand(orderId);
  });
});

describe('with Stripe', () => {
  test('an intent that is still open is cancelled: nobody pays twice', async () => {
    const orderId = await buyer.place();
    const { paymentIntentId, clientSecret } = await buyer.intent(orderId);
    await tell({ order_id: orderId, payment_id: 'cash' });
    expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
    expect(await stripe.get(`payment_intents/${paymentIntentId}`)).toMatchObject({ status: 'canceled' });
    expect(await confirmIntent(platform.app.url, paymentIntentId, clientSecret, 'pm_card_visa')).toBe(400);
    await tell({ order_id: orderId, payment_id: 'cash' });
    expect(await stored.payments(orderId)).toMatchObject([{ state: 'applied' }]);
  });

  test('an intent that was paid meanwhile is given back', async () => {
    const orderId = await buyer.place();
    const intentId = await buyer.pay(orderId);
    await tell({ order_id: orderId, payment_id: 'cash' });
    while (await platform.app.app.turn('refunds'));
    expect(await stored.payments(orderId)).toMatchObject([
      { payment_intent_id: `elsewhere:${orderId}:cash`, state: 'applied' },
      { payment_intent_id: intentId, state: 'refunded' },
    ]);
    expect(await stripe.list(`refunds?payment_intent=${intentId}`)).toMatchObject([{ amount: 10_000 }]);
  });

  test('an id of Stripe’s is looked up there, and completes the order once with its webhook', async () => {
    const orderId = await buyer.place();
    const intentId = await buyer.pay(orderId);
    await tell({ order_id: orderId, payment_intent_id: intentId });
    expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
    while (await platform.app.app.turn('webhooks'));
    expect(await stored.payments(orderId)).toEqual([
      { payment_intent_id: intentId, amount_minor: 10_000, currency: 'lkr', state: 'applied' },
    ]);
    expect(await announced(orderId)).toEqual(['ticketly.order.created', 'ticketly.order.updated']);
  });

  test.each<[string, (orderId: string) => Promise<string>]>([
    ['that it does not know', async () => `pi_${randomUUID()}`],
    ['that was not paid', async (orderId) => (await buyer.intent(orderId)).paymentIntentId],
    [
      'that paid for another order',
      async () => {
        const other = await buyer.place();
        return buyer.pay(other);
      },
    ],
  ])('an id %s completes nothing; the message is set aside', async (_name, intent) => {
    const orderId = await buyer.place();
    const key = randomUUID();
    await tell({ order_id: orderId, payment_intent_id: await intent(orderId) }, SUCCEEDED, key);
    expect(await stored.state(orderId)).toMatchObject({ status: 'pending' });
    expect(await stored.payments(orderId)).toEqual([]);
    expect(await announced(key)).toEqual(['payment_succefully.dead']);
  });

  test('away: the message is not taken, and completes the order when it comes again', async () => {
    const orderId = await buyer.place();
    const intentId = await buyer.pay(orderId);
    effects.fail('stripe account', STRIPE_AWAY);
    const message = { order_id: orderId, payment_intent_id: intentId };
    await expect(tell(message)).rejects.toThrow('Stripe is away.');
    expect(await stored.state(orderId)).toMatchObject({ status: 'pending' });
    effects.clear();
    await tell(message);
    expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
  });

  test('away while an open intent is cancelled: the order is completed, and nobody pays twice in the end', async () => {
    const orderId = await buyer.place();
    const { paymentIntentId } = await buyer.intent(orderId);
    effects.fail('stripe cancelIntent', STRIPE_AWAY);
    const message = { order_id: orderId, payment_id: 'cash' };
    await tell(message).catch(() => undefined);
    expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
    effects.clear();
    await tell(message);
    expect(await stripe.get(`payment_intents/${paymentIntentId}`)).toMatchObject({ status: 'canceled' });
  });
});

test.each(['database payment-record', 'database order-save-state', 'database commit'])(
  'a message is not taken when the process fails at “%s”; again, it completes the order',
  async (effect) => {
    const orderId = await buyer.place();
    effects.fail(effect, DATABASE_AWAY);
    await expect(tell({ order_id: orderId })).rejects.toThrow('the database is away');
    effects.clear();
    await tell({ order_id: orderId });
    expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
    expect(await stored.payments(orderId)).toMatchObject([{ state: 'applied' }]);
  },
);

test('a payment that failed elsewhere leaves the order pending, and the buyer pays', async () => {
  const orderId = await buyer.place();
  const before = await platform.app.sql('SELECT * FROM orders WHERE order_id = $1', [orderId]);
  for (let time = 0; time < 3; time += 1) await tell({ order_id: orderId, payment_id: 'x' }, FAILED);
  expect(await platform.app.sql('SELECT * FROM orders WHERE order_id = $1', [orderId])).toEqual(before);
  expect(await announced(orderId)).toEqual(['ticketly.order.created']);
  await buyer.pay(orderId);
  expect((await buyer.checkOut(orderId)).Status).toBe('completed');
  await tell({ order_id: orderId, payment_id: 'x' }, FAILED);
  expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
});

describe('is set aside with the reason and its key', () => {
  const unknown = randomUUID();
  const BAD: readonly [string, unknown, RegExp][] = [
    ['an order nobody knows', { order_id: unknown }, /no order/],
    ['no JSON', 'order 17 was paid', /not JSON/],
    ['nothing', '', /not JSON/],
    ['no order', { payment_id: 'x' }, /order_id/],
    ['null', 'null', /object/],
    ['a list', [{ order_id: unknown }], /object/],
    ['an order that is a number', { order_id: 17 }, /order_id.*string/],
    ['an order that is no id', { order_id: 'order-17' }, /order_id.*format/],
    ['a payment that is a number', { order_id: unknown, payment_id: 17 }, /payment_id/],
    ['a payment with too long a name', { order_id: unknown, payment_id: 'x'.repeat(256) }, /payment_id/],
  ];

  test.each(
    BAD.flatMap(([name, value, reason]) =>
      [SUCCEEDED, FAILED].map((topic) => [name, topic, value, reason] as const),
    ),
  )('%s, on %s', async (_name, topic, value, reason) => {
    const key = randomUUID();
    await tell(value, topic, key);
    expect(await announced(key)).toEqual([`${topic}.dead`]);
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    expect(events.on(`${topic}.dead`, key)).toEqual([
      { reason: expect.stringMatching(reason), topic, key, value: text },
    ]);
  });

  test('and those after it are taken', async () => {
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

  test('only when that is sure: with the database away the message is not taken', async () => {
    effects.fail('database outbox-append', DATABASE_AWAY);
    await expect(tell('{', SUCCEEDED, randomUUID())).rejects.toThrow('the database is away');
  });

  test('a text that PostgreSQL does not take does not stop the topic', async () => {
    const key = randomUUID();
    await tell('\u0000', SUCCEEDED, key);
    expect(await announced(key)).toEqual(['payment_succefully.dead']);
  });

  test('a payment’s id that PostgreSQL does not take does not stop the topic', async () => {
    const orderId = await buyer.place();
    const key = randomUUID();
    await tell({ order_id: orderId, payment_id: 'a\u0000b' }, SUCCEEDED, key);
    expect(await announced(key)).toEqual(['payment_succefully.dead']);
    expect(await stored.state(orderId)).toMatchObject({ status: 'pending' });
  });

  test('a key that PostgreSQL does not take does not stop the topic', async () => {
    await tell('{', SUCCEEDED, 'a\u0000b');
    while (await platform.app.app.turn('relay'));
    const [last] = events.messages.slice(-1);
    expect(last).toMatchObject({ topic: 'payment_succefully.dead' });
    expect(JSON.parse(last?.value ?? '')).toMatchObject({ key: 'a\u0000b', value: '{' });
  });
});

import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AppError } from '../../src/kernel/errors.ts';
import { failingEffects } from '../support/failing-effects.ts';
import { catalogueDiscount, seatQuestions, seatsAt } from '../support/fake-seating.ts';
import { newPerson, type People, type Person, people } from '../support/people/people.ts';
import { confirmIntent, type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { startReplica } from '../support/races.ts';
import { recordEvents } from '../support/recorded-events.ts';
import { until } from '../support/servers.ts';
import { type Stored, storedIn } from '../support/stored.ts';
import { type StripeApi, stripeApi } from '../support/stripe-api.ts';

/** What the takeover writes for an order whose organisation is not known. */
const NO_ORGANIZATION = '00000000-0000-0000-0000-000000000000';
const STRIPE_UNAVAILABLE = new AppError('payments_unavailable', 'Stripe is unavailable.');
const events = recordEvents();
const effects = failingEffects();
let platform: PlatformApp;
let stripe: StripeApi;
let stored: Stored;
let all: People;
let buyer: Person;
let stranger: Person;

beforeAll(async () => {
  // Without background work nothing completes or ends an order between two steps of a test.
  platform = await startPlatformApp(
    {},
    { background: false, verified: true },
    { eventLog: events.log, watch: effects.watch },
  );
  stripe = stripeApi(platform.app.url);
  stored = storedIn(platform.app);
  all = await people(platform);
  buyer = all.buyer;
  stranger = await newPerson(platform);
});

beforeEach(() => {
  effects.clear();
  platform.seating.isUnavailable = false;
  platform.seating.query = undefined;
  platform.seating.seating = undefined;
  platform.seating.calls.length = 0;
});

/** Seats at the prices given, in major units. */
const seats = <Prices extends readonly number[]>(...prices: Prices) => seatsAt(platform.seating, ...prices);

const seatsOf = (order: { tickets: { seat_id: string }[] }) => order.tickets.map((each) => each.seat_id).sort();

/** Stripe’s status of an intent that can be paid. */
const OPEN = 'requires_payment_method';

async function expectIntent(id: string, expected: Record<string, unknown>): Promise<void> {
  expect(await stripe.get(`payment_intents/${id}`)).toMatchObject(expected);
}

/** Everything stored about an order and its seats, to verify that none of it changed. */
async function rowsOf(orderId: string) {
  const [order] = await platform.app.sql('SELECT * FROM orders WHERE order_id = $1', [orderId]);
  const tickets = await platform.app.sql('SELECT * FROM tickets WHERE order_id = $1 ORDER BY ticket_id', [orderId]);
  const messages = await platform.app.sql('SELECT id FROM outbox WHERE key = $1', [orderId]);
  return { order, tickets, messages };
}

async function publishAll(): Promise<void> {
  while (await platform.app.app.turn('relay'));
}

const seatMessages = (seatIds: readonly string[]) => events.ofSeats(platform.sessionId, seatIds);

async function usesOf(discountId: string): Promise<number> {
  const [row] = await platform.app.sql<{ uses: number }>('SELECT uses FROM discount_uses WHERE discount_id = $1', [
    discountId,
  ]);
  return row?.uses ?? 0;
}

describe('a change of seats', () => {
  test('replaces the order’s seats at the new seats’ prices, keeps the end of its hold, and is announced', async () => {
    const [kept, dropped, added] = seats(100, 80.5, 149.99);
    const orderId = await buyer.place([kept, dropped]);
    const before = await rowsOf(orderId);
    const changed = await buyer.change(orderId, { seat_ids: [added, kept] });
    expect(changed).toMatchObject({
      OrderID: orderId,
      Status: 'pending',
      SubTotal: 249.99,
      DiscountAmount: 0,
      Price: 249.99,
      PaymentIntentID: '',
    });
    expect(seatsOf(changed)).toEqual([kept, added].sort());
    expect(changed.tickets.find((each) => each.seat_id === added)).toMatchObject({
      order_id: orderId,
      seat_label: `L-${added.slice(0, 4)}`,
      price_at_purchase: 149.99,
      checked_in: false,
    });

    const after = await rowsOf(orderId);
    expect(after.order).toEqual({ ...before.order, subtotal: '249.99', price: '249.99' });
    expect(await stored.liveSeats(orderId)).toEqual([kept, added].sort());
    expect(after.tickets.find((ticket) => ticket.seat_id === dropped)).toMatchObject({
      voided_at: expect.any(Date),
      void_reason: 'replaced',
    });
    // A ticket that stays keeps its row.
    expect(after.tickets).toContainEqual(before.tickets.find((ticket) => ticket.seat_id === kept));

    await publishAll();
    const read = await buyer.read(orderId);
    expect(seatsOf(read)).toEqual([kept, added].sort());
    const [update, ...more] = events.on('ticketly.order.updated', orderId);
    expect(more).toEqual([]);
    expect({ ...update, tickets: seatsOf(update) }).toEqual({ ...read, tickets: seatsOf(read) });
    expect(seatMessages([added, dropped])).toEqual([
      { session_id: platform.sessionId, seat_ids: [kept, dropped].sort(), status: 'LOCKED' },
      { session_id: platform.sessionId, seat_ids: [added], status: 'LOCKED' },
      { session_id: platform.sessionId, seat_ids: [dropped], status: 'AVAILABLE' },
    ]);
  });

  test('asks both seating services about the new seats only, and leaves the price of the others as it was', async () => {
    const [kept, added] = seats(100, 70);
    const orderId = await buyer.place([kept]);
    platform.seating.prices.set(kept, 999);
    platform.seating.calls.length = 0;
    expect(await buyer.change(orderId, { seat_ids: [kept, added] })).toMatchObject({ Price: 170 });
    expect(platform.seating.calls.map(({ path, body }) => ({ path, body }))).toEqual(
      expect.arrayContaining(
        ['/query', '/seating'].map((side) => ({
          path: `${side}/internal/v1/validate-pre-order`,
          body: {
            session_id: platform.sessionId,
            event_id: platform.eventId,
            organization_id: platform.organizationId,
            seat_ids: [added],
          },
        })),
      ),
    );
    expect(platform.seating.calls).toHaveLength(2);
  });

  test('of an order without an organisation, as an earlier service left it, asks with that of the session', async () => {
    const [kept, added] = seats(100, 70);
    const orderId = await buyer.place([kept]);
    await platform.app.sql('UPDATE orders SET organization_id = $2 WHERE order_id = $1', [orderId, NO_ORGANIZATION]);
    platform.seating.calls.length = 0;
    expect(await buyer.change(orderId, { seat_ids: [kept, added] })).toMatchObject({ Price: 170 });
    const percentage = catalogueDiscount(platform.seating, { type: 'PERCENTAGE', percentage: 10 }, { public: false });
    expect(await buyer.change(orderId, { discount_id: percentage })).toMatchObject({ Price: 153 });
    const { organization_id } = platform.request();
    const asked = seatQuestions(platform.seating).map(({ body }) => body);
    expect(asked.length).toBeGreaterThan(1);
    expect(asked).toEqual(asked.map(() => expect.objectContaining({ organization_id })));
  });

  test('to fewer seats needs no seating service, and releases the others for another buyer', async () => {
    const [kept, dropped] = seats(100, 50);
    const orderId = await buyer.place([kept, dropped]);
    platform.seating.isUnavailable = true;
    expect(await buyer.change(orderId, { seat_ids: [kept] })).toMatchObject({ SubTotal: 100, Price: 100 });
    platform.seating.isUnavailable = false;
    await stranger.place([dropped]);
    const refused = await buyer.tries.change(orderId, { seat_ids: [kept, dropped] });
    expect(refused).toMatchObject({ status: 409, body: { code: 'seats_taken', seat_ids: [dropped] } });
  });

  test('holds the new seats before it releases the old ones, so that no other buyer gets either in between', async () => {
    const [old, next] = seats(100, 100);
    const orderId = await buyer.place([old]);
    const gate = Promise.withResolvers<void>();
    platform.seating.gate = gate.promise;
    effects.seen.length = 0;
    platform.seating.calls.length = 0;
    const change = buyer.change(orderId, { seat_ids: [next] });
    await until('the seating services are asked', () => platform.seating.calls.length === 2);
    for (const seatId of [old, next]) {
      const { status, body } = await stranger.tries.order([seatId]);
      expect({ status, seats: body.seat_ids }).toEqual({ status: 409, seats: [seatId] });
    }
    platform.seating.gate = undefined;
    gate.resolve();
    await change;
    const order = ['holds hold', 'database tickets-add', 'database tickets-void-some', 'holds release'];
    expect(order.map((effect) => effects.seen.indexOf(effect))).toEqual(
      order.map((effect) => effects.seen.indexOf(effect)).toSorted((a, b) => a - b),
    );
    await stranger.place([old]);
    const taken = await buyer.tries.change(orderId, { seat_ids: [old, next] });
    expect(taken).toMatchObject({ status: 409, body: { seat_ids: [old] } });
  });

  test('gives a new seat the end of the order’s hold, and no later one', async () => {
    const [old, next] = seats(100, 100);
    const orderId = await buyer.place([old]);
    const [before] = await platform.app.sql('SELECT expires_at FROM orders WHERE order_id = $1', [orderId]);
    await buyer.change(orderId, { seat_ids: [next] });
    expect(await platform.app.sql('SELECT expires_at FROM orders WHERE order_id = $1', [orderId])).toEqual([before]);
  });

  test.each([
    ['held by another', 'here'],
    ['sold, which the holds of this process do not show', 'elsewhere'],
  ])('to seats of which one is %s is refused, naming that seat, and changes nothing', async (_name, where) => {
    const [mine, taken, free] = seats(100, 100, 100);
    const orderId = await buyer.place([mine]);
    const there = where === 'here' ? stranger : stranger.via({ app: await startReplica(platform) });
    await there.order([taken]);
    const before = await rowsOf(orderId);
    const { status, body } = await buyer.tries.change(orderId, { seat_ids: [free, taken] });
    expect({ status, code: body.code, seats: body.seat_ids }).toEqual({
      status: 409,
      code: 'seats_taken',
      seats: [taken],
    });
    expect(await rowsOf(orderId)).toEqual(before);
    // The free seat was released again, and the old one was kept.
    await stranger.place([free]);
    expect((await stranger.tries.order([mine])).status).toBe(409);
  });

  test.each([
    ['the query service refuses them', { query: { status: 400, body: { message: 'Not on sale.' } } }, 400],
    ['the seating service refuses them', { seating: { status: 409, body: { message: 'Not on sale.' } } }, 400],
    ['the seating services are unavailable', { isUnavailable: true }, 503],
  ])('when %s changes nothing and leaves the new seats free', async (_name, change, status) => {
    const [mine, next] = seats(100, 100);
    const orderId = await buyer.place([mine]);
    const before = await rowsOf(orderId);
    Object.assign(platform.seating, change);
    const answer = await buyer.tries.change(orderId, { seat_ids: [next] });
    expect(answer.status).toBe(status);
    if (status === 400) expect(answer.body).toMatchObject({ code: 'seats_refused', detail: 'Not on sale.' });
    expect(await rowsOf(orderId)).toEqual(before);
    Object.assign(platform.seating, { query: undefined, seating: undefined, isUnavailable: false });
    await stranger.place([next]);
  });

  test('beside another change is applied after it, and the order is what the last one asked for', async () => {
    const [first, a, b] = seats(100, 110, 120);
    const orderId = await buyer.place([first]);
    await Promise.all([a, b].map((seatId) => buyer.change(orderId, { seat_ids: [seatId] })));
    const live = await stored.liveSeats(orderId);
    expect([[a], [b]]).toContainEqual(live);
    expect((await buyer.read(orderId)).Price).toBe(live[0] === a ? 110 : 120);
  });
});

describe('a change that involves a discount', () => {
  test('takes the discount off the order’s seats, and is announced', async () => {
    const seatIds = seats(99, 199.5);
    const orderId = await buyer.place(seatIds);
    const discountId = catalogueDiscount(platform.seating, { type: 'PERCENTAGE', percentage: 12.5 });
    expect(await buyer.change(orderId, { discount_id: discountId })).toMatchObject({
      SubTotal: 298.5,
      DiscountID: discountId,
      DiscountCode: platform.seating.discounts.get(discountId)?.code,
      DiscountAmount: 37.31,
      Price: 261.19,
    });
    expect((await rowsOf(orderId)).order).toMatchObject({ discount_amount: '37.31', price: '261.19' });
    expect(await usesOf(discountId)).toBe(1);
    await publishAll();
    expect(events.on('ticketly.order.updated', orderId)).toMatchObject([{ Price: 261.19 }]);
    expect(seatMessages(seatIds)).toHaveLength(1);
  });

  test('finds a discount that is not public where the service quotes it', async () => {
    const orderId = await buyer.place(seats(100));
    const discountId = catalogueDiscount(platform.seating, { type: 'FLAT_OFF', amount: 30 }, { public: false });
    expect(await buyer.change(orderId, { discount_id: discountId })).toMatchObject({ Price: 70 });
  });

  test.each([null, ''])('to %j removes the discount, and returns its use', async (none) => {
    const discountId = catalogueDiscount(platform.seating, { type: 'FLAT_OFF', amount: 10 }, { maxUsage: 1 });
    const orderId = await buyer.place(seats(100), discountId);
    expect(await usesOf(discountId)).toBe(1);
    expect(await buyer.change(orderId, { discount_id: none })).toMatchObject({
      DiscountID: '',
      DiscountCode: '',
      DiscountAmount: 0,
      Price: 100,
    });
    expect(await usesOf(discountId)).toBe(0);
    await buyer.place(seats(100), discountId);
  });

  test('exchanges one discount for another, which returns one use and takes one', async () => {
    const [from, to] = [10, 20].map((amount) =>
      catalogueDiscount(platform.seating, { type: 'FLAT_OFF', amount }, { maxUsage: 1 }),
    );
    const orderId = await buyer.place(seats(100), from);
    expect(await buyer.change(orderId, { discount_id: to })).toMatchObject({ DiscountID: to, Price: 80 });
    expect([await usesOf(from ?? ''), await usesOf(to ?? '')]).toEqual([0, 1]);
  });

  test('can include other seats in the same request', async () => {
    const [old, next, dear] = seats(100, 60, 140);
    const discountId = catalogueDiscount(platform.seating, { type: 'PERCENTAGE', percentage: 10 });
    const orderId = await buyer.place([old]);
    expect(await buyer.change(orderId, { seat_ids: [next, dear], discount_id: discountId })).toMatchObject({
      SubTotal: 200,
      DiscountAmount: 20,
      Price: 180,
    });
    expect(await stored.liveSeats(orderId)).toEqual([next, dear].sort());
  });

  test('to other seats recalculates the discount from its current terms', async () => {
    const [old, next] = seats(100, 300);
    const discountId = catalogueDiscount(
      platform.seating,
      { type: 'PERCENTAGE', percentage: 10 },
      { maxUsage: 1, public: false },
    );
    const orderId = await buyer.place([old], discountId);
    // The order’s own use is not one too many, neither in our count nor in the one that the platform reports.
    Object.assign(platform.seating.discounts.get(discountId) ?? {}, { maxUsage: 1, currentUsage: 1 });
    expect(await buyer.change(orderId, { seat_ids: [old, next] })).toMatchObject({
      SubTotal: 400,
      DiscountAmount: 40,
      Price: 360,
    });
    expect(await usesOf(discountId)).toBe(1);
    expect(await buyer.change(orderId, { seat_ids: [next] })).toMatchObject({ DiscountAmount: 30, Price: 270 });
  });

  test('to fewer seats is refused when the discount does not apply to them', async () => {
    const seatIds = seats(100, 100);
    const discountId = catalogueDiscount(platform.seating, { type: 'FLAT_OFF', amount: 50, minSpend: 150 });
    const orderId = await buyer.place(seatIds, discountId);
    const before = await rowsOf(orderId);
    const { status, body } = await buyer.tries.change(orderId, { seat_ids: seatIds.slice(1) });
    expect({ status, code: body.code, detail: body.detail }).toEqual({
      status: 400,
      code: 'discount_refused',
      detail: 'The order is below the minimum amount of the discount.',
    });
    expect(await rowsOf(orderId)).toEqual(before);
    const without = await buyer.change(orderId, { seat_ids: seatIds.slice(1), discount_id: null });
    expect(without).toMatchObject({ DiscountID: '', Price: 100 });
  });

  test.each([
    ['is unknown', () => randomUUID()],
    ['is not active', () => catalogueDiscount(platform.seating, { type: 'FLAT_OFF', amount: 1 }, { active: false })],
    [
      'is used up as reported',
      () => catalogueDiscount(platform.seating, { type: 'FLAT_OFF', amount: 1 }, { maxUsage: 2, currentUsage: 2 }),
    ],
  ])('is refused with a reason when the discount %s', async (_name, discount) => {
    const orderId = await buyer.place(seats(100));
    const before = await rowsOf(orderId);
    const { status, body } = await buyer.tries.change(orderId, { discount_id: discount() });
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'discount_refused' });
    expect(await rowsOf(orderId)).toEqual(before);
  });

  test('by many buyers at once gives the last use to one of them', async () => {
    const discountId = catalogueDiscount(platform.seating, { type: 'FLAT_OFF', amount: 10 }, { maxUsage: 2 });
    const orderIds = await Promise.all(Array.from({ length: 8 }, () => buyer.place(seats(100))));
    const answers = await Promise.all(
      orderIds.map((orderId) => buyer.tries.change(orderId, { discount_id: discountId })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(2);
    expect(answers.filter(({ body }) => body.code === 'discount_refused')).toHaveLength(6);
    expect(await usesOf(discountId)).toBe(2);
  });

  test('between the same two discounts does not deadlock two orders', async () => {
    const pair = [10, 20].map((amount) => catalogueDiscount(platform.seating, { type: 'FLAT_OFF', amount }));
    const [a = '', b = ''] = pair;
    const [one, two] = [await buyer.place(seats(100), a), await buyer.place(seats(100), b)];
    for (let round = 0; round < 20; round += 1) {
      const [first, second] = round % 2 === 0 ? [b, a] : [a, b];
      await Promise.all([buyer.change(one, { discount_id: first }), buyer.change(two, { discount_id: second })]);
    }
    expect([await usesOf(a), await usesOf(b)]).toEqual([1, 1]);
  });
});

describe('a change of an order with a PaymentIntent', () => {
  test('creates a new PaymentIntent with the new amount, and cancels the old one', async () => {
    const [old, next] = seats(100, 149.99);
    const orderId = await buyer.place([old]);
    const { paymentIntentId: before } = await buyer.intent(orderId);
    effects.seen.length = 0;
    const changed = await buyer.change(orderId, { seat_ids: [next] });
    expect(changed.PaymentIntentID).not.toBe(before);
    await expectIntent(before, { status: 'canceled', amount: 10_000 });
    await expectIntent(changed.PaymentIntentID, {
      status: OPEN,
      amount: 14_999,
      currency: 'lkr',
      metadata: { order_id: orderId },
    });
    expect((await rowsOf(orderId)).order).toMatchObject({
      payment_intent_id: changed.PaymentIntentID,
      payment_attempt: 2,
      price: '149.99',
    });
    expect(effects.seen.indexOf('stripe createIntent')).toBeLessThan(effects.seen.indexOf('stripe cancelIntent'));
    const offered = await buyer.intent(orderId);
    expect(offered).toMatchObject({ paymentIntentId: changed.PaymentIntentID, order: { Price: 149.99 } });
    await publishAll();
    expect(events.on('ticketly.order.updated', orderId)).toMatchObject([{ PaymentIntentID: changed.PaymentIntentID }]);

    expect(await confirmIntent(platform.app.url, before, `${before}_none`, 'pm_card_visa')).not.toBe(200);
    await confirmIntent(platform.app.url, offered.paymentIntentId, offered.clientSecret, 'pm_card_visa');
    expect(await buyer.checkOut(orderId)).toMatchObject({ Status: 'completed', Price: 149.99 });
    expect(await stored.payments(orderId)).toMatchObject([{ amount_minor: 14_999, state: 'applied' }]);
  });

  test('keeps the PaymentIntent when the price stays the same', async () => {
    const [old, next] = seats(100, 100);
    const orderId = await buyer.place([old]);
    const { paymentIntentId, clientSecret } = await buyer.intent(orderId);
    expect(await buyer.change(orderId, { seat_ids: [next] })).toMatchObject({
      PaymentIntentID: paymentIntentId,
      Price: 100,
    });
    expect(await buyer.intent(orderId)).toMatchObject({ paymentIntentId, clientSecret });
    await expectIntent(paymentIntentId, { status: OPEN, amount: 10_000 });
  });

  test('to price 0 removes the PaymentIntent, and asking for one completes the order', async () => {
    const discountId = catalogueDiscount(platform.seating, { type: 'PERCENTAGE', percentage: 100 });
    const orderId = await buyer.place(seats(100));
    const { paymentIntentId } = await buyer.intent(orderId);
    expect(await buyer.change(orderId, { discount_id: discountId })).toMatchObject({ Price: 0, PaymentIntentID: '' });
    await expectIntent(paymentIntentId, { status: 'canceled' });
    expect(await buyer.tries.intent(orderId)).toMatchObject({ status: 409, body: { code: 'nothing_to_pay' } });
    expect(await buyer.checkOut(orderId)).toMatchObject({ Status: 'completed' });
  });

  test('to price 0 and back creates a new PaymentIntent, neither paid nor cancelled', async () => {
    const discountId = catalogueDiscount(platform.seating, { type: 'PERCENTAGE', percentage: 100 });
    const orderId = await buyer.place(seats(100));
    const first = await buyer.intent(orderId);
    await buyer.change(orderId, { discount_id: discountId });
    await buyer.change(orderId, { discount_id: null });
    const second = await buyer.intent(orderId);
    expect(second.paymentIntentId).not.toBe(first.paymentIntentId);
    await expectIntent(second.paymentIntentId, { status: OPEN, amount: 10_000 });
  });

  test('to a price, back and to it again leaves a PaymentIntent that can be paid each time', async () => {
    const [a, b] = seats(100, 120);
    const orderId = await buyer.place([a]);
    const seen = new Set<string>([(await buyer.intent(orderId)).paymentIntentId]);
    for (const [seatId, amount] of [
      [b, 12_000],
      [a, 10_000],
      [b, 12_000],
    ] as const) {
      const { PaymentIntentID } = await buyer.change(orderId, { seat_ids: [seatId] });
      expect(seen).not.toContain(PaymentIntentID);
      seen.add(PaymentIntentID);
      await expectIntent(PaymentIntentID, { status: OPEN, amount });
    }
    const intents = await stripe.list('payment_intents');
    const open = intents.filter((each) => each.metadata.order_id === orderId && each.status !== 'canceled');
    expect(open).toHaveLength(1);
  });

  test.each(['stripe createIntent', 'stripe cancelIntent'])(
    'is refused with 503 while Stripe is unavailable at "%s", and the order stays as it was',
    async (effect) => {
      const [old, next] = seats(100, 120);
      const orderId = await buyer.place([old]);
      const { paymentIntentId } = await buyer.intent(orderId);
      const before = await rowsOf(orderId);
      effects.fail(effect, STRIPE_UNAVAILABLE);
      const { status, body, headers } = await buyer.tries.change(orderId, { seat_ids: [next] });
      expect({ status, code: body.code }).toEqual({ status: 503, code: 'payments_unavailable' });
      expect(headers.get('retry-after')).toBe('2');
      expect(await rowsOf(orderId)).toEqual(before);
      await expectIntent(paymentIntentId, { status: OPEN });
      effects.clear();
      await stranger.place([next]);
      const [another] = seats(130);
      const again = await buyer.change(orderId, { seat_ids: [another] });
      expect(again).toMatchObject({ Price: 130 });
      await expectIntent(again.PaymentIntentID, { amount: 13_000 });
    },
  );

  test('succeeds on retry after Stripe was unavailable, with a PaymentIntent that can be paid', async () => {
    const [old, next] = seats(100, 120);
    const orderId = await buyer.place([old]);
    await buyer.intent(orderId);
    effects.fail('stripe cancelIntent', STRIPE_UNAVAILABLE);
    expect((await buyer.tries.change(orderId, { seat_ids: [next] })).status).toBe(503);
    effects.clear();
    const { PaymentIntentID } = await buyer.change(orderId, { seat_ids: [next] });
    await expectIntent(PaymentIntentID, { status: OPEN, amount: 12_000 });
  });

  test('is refused when the old amount was paid just before, and the order is completed as it was', async () => {
    const [old, next] = seats(100, 120);
    const orderId = await buyer.place([old]);
    const paymentIntentId = await buyer.pay(orderId);
    const { status, body } = await buyer.tries.change(orderId, { seat_ids: [next] });
    expect({ status, code: body.code }).toEqual({ status: 409, code: 'order_already_paid' });
    expect(await buyer.read(orderId)).toMatchObject({
      Status: 'completed',
      Price: 100,
      PaymentIntentID: paymentIntentId,
    });
    expect(await stored.liveSeats(orderId)).toEqual([old]);
    expect(await stored.payments(orderId)).toMatchObject([{ payment_intent_id: paymentIntentId, state: 'applied' }]);
    await publishAll();
    expect(events.on('ticketly.order.updated', orderId)).toMatchObject([{ Status: 'completed', Price: 100 }]);
    expect(seatMessages([old]).map((message) => message.status)).toEqual(['LOCKED', 'BOOKED']);
    expect(seatMessages([next])).toEqual([]);
    await stranger.place([next]);
  });

  test('that is refused at the last moment leaves a PaymentIntent that can be paid at the order’s price', async () => {
    const [old, taken] = seats(100, 120);
    const orderId = await buyer.place([old]);
    await buyer.intent(orderId);
    await stranger.via({ app: await startReplica(platform) }).order([taken]);
    expect((await buyer.tries.change(orderId, { seat_ids: [taken] })).body).toMatchObject({
      code: 'seats_taken',
      seat_ids: [taken],
    });
    const offered = await buyer.intent(orderId);
    await expectIntent(offered.paymentIntentId, { status: OPEN, amount: 10_000 });
    await confirmIntent(platform.app.url, offered.paymentIntentId, offered.clientSecret, 'pm_card_visa');
    expect(await buyer.checkOut(orderId)).toMatchObject({ Status: 'completed', Price: 100 });
  });
});

describe('a change is refused', () => {
  test('to every caller but the buyer', async () => {
    const orderId = await buyer.place(seats(100));
    const before = await rowsOf(orderId);
    const change = { seat_ids: seats(1) };
    for (const each of [all.organiser, all.admin])
      expect(await each.tries.change(orderId, change)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    const unknown = await stranger.tries.change(randomUUID(), change);
    expect(await stranger.tries.change(orderId, change)).toMatchObject({ status: 404, body: unknown.body });
    expect(await rowsOf(orderId)).toEqual(before);
    expect(await buyer.tries.change(randomUUID(), { seat_ids: seats(1) })).toMatchObject({
      status: 404,
      body: { code: 'order_not_found' },
    });
    expect((await platform.app.call('PUT', `/api/order/${orderId}`, { body: { discount_id: null } })).status).toBe(401);
  });

  test('when the order is completed or cancelled', async () => {
    const completed = await buyer.place(seats(0));
    await buyer.checkOut(completed);
    const cancelled = await buyer.place(seats(100));
    await buyer.cancel(cancelled);
    for (const orderId of [completed, cancelled]) {
      const before = await rowsOf(orderId);
      expect(await buyer.tries.change(orderId, { seat_ids: seats(100) })).toMatchObject({
        status: 409,
        body: { code: 'order_not_pending' },
      });
      expect(await rowsOf(orderId)).toEqual(before);
    }
  });

  test('when the hold has ended, although no sweeper has seen it yet', async () => {
    const orderId = await buyer.place(seats(100));
    await platform.app.sql("UPDATE orders SET expires_at = now() - interval '1 ms' WHERE order_id = $1", [orderId]);
    const before = await rowsOf(orderId);
    expect(await buyer.tries.change(orderId, { seat_ids: seats(100) })).toMatchObject({
      status: 409,
      body: { code: 'hold_ended' },
    });
    expect(await rowsOf(orderId)).toEqual(before);
    await platform.app.app.turn('expiry');
  });

  test.each<[string, unknown]>([
    ['no change in it', {}],
    ['no seat', { seat_ids: [] }],
    ['a seat twice', { seat_ids: ['A1', 'A1'] }],
    ['too many seats', { seat_ids: Array.from({ length: 11 }, () => randomUUID()) }],
    ['a seat without a name', { seat_ids: [''] }],
    ['a seat with too long a name', { seat_ids: ['x'.repeat(65)] }],
    ['a seat with a control character', { seat_ids: ['A\u0000'] }],
    ['a seat that is a number', { seat_ids: [1] }],
    ['seats that are not a list', { seat_ids: 'A1' }],
    ['seats that are null', { seat_ids: null }],
    ['a discount that is not a UUID', { discount_id: 'SUMMER' }],
    ['a discount that is a number', { discount_id: 1 }],
    ['a list', []],
    ['a string', '"A1"'],
    ['malformed JSON', '{'],
    ['unknown fields only', { seatIds: ['A1'] }],
  ])('for a body with %s', async (_name, body) => {
    const orderId = await buyer.place(seats(100));
    const before = await rowsOf(orderId);
    const answer = await buyer.tries.change(orderId, body);
    expect({ status: answer.status, code: answer.body.code }).toEqual({ status: 400, code: 'invalid_request' });
    expect(await rowsOf(orderId)).toEqual(before);
  });
});

test.each<[string, (seatIds: string[], discountId: string) => unknown]>([
  ['the same seats, in another order', (seatIds) => ({ seat_ids: seatIds.toReversed() })],
  ['the same discount', (_seatIds, discountId) => ({ discount_id: discountId })],
  ['both', (seatIds, discountId) => ({ seat_ids: seatIds, discount_id: discountId.toUpperCase() })],
])('a change to %s changes nothing, asks no other service and announces nothing', async (_name, body) => {
  const discountId = catalogueDiscount(platform.seating, { type: 'FLAT_OFF', amount: 10 });
  const seatIds = seats(100, 100);
  const orderId = await buyer.place(seatIds, discountId);
  const { paymentIntentId } = await buyer.intent(orderId);
  const before = await rowsOf(orderId);
  platform.seating.isUnavailable = true;
  const same = await buyer.change(orderId, body(seatIds, discountId));
  expect([same.PaymentIntentID, same.Price]).toEqual([paymentIntentId, 190]);
  expect(same).toEqual(await buyer.read(orderId));
  expect(await rowsOf(orderId)).toEqual(before);
});

import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readQrCode } from '../../scripts/qr-reader.ts';
import { instant } from '../../src/kernel/clock.ts';
import { AppError } from '../../src/kernel/errors.ts';
import { watchEffects } from '../support/effects.ts';
import { catalogueDiscount } from '../support/fake-seating.ts';
import { confirmIntent, type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { twoScanners } from '../support/races.ts';
import { recordEvents } from '../support/recorded-events.ts';
import { until } from '../support/servers.ts';
import { type StripeApi, stripeApi } from '../support/stripe-api.ts';
import { type StubStripe, startStubStripe } from '../support/stub-stripe.ts';
import { deliver, paidIntent, stripeEvent } from '../support/webhooks.ts';

const ADMIN = { user_groups: ['/Permissions/Users/System Admins'] };
const events = recordEvents();
/** Effects that fail, each as often as it says. */
const failing = new Map<string, { times: number; error: Error }>();
let ahead = 0;
let platform: PlatformApp;
let stripe: StripeApi;
let buyer: string;
let admin: string;
const adminId = randomUUID();

beforeAll(async () => {
  const watch = watchEffects({
    before(effect) {
      const failure = failing.get(effect);
      if (!failure || failure.times === 0) return;
      failure.times -= 1;
      throw failure.error;
    },
    after: () => undefined,
  });
  const clock = { now: () => instant(Date.now() + ahead) };
  platform = await startPlatformApp({}, {}, { clock, watch, eventLog: events.log });
  stripe = stripeApi(platform.app.url);
  buyer = await platform.issuer.token(randomUUID(), {}, { expiresIn: 86_400 });
  admin = await platform.issuer.token(adminId, ADMIN, { expiresIn: 86_400 });
});

beforeEach(() => failing.clear());

interface Sold {
  readonly orderId: string;
  readonly intentId: string;
  readonly seatIds: string[];
}

/** Completed orders for seats at these prices, in major units. */
const sold = (...prices: number[]) => soldWith(undefined, prices);

async function soldWith(discountId: string | undefined, prices: readonly number[]): Promise<Sold> {
  const seatIds = prices.map((price) => {
    const seatId = randomUUID();
    platform.seating.prices.set(seatId, price);
    return seatId;
  });
  const orderId = await platform.place(buyer, seatIds, discountId);
  const intentId = await platform.pay(buyer, orderId);
  await platform.app.call('POST', `/api/order/${orderId}/checkout`, { token: buyer });
  await stateIs(orderId, 'completed');
  return { orderId, intentId, seatIds };
}

const refund = (orderId: string, body?: unknown, token = admin) =>
  platform.app.call('POST', `/api/order/${orderId}/refund`, {
    token,
    ...(body === undefined ? {} : { body }),
  });

async function stateOf(orderId: string) {
  const [row] = await platform.app.sql<{ status: string; cancel_reason: string | null }>(
    'SELECT status, cancel_reason FROM orders WHERE order_id = $1',
    [orderId],
  );
  return row;
}

const stateIs = (orderId: string, status: string, reason: string | null = null) =>
  until(`the order is ${status} (${reason})`, async () => {
    const state = await stateOf(orderId);
    return state?.status === status && state.cancel_reason === reason;
  });

async function paymentOf(orderId: string): Promise<string | undefined> {
  const [row] = await platform.app.sql<{ state: string }>('SELECT state FROM payments WHERE order_id = $1', [
    orderId,
  ]);
  return row?.state;
}

const paymentIs = (orderId: string, state: string) =>
  until(`the payment is ${state}`, async () => (await paymentOf(orderId)) === state);

async function liveSeats(orderId: string): Promise<string[]> {
  const rows = await platform.app.sql<{ seat_id: string }>(
    'SELECT seat_id FROM tickets WHERE order_id = $1 AND voided_at IS NULL ORDER BY seat_id',
    [orderId],
  );
  return rows.map((row) => row.seat_id);
}

const refundsOf = (intentId: string) =>
  platform.app.sql(
    `SELECT amount_minor::int, origin, reason, requested_by, provider_id FROM refunds
      WHERE payment_intent_id = $1 ORDER BY created_at`,
    [intentId],
  );

/** What Stripe has given back of an intent, the oldest first. */
const atStripe = async (intentId: string): Promise<{ id: string; amount: number }[]> =>
  (await stripe.list(`refunds?payment_intent=${intentId}`)).reverse();

const seatNews = (seatIds: readonly string[]) =>
  events
    .on('ticketly.seats.status', platform.sessionId)
    .filter((news) => news.seat_ids.some((seatId: string) => seatIds.includes(seatId)))
    .map(({ seat_ids, status }) => [status, ...seat_ids.toSorted()]);

const cancelledEvent = (orderId: string) =>
  until('the cancellation is published', () => events.on('ticketly.order.canceled', orderId)[0]);

describe('an administrator gives back', () => {
  test.each<[string, unknown]>([
    ['all of it, without a body', undefined],
    ['all of it, without an amount', { reason: 'the show was moved' }],
    ['all of it, as an amount', { amount: 249.99, reason: 'the show was moved' }],
  ])('%s: the order is cancelled, its tickets void, its seats free', async (_name, body) => {
    const { orderId, intentId, seatIds } = await sold(100, 149.99);
    const answer = await refund(orderId, body);
    const reason = body === undefined ? 'refunded by an administrator' : 'the show was moved';
    expect(answer).toMatchObject({
      status: 200,
      body: {
        refund_id: expect.any(String),
        amount: 249.99,
        reason,
        order: { Status: 'cancelled', Price: 249.99 },
      },
    });
    expect(await stateOf(orderId)).toEqual({ status: 'cancelled', cancel_reason: 'refunded' });
    expect(await liveSeats(orderId)).toEqual([]);

    await paymentIs(orderId, 'refunded');
    const [given, ...more] = await stripe.list(`refunds?payment_intent=${intentId}`);
    expect(more).toEqual([]);
    expect(given).toMatchObject({ amount: 24_999, metadata: { refund_id: answer.body.refund_id } });
    expect(await refundsOf(intentId)).toEqual([
      { amount_minor: 24_999, origin: 'service', reason, requested_by: adminId, provider_id: given.id },
    ]);

    const message = await cancelledEvent(orderId);
    expect(message).toMatchObject({ OrderID: orderId, Status: 'cancelled', Price: 249.99 });
    expect(message.seat_ids.toSorted()).toEqual(seatIds.toSorted());
    const all = seatIds.toSorted();
    await until('the seats are told of', () => seatNews(seatIds).length === 3);
    expect(seatNews(seatIds)).toEqual([
      ['LOCKED', ...all],
      ['BOOKED', ...all],
      ['AVAILABLE', ...all],
    ]);
    await platform.place(await platform.token(randomUUID()), seatIds);
  });

  test('a part: the order and its tickets stay good', async () => {
    const { orderId, intentId, seatIds } = await sold(100, 100);
    const { status, body } = await refund(orderId, { amount: 0.01, reason: 'a cent' });
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { amount: 0.01, order: { Status: 'completed' } },
    });
    await until('it is given back', async () => (await atStripe(intentId)).length === 1);
    expect(await atStripe(intentId)).toMatchObject([{ amount: 1 }]);
    await until('it is written down', async () => (await refundsOf(intentId))[0]?.provider_id !== null);
    expect([await stateOf(orderId), await paymentOf(orderId)]).toEqual([
      { status: 'completed', cancel_reason: null },
      'applied',
    ]);
    expect(await liveSeats(orderId)).toEqual(seatIds.toSorted());
    expect(events.on('ticketly.order.canceled', orderId)).toEqual([]);
  });

  test('part after part: with the last one the order is cancelled', async () => {
    const { orderId, intentId } = await sold(100);
    for (const [amount, status] of [
      [30.5, 'completed'],
      [30.5, 'completed'],
      [39, 'cancelled'],
    ] as const) {
      expect((await refund(orderId, { amount })).body.order.Status).toBe(status);
    }
    expect(await stateOf(orderId)).toEqual({ status: 'cancelled', cancel_reason: 'refunded' });
    await paymentIs(orderId, 'refunded');
    expect((await atStripe(intentId)).map(({ amount }) => amount).sort()).toEqual([3_050, 3_050, 3_900]);
    expect(await refund(orderId, { amount: 1 })).toMatchObject({
      status: 409,
      body: { code: 'refund_not_possible' },
    });
  });

  test('a part, then the rest without an amount', async () => {
    const { orderId, intentId } = await sold(100);
    await refund(orderId, { amount: 30 });
    expect((await refund(orderId)).body).toMatchObject({ amount: 70, order: { Status: 'cancelled' } });
    await paymentIs(orderId, 'refunded');
    expect((await atStripe(intentId)).map(({ amount }) => amount).sort()).toEqual([3_000, 7_000]);
  });

  test('at most what is left, which the refusal says', async () => {
    const { orderId, intentId } = await sold(100);
    await refund(orderId, { amount: 99.99 });
    const { status, body } = await refund(orderId, { amount: 0.02 });
    expect({ status, code: body.code, detail: body.detail }).toEqual({
      status: 409,
      code: 'refund_not_possible',
      detail: 'Only 0.01 of the payment is left to refund. Refund at most that.',
    });
    expect(await refundsOf(intentId)).toHaveLength(1);
    expect(await stateOf(orderId)).toMatchObject({ status: 'completed' });
  });

  test('all of it twice at the same moment: once', async () => {
    const { orderId, intentId } = await sold(100);
    const answers = await Promise.all(Array.from({ length: 4 }, () => refund(orderId)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
    await paymentIs(orderId, 'refunded');
    expect(await atStripe(intentId)).toMatchObject([{ amount: 10_000 }]);
  });

  test('by cancelling a paid order, what is left of it', async () => {
    const { orderId, intentId } = await sold(100);
    await refund(orderId, { amount: 25 });
    expect((await platform.app.call('DELETE', `/api/order/${orderId}`, { token: admin })).status).toBe(204);
    expect(await stateOf(orderId)).toEqual({ status: 'cancelled', cancel_reason: 'admin' });
    await paymentIs(orderId, 'refunded');
    expect((await atStripe(intentId)).map(({ amount }) => amount).sort()).toEqual([2_500, 7_500]);
    expect(await refundsOf(intentId)).toMatchObject([{}, { reason: 'cancelled by an administrator' }]);
    expect(await cancelledEvent(orderId)).toMatchObject({ Status: 'cancelled' });
  });
});

describe('is refused', () => {
  test.each<[string, unknown]>([
    ['nothing', { amount: 0 }],
    ['less than nothing', { amount: -1 }],
    ['a part of a cent', { amount: 0.001 }],
    ['more than there are numbers for', { amount: 1e300 }],
    ['more than a whole number of cents', { amount: 9e14 }],
    ['a text', { amount: '10' }],
    ['a list', { amount: [10] }],
    ['a reason too long', { amount: 1, reason: 'x'.repeat(301) }],
    ['a reason with a control character', { amount: 1, reason: 'a\u0000' }],
    ['no object', [1]],
  ])('%s', async (_name, body) => {
    const { orderId, intentId } = await sold(100);
    expect(await refund(orderId, body)).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    expect(await refundsOf(intentId)).toEqual([]);
  });

  test('to its buyer, to strangers, and to the organiser of another event', async () => {
    const { orderId, intentId } = await sold(100);
    const organiserId = randomUUID();
    platform.seating.owners.set(randomUUID(), organiserId);
    for (const token of [buyer, await platform.token(organiserId), await platform.token(randomUUID())]) {
      expect(await refund(orderId, {}, token)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    }
    expect((await platform.app.call('POST', `/api/order/${orderId}/refund`)).status).toBe(401);
    expect(await refundsOf(intentId)).toEqual([]);
    expect(await stateOf(orderId)).toMatchObject({ status: 'completed' });
  });

  test('for what was not paid: pending, free, cancelled, unknown', async () => {
    const pending = await platform.place(buyer);
    const cancelled = await platform.place(buyer);
    await platform.app.call('DELETE', `/api/order/${cancelled}`, { token: buyer });
    const seatId = randomUUID();
    platform.seating.prices.set(seatId, 0);
    const free = await platform.place(buyer, [seatId]);
    await platform.app.call('POST', `/api/order/${free}/checkout`, { token: buyer });
    for (const orderId of [pending, cancelled, free]) {
      const before = await stateOf(orderId);
      expect(await refund(orderId)).toMatchObject({ status: 409, body: { code: 'refund_not_possible' } });
      expect(await stateOf(orderId)).toEqual(before);
    }
    expect(await refund(randomUUID())).toMatchObject({ status: 404, body: { code: 'order_not_found' } });
  });
});

describe('the organiser of the event', () => {
  const organiserId = randomUUID();
  let organiser: string;

  beforeAll(async () => {
    organiser = await platform.token(organiserId);
    platform.seating.owners.set(platform.eventId, organiserId);
  });

  test('refunds an order of it, in part and whole, and the trail names them', async () => {
    const { orderId, intentId } = await sold(100);
    const part = await refund(orderId, { amount: 30, reason: 'the view was blocked' }, organiser);
    expect(part).toMatchObject({ status: 200, body: { amount: 30, order: { Status: 'completed' } } });
    const rest = await refund(orderId, {}, organiser);
    expect(rest).toMatchObject({
      status: 200,
      body: { amount: 70, reason: 'refunded by the organiser', order: { Status: 'cancelled' } },
    });
    await paymentIs(orderId, 'refunded');
    expect(await refundsOf(intentId)).toMatchObject([
      { amount_minor: 3_000, requested_by: organiserId },
      { amount_minor: 7_000, requested_by: organiserId },
    ]);
    const trail = await platform.app.call('GET', `/api/order/audit/events/${platform.eventId}?limit=500`, {
      token: organiser,
    });
    const entries = trail.body.filter((entry: { order_id: string }) => entry.order_id === orderId);
    expect(entries).toMatchObject([
      { action: 'order.refunded', actor: organiserId, after: { status: 'cancelled', left: 0 } },
      { action: 'order.refunded', actor: organiserId, after: { status: 'completed', left: 70 } },
    ]);
  });

  test('no longer refunds once the event is another’s, and an administrator does', async () => {
    const { orderId } = await sold(100);
    platform.seating.owners.delete(platform.eventId);
    expect(await refund(orderId, {}, organiser)).toMatchObject({ status: 403 });
    expect(await refund(orderId, {})).toMatchObject({
      status: 200,
      body: { reason: 'refunded by an administrator' },
    });
    platform.seating.owners.set(platform.eventId, organiserId);
  });

  test('repairs no stuck money: that is for administrators', async () => {
    const stuck = '/api/order/admin/payments';
    const asOrganiser = { token: organiser };
    expect((await platform.app.call('GET', `${stuck}?state=stuck`, asOrganiser)).status).toBe(403);
    expect((await platform.app.call('POST', `${stuck}/evt_1/retry`, asOrganiser)).status).toBe(403);
    const settled = { ...asOrganiser, body: { reference: 'transfer' } };
    expect((await platform.app.call('POST', `${stuck}/${randomUUID()}/settled`, settled)).status).toBe(403);
  });
});

describe('carrying it out', () => {
  test('Stripe away: it is due, tried again after a growing while, and done once', async () => {
    const { orderId, intentId } = await sold(100);
    failing.set('stripe refund', {
      times: 2,
      error: new AppError('payments_unavailable', 'The payment provider cannot be reached right now.'),
    });
    expect((await refund(orderId)).status).toBe(200);
    const tried = (attempts: number) =>
      until(`it was tried ${attempts} times`, async () => {
        const [row] = await platform.app.sql<{ wait: number; last_error: string }>(
          `SELECT extract(epoch FROM next_attempt_at - created_at)::float AS wait, last_error FROM refunds
            WHERE payment_intent_id = $1 AND attempts = $2 AND last_error IS NOT NULL`,
          [intentId, attempts],
        );
        return row;
      });
    const first = await tried(1);
    expect(first.wait).toBeGreaterThanOrEqual(5);
    expect(first.last_error).toBe('The payment provider cannot be reached right now.');
    expect(await paymentOf(orderId)).toBe('refund_due');
    expect(await stateOf(orderId)).toEqual({ status: 'cancelled', cancel_reason: 'refunded' });
    expect(await atStripe(intentId)).toEqual([]);
    ahead += 5_000;
    const second = await tried(2);
    expect(second.wait).toBeGreaterThanOrEqual(first.wait + 10);
    ahead += 10_000;
    await paymentIs(orderId, 'refunded');
    expect(await atStripe(intentId)).toMatchObject([{ amount: 10_000 }]);
  });

  test('a process that ends between Stripe’s answer and writing it down: given back once, and known', async () => {
    const { orderId, intentId } = await sold(100);
    failing.set('database refund-carried-out', { times: 1, error: new Error('the process ends') });
    await refund(orderId);
    await paymentIs(orderId, 'refunded');
    expect(await atStripe(intentId)).toHaveLength(1);
  });

  test('and news of it alone is enough, when that process never comes back', async () => {
    const { orderId, intentId } = await sold(100);
    failing.set('stripe refund', { times: 1, error: new Error('the process ends') });
    const { body } = await refund(orderId);
    await until('it was tried', async () => {
      const rows = await platform.app.sql('SELECT FROM refunds WHERE refund_id = $1 AND attempts = 1', [
        body.refund_id,
      ]);
      return rows.length === 1;
    });
    await stripe.post('refunds', {
      payment_intent: intentId,
      amount: '10000',
      'metadata[refund_id]': body.refund_id,
    });
    await paymentIs(orderId, 'refunded');
    expect(await refundsOf(intentId)).toMatchObject([{ amount_minor: 10_000, origin: 'service' }]);
    expect(await atStripe(intentId)).toHaveLength(1);
  });
});

describe('given back in Stripe’s dashboard,', () => {
  test('all of it: the order is cancelled, and its seats are free', async () => {
    const { orderId, intentId, seatIds } = await sold(100, 50);
    const given = await stripe.post('refunds', { payment_intent: intentId });
    await stateIs(orderId, 'cancelled', 'refunded');
    expect(await paymentOf(orderId)).toBe('refunded');
    expect(await refundsOf(intentId)).toEqual([
      {
        amount_minor: 15_000,
        origin: 'stripe',
        reason: 'refunded at the provider',
        requested_by: null,
        provider_id: given.id,
      },
    ]);
    expect((await cancelledEvent(orderId)).seat_ids.toSorted()).toEqual(seatIds.toSorted());
    await platform.place(await platform.token(randomUUID()), seatIds);
    expect(await refund(orderId)).toMatchObject({ status: 409 });
  });

  test('the money of one ticket: it is void and admits nobody, the others stay good', async () => {
    const { orderId, intentId, seatIds } = await sold(100, 70, 55);
    const { body: tickets } = await platform.app.call('GET', `/api/order/${orderId}/tickets`, {
      token: buyer,
    });
    const qrOf = async (seatId: string | undefined) => {
      const { qr_code } = tickets.find((each: { seat_id: string }) => each.seat_id === seatId);
      return readQrCode(Buffer.from(qr_code, 'base64'));
    };
    const [dear = '', gone = '', cheap = ''] = seatIds;
    await stripe.post('refunds', { payment_intent: intentId, amount: '7000' });
    await until('the ticket is void', async () => (await liveSeats(orderId)).length === 2);
    expect(await liveSeats(orderId)).toEqual([dear, cheap].sort());
    expect(await stateOf(orderId)).toMatchObject({ status: 'completed' });
    expect(await paymentOf(orderId)).toBe('applied');
    const { body: order } = await platform.app.call('GET', `/api/order/${orderId}`, { token: buyer });
    expect(order.tickets.map((each: { seat_id: string }) => each.seat_id).sort()).toEqual(
      [dear, cheap].sort(),
    );
    await until('it is published', () => seatNews([gone]).length === 3);
    expect(seatNews([gone]).at(-1)).toEqual(['AVAILABLE', gone]);
    expect(events.on('ticketly.order.amended', orderId).at(-1)).toMatchObject({
      Status: 'completed',
      tickets: [{}, {}],
    });
    await platform.place(await platform.token(randomUUID()), [gone]);

    const [scanner = ''] = await twoScanners(platform);
    const scan = async (seatId: string) =>
      platform.app.call('POST', '/api/order/ticket/checkin', {
        token: scanner,
        body: { encrypted_qr: await qrOf(seatId) },
      });
    expect(await scan(gone)).toMatchObject({ status: 409, body: { code: 'ticket_cancelled' } });
    expect((await scan(dear)).status).toBe(200);
  });

  test('the money of two of three tickets, not the dearest: these two', async () => {
    const { orderId, intentId, seatIds } = await sold(90, 70, 55);
    await stripe.post('refunds', { payment_intent: intentId, amount: '12500' });
    await until('two tickets are void', async () => (await liveSeats(orderId)).length === 1);
    expect(await liveSeats(orderId)).toEqual(seatIds.slice(0, 1));
  });

  test('share-of-refund: the odd minor unit of a price that does not divide voids the ticket it belongs to', async () => {
    const discountId = catalogueDiscount(platform.seating, { type: 'FLAT_OFF', amount: 50, currency: 'LKR' });
    const { orderId, intentId, seatIds } = await soldWith(discountId, [50, 50, 50]);
    await stripe.post('refunds', { payment_intent: intentId, amount: '3334' });
    await until('one ticket is void', async () => (await liveSeats(orderId)).length === 2);
    // What is left of the price is worth what is left of the tickets.
    for (const left of [1, 0]) {
      await stripe.post('refunds', { payment_intent: intentId, amount: '3333' });
      await until('the next is void', async () => (await liveSeats(orderId)).length === left);
    }
    await stateIs(orderId, 'cancelled', 'refunded');
    expect((await refundsOf(intentId)).map((each) => each.amount_minor)).toEqual([3334, 3333, 3333]);
    await platform.place(await platform.token(randomUUID()), seatIds);
  });

  test('of two alike the one that was not used', async () => {
    const { orderId, intentId } = await sold(100, 100);
    const { body: tickets } = await platform.app.call('GET', `/api/order/${orderId}/tickets`, {
      token: buyer,
    });
    const [scanner = ''] = await twoScanners(platform);
    const used = tickets[1];
    await platform.app.call('POST', '/api/order/ticket/checkin', {
      token: scanner,
      body: { encrypted_qr: await readQrCode(Buffer.from(used.qr_code, 'base64')) },
    });
    await stripe.post('refunds', { payment_intent: intentId, amount: '10000' });
    await until('one is void', async () => (await liveSeats(orderId)).length === 1);
    expect(await liveSeats(orderId)).toEqual([used.seat_id]);
  });

  test('an amount that is no tickets’: written down, and every ticket stays good', async () => {
    const { orderId, intentId, seatIds } = await sold(100, 70);
    await stripe.post('refunds', { payment_intent: intentId, amount: '1234' });
    await until('it is written down', async () => (await refundsOf(intentId)).length === 1);
    expect(await liveSeats(orderId)).toEqual(seatIds.toSorted());
    expect((await refund(orderId, { amount: 157.67 })).status).toBe(409);
    expect((await refund(orderId, { amount: 157.66 })).body.order.Status).toBe('cancelled');
    await paymentIs(orderId, 'refunded');
  });

  test('the rest of what an administrator gave back in part: cancelled', async () => {
    const { orderId, intentId } = await sold(100);
    await refund(orderId, { amount: 40 });
    await until('it is given back', async () => (await atStripe(intentId)).length === 1);
    await stripe.post('refunds', { payment_intent: intentId });
    await stateIs(orderId, 'cancelled', 'refunded');
    expect(await paymentOf(orderId)).toBe('refunded');
    expect(await refundsOf(intentId)).toMatchObject([
      { amount_minor: 4_000, origin: 'service' },
      { amount_minor: 6_000, origin: 'stripe' },
    ]);
  });
});

describe('a buyer’s bank takes the money back', () => {
  /** An order paid with the card whose payment is disputed at once. */
  async function disputed(): Promise<Sold & { disputeId: string }> {
    const seatIds = [randomUUID()];
    const orderId = await platform.place(buyer, seatIds);
    const { body } = await platform.app.call('POST', `/api/order/${orderId}/create-payment-intent`, {
      token: buyer,
    });
    await confirmIntent(platform.app.url, body.paymentIntentId, body.clientSecret, 'pm_card_createDispute');
    await stateIs(orderId, 'cancelled', 'payment');
    const [dispute] = await stripe.list(`disputes?payment_intent=${body.paymentIntentId}`);
    return { orderId, intentId: body.paymentIntentId, seatIds, disputeId: dispute.id };
  }

  const answer = (disputeId: string, evidence: string) =>
    stripe.post(`disputes/${disputeId}`, { 'evidence[uncategorized_text]': evidence });

  test('the order is cancelled, its seats are free, and nothing is given back on top', async () => {
    const { orderId, intentId, seatIds, disputeId } = await disputed();
    expect(await paymentOf(orderId)).toBe('disputed');
    expect(await refundsOf(intentId)).toMatchObject([
      { amount_minor: 10_000, origin: 'dispute', reason: 'taken back by the bank', provider_id: disputeId },
    ]);
    expect(await atStripe(intentId)).toEqual([]);
    expect((await cancelledEvent(orderId)).seat_ids).toEqual(seatIds);
    await platform.place(await platform.token(randomUUID()), seatIds);
    expect(await refund(orderId)).toMatchObject({ status: 409, body: { code: 'refund_not_possible' } });
  });

  test('and keeps it: nothing more happens', async () => {
    const { orderId, intentId, disputeId } = await disputed();
    await answer(disputeId, 'losing_evidence');
    await until('its end is applied', async () => {
      const rows = await platform.app.sql(
        "SELECT FROM stripe_inbox WHERE payment_intent_id = $1 AND type = 'charge.dispute.closed' AND applied_at IS NOT NULL",
        [intentId],
      );
      return rows.length === 1;
    });
    expect([await stateOf(orderId), await paymentOf(orderId)]).toEqual([
      { status: 'cancelled', cancel_reason: 'payment' },
      'disputed',
    ]);
    expect(await refundsOf(intentId)).toHaveLength(1);
  });

  test('and gives it back again: the order has its seats again', async () => {
    const { orderId, intentId, seatIds, disputeId } = await disputed();
    await answer(disputeId, 'winning_evidence');
    await stateIs(orderId, 'completed');
    expect(await paymentOf(orderId)).toBe('applied');
    expect(await liveSeats(orderId)).toEqual(seatIds);
    expect(await refundsOf(intentId)).toEqual([]);
    await until('it is published', () => seatNews(seatIds).at(-1)?.[0] === 'BOOKED');
  });

  test('and gives it back again when the seats are sold: it goes back to the buyer', async () => {
    const { orderId, intentId, seatIds, disputeId } = await disputed();
    const next = await platform.place(await platform.token(randomUUID()), seatIds);
    await answer(disputeId, 'winning_evidence');
    await paymentIs(orderId, 'refunded');
    expect(await stateOf(orderId)).toEqual({ status: 'cancelled', cancel_reason: 'refunded' });
    expect(await atStripe(intentId)).toMatchObject([{ amount: 10_000 }]);
    expect(await liveSeats(next)).toEqual(seatIds);
  });
});

describe('a bank that does not take the money', () => {
  let stub: StubStripe;
  let there: PlatformApp;
  let person: string;

  beforeAll(async () => {
    stub = await startStubStripe();
    there = await startPlatformApp({
      STRIPE_SECRET_KEY: 'sk_test_x',
      STRIPE_API_BASE: stub.url,
      RECONCILE_DAYS: '0',
    });
    person = await there.issuer.token(randomUUID(), ADMIN);
  });

  const stuck = async () =>
    (await there.app.call('GET', '/api/order/admin/payments?state=stuck', { token: person })).body;

  /** An order whose whole refund Stripe carried out, and then says that the bank would not take it. */
  async function bounced() {
    const orderId = await there.place(await there.token(randomUUID()));
    const intent = paidIntent(orderId);
    stub.intents.set(intent.id, intent);
    await deliver(there.app, stripeEvent('payment_intent.succeeded', intent));
    await until('the order is completed', async () => {
      const rows = await there.app.sql("SELECT FROM orders WHERE order_id = $1 AND status = 'completed'", [
        orderId,
      ]);
      return rows.length === 1;
    });
    const { body } = await there.app.call('POST', `/api/order/${orderId}/refund`, { token: person });
    const given = await until('Stripe has given it back', async () => {
      const rows = await there.app.sql("SELECT FROM payments WHERE order_id = $1 AND state = 'refunded'", [
        orderId,
      ]);
      return rows.length === 1 && stub.refunds.find((each) => each.payment_intent === intent.id);
    });
    given.status = 'failed';
    await deliver(there.app, stripeEvent('refund.failed', { ...given }));
    await until('it is stuck', async () => (await stuck()).length === 1);
    return { orderId, intentId: intent.id, refundId: body.refund_id as string };
  }

  const paymentThere = async (orderId: string) =>
    (await there.app.sql('SELECT state FROM payments WHERE order_id = $1', [orderId]))[0]?.state;

  test('is seen by an administrator; paid out in another way, it is done', async () => {
    const { orderId, intentId, refundId } = await bounced();
    expect(await paymentThere(orderId)).toBe('refund_due');
    expect(await stuck()).toMatchObject([
      { kind: 'refund', id: refundId, order_id: orderId, payment_intent_id: intentId, amount_minor: 10_000 },
    ]);
    const settle = await there.app.call('POST', `/api/order/admin/payments/${refundId}/settled`, {
      token: person,
      body: { reference: 'transfer 17' },
    });
    expect(settle.status).toBe(204);
    expect(await stuck()).toEqual([]);
    expect(await paymentThere(orderId)).toBe('refunded');
  });

  test('is not taken for one that did when it is tried again: Stripe is asked for another refund', async () => {
    const { orderId, intentId, refundId } = await bounced();
    await there.app.call('POST', `/api/order/admin/payments/${refundId}/retry`, { token: person });
    await until('it is given back', async () => (await paymentThere(orderId)) === 'refunded');
    // The first, which failed, and a second, which did not.
    const refunds = stub.refunds.filter((each) => each.payment_intent === intentId);
    expect(refunds.map(({ status }) => status)).toEqual(['failed', 'succeeded']);
    expect(await there.app.sql('SELECT provider_id FROM refunds WHERE refund_id = $1', [refundId])).toEqual([
      { provider_id: refunds[1]?.id },
    ]);
  });

  test('at once: a refund that Stripe answers as failed is not written down as done', async () => {
    stub.refundStatus = 'failed';
    const orderId = await there.place(await there.token(randomUUID()));
    const intent = paidIntent(orderId, { amount: 1, amount_received: 1 });
    stub.intents.set(intent.id, intent);
    await deliver(there.app, stripeEvent('payment_intent.succeeded', intent));
    await until('it was tried', () => stub.refunds.some((each) => each.payment_intent === intent.id));
    const row = await until('what came of it is written down', async () => {
      const [found] = await there.app.sql<{ provider_id: string | null; last_error: string | null }>(
        'SELECT provider_id, last_error FROM refunds WHERE payment_intent_id = $1',
        [intent.id],
      );
      return found && (found.provider_id ?? found.last_error) !== null && found;
    });
    stub.refundStatus = 'succeeded';
    expect(row).toMatchObject({ provider_id: null, last_error: expect.any(String) });
    await there.app.sql(
      'UPDATE refunds SET next_attempt_at = now() WHERE payment_intent_id = $1 AND provider_id IS NULL',
      [intent.id],
    );
    await until('it is given back', async () => (await paymentThere(orderId)) === 'refunded');
  });
});

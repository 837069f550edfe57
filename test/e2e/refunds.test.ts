import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AppError } from '../../src/kernel/errors.ts';
import { LKR } from '../support/currencies.ts';
import { failingEffects } from '../support/failing-effects.ts';
import { catalogueDiscount, seatsAt } from '../support/fake-seating.ts';
import { samplesOf } from '../support/metrics.ts';
import { movableClock } from '../support/movable-clock.ts';
import {
  type Bought,
  newAdmin,
  newPerson,
  type People,
  type Person,
  people,
  type Ticket,
} from '../support/people/people.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { qrTextOf } from '../support/qr-texts.ts';
import { recordEvents } from '../support/recorded-events.ts';
import { until } from '../support/servers.ts';
import { type Stored, storedIn } from '../support/stored.ts';
import { type StripeApi, stripeApi } from '../support/stripe-api.ts';
import { type StubStripe, startStubStripe } from '../support/stub-stripe.ts';
import { findingsIn } from '../support/test-app.ts';
import { deliver, paidIntent, stripeEvent } from '../support/webhooks.ts';

const events = recordEvents();
const effects = failingEffects();
const clock = movableClock();
let platform: PlatformApp;
let stripe: StripeApi;
let stored: Stored;
let all: People;
let buyer: Person;
let admin: Person;

beforeAll(async () => {
  platform = await startPlatformApp({}, {}, { clock, watch: effects.watch, eventLog: events.log });
  stripe = stripeApi(platform.app.url);
  stored = storedIn(platform.app);
  all = await people(platform);
  ({ buyer, admin } = all);
});

beforeEach(() => effects.clear());

/** Completed orders for seats at these prices, in major units. */
const sold = <Prices extends readonly number[]>(...prices: Prices) => buyer.buy(seatsAt(platform.seating, ...prices));

const paymentOf = async (orderId: string) => (await stored.payments(orderId))[0]?.state;

/** The refunds of an intent at Stripe, oldest first. */
const atStripe = async (intentId: string): Promise<{ id: string; amount: number }[]> =>
  (await stripe.list(`refunds?payment_intent=${intentId}`)).reverse();

const seatStatuses = (seatIds: readonly string[]) =>
  events.ofSeats(platform.sessionId, seatIds).map(({ seat_ids, status }) => [status, ...seat_ids]);

const cancelledEvent = (orderId: string) =>
  until('the cancellation is published', () => events.on('ticketly.order.canceled', orderId)[0]);

describe('a refund by an administrator', () => {
  test.each<[string, Record<string, unknown> | undefined]>([
    ['all of it, without a body', undefined],
    ['all of it, without an amount', { reason: 'the show was moved' }],
    ['all of it, as an amount', { amount: 249.99, reason: 'the show was moved' }],
  ])('of %s cancels the order, voids its tickets and frees its seats', async (_name, body) => {
    const { orderId, intentId, seatIds } = await sold(100, 149.99);
    const refund = await admin.refund(orderId, body);
    const reason = body === undefined ? 'refunded by an administrator' : 'the show was moved';
    expect(refund).toMatchObject({
      refund_id: expect.any(String),
      amount: 249.99,
      reason,
      order: { Status: 'cancelled', Price: 249.99 },
    });
    expect(await stored.state(orderId)).toEqual({ status: 'cancelled', cancel_reason: 'refunded' });
    expect(await stored.liveSeats(orderId)).toEqual([]);

    await stored.untilPayment(orderId, 'refunded');
    const [given, ...more] = await stripe.list(`refunds?payment_intent=${intentId}`);
    expect(more).toEqual([]);
    expect(given).toMatchObject({ amount: 24_999, metadata: { refund_id: refund.refund_id } });
    expect(await stored.refunds(orderId)).toMatchObject([
      { amount_minor: 24_999, origin: 'service', reason, requested_by: admin.id, provider_id: given.id },
    ]);

    const message = await cancelledEvent(orderId);
    expect(message).toMatchObject({ OrderID: orderId, Status: 'cancelled', Price: 249.99 });
    expect(message.seat_ids.toSorted()).toEqual(seatIds.toSorted());
    const sorted = seatIds.toSorted();
    await until('the changes of the seats are published', () => seatStatuses(seatIds).length === 3);
    expect(seatStatuses(seatIds)).toEqual([
      ['LOCKED', ...sorted],
      ['BOOKED', ...sorted],
      ['AVAILABLE', ...sorted],
    ]);
    await (await newPerson(platform)).order(seatIds);
  });

  test('of a part keeps the order and its tickets valid', async () => {
    const { orderId, intentId, seatIds } = await sold(100, 100);
    expect(await admin.refund(orderId, { amount: 0.01, reason: 'a cent' })).toMatchObject({
      amount: 0.01,
      order: { Status: 'completed' },
    });
    await until('it is refunded', async () => (await atStripe(intentId)).length === 1);
    expect(await atStripe(intentId)).toMatchObject([{ amount: 1 }]);
    await until('it is recorded', async () => (await stored.refunds(orderId))[0]?.provider_id !== null);
    expect([await stored.state(orderId), await paymentOf(orderId)]).toEqual([
      { status: 'completed', cancel_reason: null },
      'applied',
    ]);
    expect(await stored.liveSeats(orderId)).toEqual(seatIds.toSorted());
    expect(events.on('ticketly.order.canceled', orderId)).toEqual([]);
  });

  test('of part after part cancels the order with the last one', async () => {
    const { orderId, intentId } = await sold(100);
    for (const [amount, status] of [
      [30.5, 'completed'],
      [30.5, 'completed'],
      [39, 'cancelled'],
    ] as const) {
      expect((await admin.refund(orderId, amount)).order.Status).toBe(status);
    }
    expect(await stored.state(orderId)).toEqual({ status: 'cancelled', cancel_reason: 'refunded' });
    await stored.untilPayment(orderId, 'refunded');
    expect((await atStripe(intentId)).map(({ amount }) => amount).sort()).toEqual([3_050, 3_050, 3_900]);
    expect(await admin.tries.refund(orderId, 1)).toMatchObject({ status: 409, body: { code: 'refund_not_possible' } });
  });

  test('of a part, then without an amount, refunds the rest', async () => {
    const { orderId, intentId } = await sold(100);
    await admin.refund(orderId, 30);
    expect(await admin.refund(orderId)).toMatchObject({ amount: 70, order: { Status: 'cancelled' } });
    await stored.untilPayment(orderId, 'refunded');
    expect((await atStripe(intentId)).map(({ amount }) => amount).sort()).toEqual([3_000, 7_000]);
  });

  test('is limited to the remainder, which the refusal names', async () => {
    const { orderId } = await sold(100);
    await admin.refund(orderId, 99.99);
    const { status, body } = await admin.tries.refund(orderId, 0.02);
    expect({ status, code: body.code, detail: body.detail }).toEqual({
      status: 409,
      code: 'refund_not_possible',
      detail: 'Only 0.01 of the payment is left to refund. Refund at most that.',
    });
    expect(await stored.refunds(orderId)).toHaveLength(1);
    expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
  });

  test('of the whole, requested twice at once, happens once', async () => {
    const { orderId, intentId } = await sold(100);
    const answers = await Promise.all(Array.from({ length: 4 }, () => admin.tries.refund(orderId)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
    await stored.untilPayment(orderId, 'refunded');
    expect(await atStripe(intentId)).toMatchObject([{ amount: 10_000 }]);
  });

  test('made by cancelling a paid order refunds the remainder', async () => {
    const { orderId, intentId } = await sold(100);
    await admin.refund(orderId, 25);
    await admin.cancel(orderId);
    expect(await stored.state(orderId)).toEqual({ status: 'cancelled', cancel_reason: 'admin' });
    await stored.untilPayment(orderId, 'refunded');
    expect((await atStripe(intentId)).map(({ amount }) => amount).sort()).toEqual([2_500, 7_500]);
    expect(await stored.refunds(orderId)).toMatchObject([{}, { reason: 'cancelled by an administrator' }]);
    expect(await cancelledEvent(orderId)).toMatchObject({ Status: 'cancelled' });
  });
});

describe('a refund is refused', () => {
  test.each<[string, unknown]>([
    ['for nothing', { amount: 0 }],
    ['for less than nothing', { amount: -1 }],
    ['for a part of a cent', { amount: 0.001 }],
    ['for an amount too large for a number', { amount: 1e300 }],
    ['for an amount beyond whole cents', { amount: 9e14 }],
    ['for a string', { amount: '10' }],
    ['for a list', { amount: [10] }],
    ['with a reason that is too long', { amount: 1, reason: 'x'.repeat(301) }],
    ['with a reason that has a control character', { amount: 1, reason: 'a\u0000' }],
    ['for a body that is not an object', [1]],
  ])('%s', async (_name, body) => {
    const { orderId } = await sold(100);
    expect(await admin.call('POST', `/api/order/${orderId}/refund`, body)).toMatchObject({
      status: 400,
      body: { code: 'invalid_request' },
    });
    expect(await stored.refunds(orderId)).toEqual([]);
  });

  test('to the buyer, to strangers, and to the organiser of another event', async () => {
    const { orderId } = await sold(100);
    const other = await newPerson(platform);
    platform.seating.owners.set(randomUUID(), other.id);
    expect(await buyer.tries.refund(orderId, {})).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    for (const each of [other, await newPerson(platform)])
      expect(await each.tries.refund(orderId, {})).toMatchObject({ status: 404, body: { code: 'order_not_found' } });
    expect((await platform.app.call('POST', `/api/order/${orderId}/refund`)).status).toBe(401);
    expect(await stored.refunds(orderId)).toEqual([]);
    expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
  });

  test('for an order without a payment: pending, free, cancelled or unknown', async () => {
    const [pending, cancelled] = [await buyer.order(), await buyer.order()];
    await buyer.cancel(cancelled);
    const free = await buyer.order(seatsAt(platform.seating, 0));
    await buyer.checkOut(free);
    for (const order of [pending, cancelled, free]) {
      const before = await stored.state(order);
      expect(await admin.tries.refund(order)).toMatchObject({ status: 409, body: { code: 'refund_not_possible' } });
      expect(await stored.state(order)).toEqual(before);
    }
    expect(await admin.tries.refund(randomUUID())).toMatchObject({ status: 404, body: { code: 'order_not_found' } });
  });
});

describe('an organiser', () => {
  test('refunds orders of their event, in part and in full, which the trail records', async () => {
    const { organiser } = all;
    const { orderId } = await sold(100);
    const part = await organiser.refund(orderId, { amount: 30, reason: 'the view was blocked' });
    expect(part).toMatchObject({ amount: 30, order: { Status: 'completed' } });
    expect(await organiser.refund(orderId, {})).toMatchObject({
      amount: 70,
      reason: 'refunded by the organiser',
      order: { Status: 'cancelled' },
    });
    await stored.untilPayment(orderId, 'refunded');
    expect(await stored.refunds(orderId)).toMatchObject([
      { amount_minor: 3_000, requested_by: organiser.id },
      { amount_minor: 7_000, requested_by: organiser.id },
    ]);
    const entries = (await organiser.audit()).filter((entry) => entry.order_id === orderId);
    expect(entries).toMatchObject([
      { action: 'order.refunded', actor: organiser.id, after: { status: 'cancelled', left: 0 } },
      { action: 'order.refunded', actor: organiser.id, after: { status: 'completed', left: 70 } },
    ]);
  });

  test('can no longer refund once the event has another owner, while an administrator can', async () => {
    const { orderId } = await sold(100);
    platform.seating.owners.delete(platform.eventId);
    expect(await all.organiser.tries.refund(orderId, {})).toMatchObject({ status: 404 });
    expect(await admin.refund(orderId, {})).toMatchObject({ reason: 'refunded by an administrator' });
    platform.seating.owners.set(platform.eventId, all.organiser.id);
  });

  test('repairs no stuck money: that is for administrators', async () => {
    const stuck = '/api/order/admin/payments';
    const { token } = all.organiser;
    expect((await platform.app.call('GET', `${stuck}?state=stuck`, { token })).status).toBe(403);
    expect((await platform.app.call('POST', `${stuck}/evt_1/retry`, { token })).status).toBe(403);
    const settled = { token, body: { reference: 'transfer' } };
    expect((await platform.app.call('POST', `${stuck}/${randomUUID()}/settled`, settled)).status).toBe(403);
  });
});

describe('sending a refund', () => {
  test('is retried after growing delays while Stripe is unavailable, and happens once', async () => {
    const { orderId, intentId } = await sold(100);
    const unavailable = new AppError('payments_unavailable', 'The payment provider cannot be reached right now.');
    effects.fail('stripe refund', unavailable, 2);
    await admin.refund(orderId);
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
    expect(await stored.state(orderId)).toEqual({ status: 'cancelled', cancel_reason: 'refunded' });
    expect(await atStripe(intentId)).toEqual([]);
    clock.advance(5_000);
    const second = await tried(2);
    expect(second.wait).toBeGreaterThanOrEqual(first.wait + 10);
    clock.advance(10_000);
    await stored.untilPayment(orderId, 'refunded');
    expect(await atStripe(intentId)).toMatchObject([{ amount: 10_000 }]);
  });

  test('happens once and is recorded when the process crashes between Stripe’s answer and its record', async () => {
    const { orderId, intentId } = await sold(100);
    effects.fail('database refund-carried-out', new Error('the process ends'), 1);
    await admin.refund(orderId);
    await stored.untilPayment(orderId, 'refunded');
    expect(await atStripe(intentId)).toHaveLength(1);
  });

  test('is recorded from Stripe’s report alone when that process never restarts', async () => {
    const { orderId, intentId } = await sold(100);
    effects.fail('stripe refund', new Error('the process ends'), 1);
    const { refund_id } = await admin.refund(orderId);
    await platform.app.untilRows('it was tried', 1, 'SELECT FROM refunds WHERE refund_id = $1 AND attempts = 1', [
      refund_id,
    ]);
    await stripe.post('refunds', { payment_intent: intentId, amount: '10000', 'metadata[refund_id]': refund_id });
    await stored.untilPayment(orderId, 'refunded');
    expect(await stored.refunds(orderId)).toMatchObject([{ amount_minor: 10_000, origin: 'service' }]);
    expect(await atStripe(intentId)).toHaveLength(1);
  });
});

describe('a refund in Stripe’s dashboard', () => {
  test('of everything cancels the order and frees its seats', async () => {
    const { orderId, intentId, seatIds } = await sold(100, 50);
    const given = await stripe.post('refunds', { payment_intent: intentId });
    await stored.untilState(orderId, 'cancelled', 'refunded');
    expect(await paymentOf(orderId)).toBe('refunded');
    expect(await stored.refunds(orderId)).toMatchObject([
      {
        amount_minor: 15_000,
        origin: 'stripe',
        reason: 'refunded at the provider',
        requested_by: null,
        provider_id: given.id,
      },
    ]);
    expect((await cancelledEvent(orderId)).seat_ids.toSorted()).toEqual(seatIds.toSorted());
    await (await newPerson(platform)).order(seatIds);
    expect(await admin.tries.refund(orderId)).toMatchObject({ status: 409 });
  });

  test('of one ticket’s price voids that ticket, which is no longer admitted, and keeps the others valid', async () => {
    const { orderId, intentId, seatIds } = await sold(100, 70, 55);
    const tickets = await buyer.tickets(orderId);
    const [dear, refunded, cheap] = seatIds;
    await stripe.post('refunds', { payment_intent: intentId, amount: '7000' });
    await until('the ticket is void', async () => (await stored.liveSeats(orderId)).length === 2);
    expect(await stored.liveSeats(orderId)).toEqual([dear, cheap].sort());
    expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
    expect(await paymentOf(orderId)).toBe('applied');
    const { tickets: left } = await buyer.read(orderId);
    expect(left.map(({ seat_id }) => seat_id).sort()).toEqual([dear, cheap].sort());
    await until('it is published', () => seatStatuses([refunded]).length === 3);
    expect(seatStatuses([refunded]).at(-1)).toEqual(['AVAILABLE', refunded]);
    expect(events.on('ticketly.order.amended', orderId).at(-1)).toMatchObject({
      Status: 'completed',
      tickets: [{}, {}],
    });
    await (await newPerson(platform)).order([refunded]);

    const scan = async (seatId: string) => {
      const ticket = tickets.find(({ seat_id }) => seat_id === seatId);
      return all.scanner.tries.checkIn(await qrTextOf(ticket as Ticket));
    };
    expect(await scan(refunded)).toMatchObject({ status: 409, body: { code: 'ticket_cancelled' } });
    expect((await scan(dear)).status).toBe(200);
  });

  test('of the price of two of three tickets, without the most expensive, voids these two', async () => {
    const { orderId, intentId, seatIds } = await sold(90, 70, 55);
    await stripe.post('refunds', { payment_intent: intentId, amount: '12500' });
    await until('two tickets are void', async () => (await stored.liveSeats(orderId)).length === 1);
    expect(await stored.liveSeats(orderId)).toEqual(seatIds.slice(0, 1));
  });

  test('share-of-refund: the odd minor unit of a price that does not divide voids the ticket it belongs to', async () => {
    const discountId = catalogueDiscount(platform.seating, { type: 'FLAT_OFF', amount: 50, currency: 'LKR' });
    const { orderId, intentId, seatIds } = await buyer.buy(seatsAt(platform.seating, 50, 50, 50), discountId);
    await stripe.post('refunds', { payment_intent: intentId, amount: '3334' });
    await until('one ticket is void', async () => (await stored.liveSeats(orderId)).length === 2);
    // The rest of the price is worth the rest of the tickets.
    await stripe.post('refunds', { payment_intent: intentId, amount: '6666' });
    await stored.untilState(orderId, 'cancelled', 'refunded');
    expect((await stored.refunds(orderId)).map((each) => each.amount_minor)).toEqual([3334, 6666]);
    await (await newPerson(platform)).order(seatIds);
  });

  test('of the price of one of two equal tickets voids the unused one', async () => {
    const { orderId, intentId } = await sold(100, 100);
    const [, used] = (await buyer.tickets(orderId)) as [Ticket, Ticket];
    await all.scanner.checkIn(await qrTextOf(used));
    await stripe.post('refunds', { payment_intent: intentId, amount: '10000' });
    await until('one is void', async () => (await stored.liveSeats(orderId)).length === 1);
    expect(await stored.liveSeats(orderId)).toEqual([used.seat_id]);
  });

  test.each([
    ['fits two choices', '5000'],
    ['fits none', '4800'],
  ])('refund-ambiguous: of an amount that %s voids the ticket that its metadata names', async (_name, amount) => {
    const { orderId, intentId, seatIds } = await sold(50, 30, 20);
    const tickets = await buyer.tickets(orderId);
    const dear = tickets.find(({ seat_id }) => seat_id === seatIds[0]) as Ticket;
    const form = { payment_intent: intentId, amount, 'metadata[ticket_id]': dear.ticket_id };
    await stripe.post('refunds', form);
    await until('the ticket is void', async () => (await stored.liveSeats(orderId)).length === 2);
    expect(await stored.liveSeats(orderId)).toEqual(seatIds.slice(1).toSorted());
    expect(await admin.stuckPayments()).toEqual([]);
  });

  test.each([
    ['two choices of tickets', [50, 30, 20], '5000'],
    ['either of two equal tickets', [40, 40, 30], '4000'],
  ])('refund-ambiguous: of the amount of %s voids none, and a person is told', async (_name, prices, amount) => {
    const { orderId, intentId, seatIds } = await sold(...prices);
    await stripe.post('refunds', { payment_intent: intentId, amount });
    const [waiting] = await until('it is listed', async () => {
      const stuck = await admin.stuckPayments();
      return stuck.length === 1 && stuck;
    });
    expect(waiting).toMatchObject({
      kind: 'refund',
      order_id: orderId,
      payment_intent_id: intentId,
      amount_minor: Number(amount),
      currency: 'lkr',
      last_error: expect.stringContaining('ticket_id'),
    });
    expect(await stored.liveSeats(orderId)).toEqual(seatIds.toSorted());
    expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
    const [told] = events.on('ticketly.order.amended', orderId);
    expect(told).toMatchObject({ Status: 'completed', tickets: [{}, {}, {}] });
    expect((await samplesOf(platform.app)).ticketing_refunds_stuck).toBe(1);
    // It was paid, so it is not sent again.
    expect(await admin.tries.retryPayment(String(waiting?.id))).toMatchObject({ status: 404 });
    await admin.settlePayment(String(waiting?.id), 'a goodwill payment');
    expect(await admin.stuckPayments()).toEqual([]);
    expect(await stored.liveSeats(orderId)).toEqual(seatIds.toSorted());
    expect(await atStripe(intentId)).toHaveLength(1);
  });

  test('refund-ambiguous: of the price of a ticket that an organiser voided leaves the other ticket valid', async () => {
    const { orderId, intentId, seatIds } = await sold(60, 40);
    const [kept, voided] = (await buyer.tickets(orderId)).toSorted((a) => (a.seat_id === seatIds[0] ? -1 : 1));
    await all.organiser.void(voided as Ticket);
    await stripe.post('refunds', { payment_intent: intentId, amount: '4000' });
    await until('it is recorded', async () => (await stored.refunds(orderId)).length === 1);
    expect(await stored.liveSeats(orderId)).toEqual([kept?.seat_id]);
    // The money went back, so that it does not go back again.
    await all.organiser.void(voided as Ticket, '?refund=true');
    expect(await stored.refunds(orderId)).toHaveLength(1);
    expect(await admin.stuckPayments()).toEqual([]);
  });

  test('of two tickets together, of which an organiser voided one, refunds neither again', async () => {
    const { orderId, intentId, seatIds } = await sold(50, 30, 70);
    const tickets = await buyer.tickets(orderId);
    const [voided, valid, kept] = seatIds.map((id) => tickets.find((each) => each.seat_id === id)) as Ticket[];
    await all.organiser.void(voided as Ticket);
    await stripe.post('refunds', { payment_intent: intentId, amount: '8000' });
    await until('the other is void', async () => (await stored.liveSeats(orderId)).length === 1);
    expect(await stored.liveSeats(orderId)).toEqual([kept?.seat_id]);
    const reasons = 'SELECT void_reason FROM tickets WHERE ticket_id = ANY ($1::uuid[])';
    expect(await platform.app.sql(reasons, [[voided?.ticket_id, valid?.ticket_id]])).toEqual([
      { void_reason: 'refunded' },
      { void_reason: 'refunded' },
    ]);
    for (const each of [voided, valid]) await all.organiser.void(each as Ticket, '?refund=true');
    expect(await stored.refunds(orderId)).toMatchObject([{ origin: 'stripe', amount_minor: 8_000 }]);
    // Nor is the one that the organiser voided what a later refund could be for.
    await stripe.post('refunds', { payment_intent: intentId, amount: '5000' });
    await until('it is recorded', async () => (await stored.refunds(orderId)).length === 2);
    const named = 'SELECT FROM refunds WHERE payment_intent_id = $1 AND ticket_id IS NOT NULL';
    expect(await platform.app.sql(named, [intentId])).toEqual([]);
    expect(await stored.liveSeats(orderId)).toEqual([kept?.seat_id]);
  });

  test('of the last two tickets, which an organiser voided, keeps an order that has money left', async () => {
    const { orderId, intentId, seatIds } = await sold(50, 30, 70);
    const tickets = await buyer.tickets(orderId);
    const [first, last, named] = seatIds.map((id) => tickets.find((each) => each.seat_id === id)) as Ticket[];
    const form = { payment_intent: intentId, amount: '1000', 'metadata[ticket_id]': String(named?.ticket_id) };
    await stripe.post('refunds', form);
    await until('it is void', async () => (await stored.liveSeats(orderId)).length === 2);
    for (const each of [first, last]) await all.organiser.void(each as Ticket);
    await stripe.post('refunds', { payment_intent: intentId, amount: '8000' });
    await until('it is recorded', async () => (await stored.refunds(orderId)).length === 2);
    for (const each of [first, last]) await all.organiser.void(each as Ticket, '?refund=true');
    expect(await stored.refunds(orderId)).toHaveLength(2);
    expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
    const findings = await findingsIn(platform.app.dsn, LKR);
    expect(findings.filter(({ subjects }) => subjects.includes(orderId))).toEqual([]);
  });

  test('of an amount that matches no tickets is recorded, and every ticket stays valid', async () => {
    const { orderId, intentId, seatIds } = await sold(100, 70);
    await stripe.post('refunds', { payment_intent: intentId, amount: '1234' });
    await until('it is recorded', async () => (await stored.refunds(orderId)).length === 1);
    expect(await stored.liveSeats(orderId)).toEqual(seatIds.toSorted());
    expect((await admin.tries.refund(orderId, 157.67)).status).toBe(409);
    expect((await admin.refund(orderId, 157.66)).order.Status).toBe('cancelled');
    await stored.untilPayment(orderId, 'refunded');
  });

  test('of what an administrator’s partial refund left cancels the order', async () => {
    const { orderId, intentId } = await sold(100);
    await admin.refund(orderId, 40);
    await until('it is refunded', async () => (await atStripe(intentId)).length === 1);
    await stripe.post('refunds', { payment_intent: intentId });
    await stored.untilState(orderId, 'cancelled', 'refunded');
    expect(await paymentOf(orderId)).toBe('refunded');
    expect(await stored.refunds(orderId)).toMatchObject([
      { amount_minor: 4_000, origin: 'service' },
      { amount_minor: 6_000, origin: 'stripe' },
    ]);
  });
});

describe('a dispute', () => {
  /** An order paid with the card whose payment is disputed at once. */
  async function disputed(): Promise<Omit<Bought, 'order' | 'tickets'> & { disputeId: string }> {
    const seatIds = [randomUUID()];
    const orderId = await buyer.place(seatIds);
    const intentId = await buyer.pay(orderId, 'pm_card_createDispute');
    await stored.untilState(orderId, 'cancelled', 'payment');
    const [dispute] = await stripe.list(`disputes?payment_intent=${intentId}`);
    return { orderId, intentId, seatIds, disputeId: dispute.id };
  }

  const answer = (disputeId: string, evidence: string) =>
    stripe.post(`disputes/${disputeId}`, { 'evidence[uncategorized_text]': evidence });

  test('cancels the order and frees its seats, without a refund in addition', async () => {
    const { orderId, intentId, seatIds, disputeId } = await disputed();
    expect(await paymentOf(orderId)).toBe('disputed');
    expect(await stored.refunds(orderId)).toMatchObject([
      { amount_minor: 10_000, origin: 'dispute', reason: 'taken back by the bank', provider_id: disputeId },
    ]);
    expect(await atStripe(intentId)).toEqual([]);
    expect((await cancelledEvent(orderId)).seat_ids).toEqual(seatIds);
    await (await newPerson(platform)).order(seatIds);
    expect(await admin.tries.refund(orderId)).toMatchObject({ status: 409, body: { code: 'refund_not_possible' } });
  });

  test('that is lost changes nothing more', async () => {
    const { orderId, intentId, disputeId } = await disputed();
    await answer(disputeId, 'losing_evidence');
    await platform.app.untilRows(
      'its end is applied',
      1,
      "SELECT FROM stripe_inbox WHERE payment_intent_id = $1 AND type = 'charge.dispute.closed' AND applied_at IS NOT NULL",
      [intentId],
    );
    expect([await stored.state(orderId), await paymentOf(orderId)]).toEqual([
      { status: 'cancelled', cancel_reason: 'payment' },
      'disputed',
    ]);
    expect(await stored.refunds(orderId)).toHaveLength(1);
  });

  test('that is won restores the order with its seats', async () => {
    const { orderId, seatIds, disputeId } = await disputed();
    await answer(disputeId, 'winning_evidence');
    await stored.untilState(orderId, 'completed');
    expect(await paymentOf(orderId)).toBe('applied');
    expect(await stored.liveSeats(orderId)).toEqual(seatIds);
    expect(await stored.refunds(orderId)).toEqual([]);
    await until('it is published', () => seatStatuses(seatIds).at(-1)?.[0] === 'BOOKED');
  });

  test('that is won after the seats were sold leads to a refund', async () => {
    const { orderId, intentId, seatIds, disputeId } = await disputed();
    const next = await (await newPerson(platform)).order(seatIds);
    await answer(disputeId, 'winning_evidence');
    await stored.untilPayment(orderId, 'refunded');
    expect(await stored.state(orderId)).toEqual({ status: 'cancelled', cancel_reason: 'refunded' });
    expect(await atStripe(intentId)).toMatchObject([{ amount: 10_000 }]);
    expect(await stored.liveSeats(next)).toEqual(seatIds);
  });
});

describe('with a Stripe that answers as a test wants', () => {
  let stub: StubStripe;
  let there: PlatformApp;
  let storedThere: Stored;
  let banker: Person;

  beforeAll(async () => {
    stub = await startStubStripe();
    there = await startPlatformApp({ STRIPE_SECRET_KEY: 'sk_test_x', STRIPE_API_BASE: stub.url, RECONCILE_DAYS: '0' });
    storedThere = storedIn(there.app);
    banker = await newAdmin(there);
  });

  /** An order whose payment Stripe reports, of seats at these prices. */
  async function paidThere(changes: Record<string, unknown> = {}, prices: readonly number[] = [100]) {
    const seatIds = seatsAt(there.seating, ...prices);
    const orderId = await (await newPerson(there)).place([...seatIds]);
    const paid = Math.round(prices.reduce((total, price) => total + price, 0) * 100);
    const intent = paidIntent(orderId, { amount: paid, amount_received: paid, ...changes });
    stub.intents.set(intent.id, intent);
    await deliver(there.app, stripeEvent('payment_intent.succeeded', intent));
    return { orderId, intentId: intent.id, seatIds };
  }

  /** Somebody refunds in Stripe’s dashboard. */
  async function refundThere(intentId: string, amount: number, changes: Record<string, unknown> = {}) {
    const id = `re_${randomUUID()}`;
    const given = { id, object: 'refund', payment_intent: intentId, amount, currency: 'lkr', metadata: {}, ...changes };
    stub.refunds.push(given);
    await deliver(there.app, stripeEvent('refund.created', { ...given }));
    return given as Record<string, unknown>;
  }

  const paymentThere = async (orderId: string) => (await storedThere.payments(orderId))[0]?.state;

  const stuckThere = (orderId: string) =>
    until('it is stuck', async () => (await banker.stuckPayments()).find((each) => each.order_id === orderId));

  /** An order whose whole refund Stripe made and then reports as rejected by the bank. */
  async function bounced() {
    const { orderId, intentId } = await paidThere();
    await storedThere.untilState(orderId, 'completed');
    const { refund_id: refundId } = await banker.refund(orderId);
    await storedThere.untilPayment(orderId, 'refunded');
    const given = stub.refunds.find((each) => each.payment_intent === intentId);
    if (!given) throw new Error('Stripe has made no refund');
    given.status = 'failed';
    await deliver(there.app, stripeEvent('refund.failed', { ...given }));
    await stuckThere(orderId);
    return { orderId, intentId, refundId };
  }

  test('a refund that the bank rejects is shown to an administrator, and is done once marked as paid by other means', async () => {
    const { orderId, intentId, refundId } = await bounced();
    expect(await paymentThere(orderId)).toBe('refund_due');
    expect(await banker.stuckPayments()).toMatchObject([
      { kind: 'refund', id: refundId, order_id: orderId, payment_intent_id: intentId, amount_minor: 10_000 },
    ]);
    await banker.settlePayment(refundId, 'transfer 17');
    expect(await banker.stuckPayments()).toEqual([]);
    expect(await paymentThere(orderId)).toBe('refunded');
  });

  test('a refund that the bank rejects is sent to Stripe as a new refund on retry', async () => {
    const { orderId, intentId, refundId } = await bounced();
    await banker.retryPayment(refundId);
    await storedThere.untilPayment(orderId, 'refunded');
    // The first one failed, and the second one did not.
    const refunds = stub.refunds.filter((each) => each.payment_intent === intentId);
    expect(refunds.map(({ status }) => status)).toEqual(['failed', 'succeeded']);
    expect(await storedThere.refunds(orderId)).toMatchObject([{ provider_id: refunds[1]?.id }]);
  });

  test('a refund that the bank rejects at once, in Stripe’s answer, is not recorded as done', async () => {
    stub.refundStatus = 'failed';
    const { orderId, intentId } = await paidThere({ amount: 1, amount_received: 1 });
    await until('it was tried', () => stub.refunds.some((each) => each.payment_intent === intentId));
    const row = await until('its outcome is recorded', async () => {
      const [found] = await there.app.sql<{ provider_id: string | null; last_error: string | null }>(
        'SELECT provider_id, last_error FROM refunds WHERE payment_intent_id = $1',
        [intentId],
      );
      return found && (found.provider_id ?? found.last_error) !== null && found;
    });
    stub.refundStatus = 'succeeded';
    expect(row).toMatchObject({ provider_id: null, last_error: expect.any(String) });
    await there.app.sql(
      'UPDATE refunds SET next_attempt_at = now() WHERE payment_intent_id = $1 AND provider_id IS NULL',
      [intentId],
    );
    await storedThere.untilPayment(orderId, 'refunded');
  });

  test('refund-fails-later: a refund of Stripe’s dashboard that fails later is due again, and a person sees it', async () => {
    const { orderId, intentId } = await paidThere();
    await storedThere.untilState(orderId, 'completed');
    const given = await refundThere(intentId, 10_000, { status: 'pending' });
    await storedThere.untilState(orderId, 'cancelled', 'refunded');
    expect(await paymentThere(orderId)).toBe('refunded');
    given.status = 'failed';
    await deliver(there.app, stripeEvent('refund.failed', { ...given }));
    const { id, last_error: reason } = await stuckThere(orderId);
    expect(reason).toContain('The bank rejected the refund');
    expect(await paymentThere(orderId)).toBe('refund_due');
    expect(await storedThere.refunds(orderId)).toMatchObject([
      { origin: 'stripe', amount_minor: 10_000, provider_id: null },
    ]);
    await banker.retryPayment(id);
    await storedThere.untilPayment(orderId, 'refunded');
    const refunds = stub.refunds.filter((each) => each.payment_intent === intentId);
    expect(refunds.map(({ status }) => status)).toEqual(['failed', 'succeeded']);
  });

  test.each([
    ['in another currency', 8_333, 'usd'],
    ['of more than was paid', 25_300, 'lkr'],
    ['of a little less than was paid', 24_900, 'lkr'],
  ])(
    'dispute-amounts: a dispute %s takes the whole payment, and its tickets are void',
    async (_name, amount, currency) => {
      const { orderId, intentId } = await paidThere({}, [100, 150]);
      await storedThere.untilState(orderId, 'completed');
      const dispute = { id: `dp_${randomUUID()}`, object: 'dispute', payment_intent: intentId, amount, currency };
      stub.disputes.push({ ...dispute, status: 'needs_response' });
      await deliver(there.app, stripeEvent('charge.dispute.created', dispute));
      await storedThere.untilState(orderId, 'cancelled', 'payment');
      expect(await paymentThere(orderId)).toBe('disputed');
      expect(await storedThere.liveSeats(orderId)).toEqual([]);
      expect(await storedThere.refunds(orderId)).toMatchObject([
        { amount_minor: 25_000, origin: 'dispute', reason: `taken back by the bank: ${amount} ${currency}` },
      ]);
    },
  );

  test('dispute-amounts: a dispute of one ticket’s price voids that ticket', async () => {
    const { orderId, intentId, seatIds } = await paidThere({}, [100, 150]);
    await storedThere.untilState(orderId, 'completed');
    const dispute = { id: `dp_${randomUUID()}`, object: 'dispute', payment_intent: intentId, amount: 10_000 };
    stub.disputes.push({ ...dispute, currency: 'lkr', status: 'needs_response' });
    await deliver(there.app, stripeEvent('charge.dispute.created', { ...dispute, currency: 'lkr' }));
    await until('one is void', async () => (await storedThere.liveSeats(orderId)).length === 1);
    expect(await storedThere.liveSeats(orderId)).toEqual(seatIds.slice(1));
    expect(await paymentThere(orderId)).toBe('applied');
  });

  test('dispute-amounts: a dispute of nearly all tickets voids these, and the one left stays valid', async () => {
    const prices = [50, 50, 50, 50, 50, 50, 50, 50, 50, 20];
    const { orderId, intentId, seatIds } = await paidThere({}, prices);
    await storedThere.untilState(orderId, 'completed');
    const dispute = { id: `dp_${randomUUID()}`, object: 'dispute', payment_intent: intentId, amount: 45_000 };
    stub.disputes.push({ ...dispute, currency: 'lkr', status: 'needs_response' });
    await deliver(there.app, stripeEvent('charge.dispute.created', { ...dispute, currency: 'lkr' }));
    await until('nine are void', async () => (await storedThere.liveSeats(orderId)).length < 10);
    expect(await storedThere.liveSeats(orderId)).toEqual(seatIds.slice(9));
    expect(await storedThere.state(orderId)).toMatchObject({ status: 'completed' });
    expect(await paymentThere(orderId)).toBe('applied');
    expect(await storedThere.refunds(orderId)).toMatchObject([
      { amount_minor: 45_000, origin: 'dispute', reason: 'taken back by the bank' },
    ]);
  });

  test('dispute-amounts: a dispute of a part that fits no ticket voids none, and a person is told', async () => {
    const { orderId, intentId, seatIds } = await paidThere({}, [100, 150]);
    await storedThere.untilState(orderId, 'completed');
    const dispute = { id: `dp_${randomUUID()}`, object: 'dispute', payment_intent: intentId, amount: 12_000 };
    stub.disputes.push({ ...dispute, currency: 'lkr', status: 'needs_response' });
    await deliver(there.app, stripeEvent('charge.dispute.created', dispute));
    const { id } = await stuckThere(orderId);
    expect(await storedThere.liveSeats(orderId)).toEqual(seatIds.toSorted());
    await banker.settlePayment(id, 'the buyer pays at the door');
  });

  /** Locks rows until the returned function is called. */
  async function lockThere(select: string, id: string): Promise<() => Promise<void>> {
    const client = new pg.Client({ connectionString: there.app.dsn });
    await client.connect();
    await client.query('BEGIN');
    await client.query(`${select} FOR UPDATE`, [id]);
    return () => client.end();
  }

  const untilWaiting = (count: number) =>
    there.app.untilRows(
      'they wait',
      count,
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    );

  test('a refund that is retried while it is marked as settled is sent, and not marked', async () => {
    const { orderId, intentId, refundId } = await bounced();
    const unlock = await lockThere('SELECT FROM orders WHERE order_id = $1', orderId);
    const marking = banker.tries.settlePayment(refundId);
    await untilWaiting(1);
    await banker.retryPayment(refundId);
    await unlock();
    expect(await marking).toMatchObject({ status: 404, body: { code: 'payment_not_stuck' } });
    await storedThere.untilPayment(orderId, 'refunded');
    const refunds = stub.refunds.filter((each) => each.payment_intent === intentId);
    expect(refunds.map(({ status }) => status)).toEqual(['failed', 'succeeded']);
    expect(await storedThere.refunds(orderId)).toMatchObject([{ provider_id: refunds[1]?.id }]);
  });

  test('an unclear refund that the bank rejects while its tickets are kept is not marked as paid', async () => {
    const { orderId, intentId } = await paidThere({}, [50, 30, 20]);
    await storedThere.untilState(orderId, 'completed');
    const given = await refundThere(intentId, 5_000, { status: 'succeeded' });
    const { id } = await stuckThere(orderId);
    // The webhook waits for the refund and has the order, for which the person's request waits.
    const unlock = await lockThere('SELECT FROM refunds WHERE refund_id = $1', id);
    given.status = 'failed';
    await deliver(there.app, stripeEvent('refund.failed', { ...given }));
    await untilWaiting(1);
    const keeping = banker.tries.settlePayment(id, 'all tickets stay valid');
    await untilWaiting(2);
    await unlock();
    expect(await keeping).toMatchObject({ status: 404, body: { code: 'payment_not_stuck' } });
    expect(await storedThere.refunds(orderId)).toMatchObject([{ amount_minor: 5_000, provider_id: null }]);
    expect((await stuckThere(orderId)).last_error).toContain('The bank rejected the refund');
    // Asked again, now that the person sees it, it is paid.
    await banker.settlePayment(id, 'transfer 18');
    expect(await storedThere.refunds(orderId)).toMatchObject([{ provider_id: `manual:${id}:transfer 18` }]);
    expect((await banker.stuckPayments()).filter((each) => each.order_id === orderId)).toEqual([]);
  });

  test('refund-ambiguous: an unclear refund voids the ticket that its metadata names later', async () => {
    const { orderId, intentId, seatIds } = await paidThere({}, [50, 30, 20]);
    await storedThere.untilState(orderId, 'completed');
    const given = await refundThere(intentId, 5_000, { status: 'succeeded' });
    await stuckThere(orderId);
    expect(await storedThere.liveSeats(orderId)).toHaveLength(3);
    const [ticket] = await there.app.sql<{ ticket_id: string }>('SELECT ticket_id FROM tickets WHERE seat_id = $1', [
      seatIds[0],
    ]);
    given.metadata = { ticket_id: ticket?.ticket_id };
    await deliver(there.app, stripeEvent('refund.updated', { ...given }));
    await until('it is void', async () => (await storedThere.liveSeats(orderId)).length === 2);
    expect(await storedThere.liveSeats(orderId)).toEqual(seatIds.slice(1).toSorted());
    expect((await banker.stuckPayments()).filter((each) => each.order_id === orderId)).toEqual([]);
  });
});

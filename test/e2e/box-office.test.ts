import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { catalogueDiscount, seatQuestions, seatsAt, TIER } from '../support/fake-seating.ts';
import {
  type OrderRef,
  orderIdOf,
  type Person,
  people,
  type Ticket,
  type TicketRef,
} from '../support/people/people.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { qrTextOf } from '../support/qr-texts.ts';
import { recordEvents } from '../support/recorded-events.ts';
import { until } from '../support/servers.ts';
import { type Stored, storedIn } from '../support/stored.ts';
import { type StripeApi, stripeApi } from '../support/stripe-api.ts';
import type { Answer } from '../support/test-app.ts';

const events = recordEvents();
let platform: PlatformApp;
let stripe: StripeApi;
let stored: Stored;
let organiser: Person;
let admin: Person;
let buyer: Person;
let scanner: Person;

beforeAll(async () => {
  platform = await startPlatformApp({}, {}, { eventLog: events.log });
  stripe = stripeApi(platform.app.url);
  stored = storedIn(platform.app);
  ({ organiser, buyer, scanner, admin } = await people(platform));
});

beforeEach(() => {
  platform.seating.query = undefined;
  platform.seating.seating = undefined;
});

/** Voids a ticket and refunds its money. */
const refunded = (ticket: TicketRef) => organiser.void(ticket, '?refund=true');

/** A completed order of the buyer for seats at these prices. */
const sold = <Prices extends readonly number[]>(...prices: Prices) => buyer.buy(seatsAt(platform.seating, ...prices));

async function priceOf(order: OrderRef): Promise<unknown> {
  const [row] = await platform.app.sql('SELECT price::text FROM orders WHERE order_id = $1', [orderIdOf(order)]);
  return row?.price;
}

const seatStatuses = (seatId: string) => events.ofSeats(platform.sessionId, [seatId]).map(({ status }) => status);

/** The entries of the audit trail about an order, the newest first. */
const auditOf = async (order: OrderRef) =>
  (await organiser.audit()).filter((entry) => entry.order_id === orderIdOf(order));

const REFUSED = { status: 409, body: { code: 'ticket_change_refused' } };

describe('a complimentary ticket', () => {
  test('is a completed order of its own, is announced like any other, and admits its holder', async () => {
    const ticket = await organiser.issue({ tier_id: TIER, note: 'Guest of the band' });
    expect(ticket).toEqual({
      ticket_id: expect.any(String),
      order_id: expect.any(String),
      seat_id: expect.any(String),
      seat_label: `L-${ticket.seat_id.slice(0, 4)}`,
      colour: '#FFD700',
      tier_id: TIER,
      tier_name: 'VIP',
      price_at_purchase: 0,
      issued_at: expect.any(String),
      checked_in: false,
      checked_in_time: '0001-01-01T00:00:00Z',
      note: 'Guest of the band',
    });
    expect(await stored.state(ticket)).toEqual({ status: 'completed', cancel_reason: null });
    expect(await priceOf(ticket)).toBe('0.00');
    expect(await stored.payments(ticket)).toEqual([]);
    await until('all is published', () => seatStatuses(ticket.seat_id).length === 2);
    expect(seatStatuses(ticket.seat_id)).toEqual(['LOCKED', 'BOOKED']);
    const [created] = events.on('ticketly.order.created', ticket.order_id);
    const [updated] = events.on('ticketly.order.updated', ticket.order_id);
    expect(created).toMatchObject({ Status: 'pending', Price: 0, OrganizationID: platform.organizationId });
    expect(updated).toMatchObject({ Status: 'completed', UserID: organiser.id, EventID: platform.eventId });
    expect(JSON.stringify([created, updated])).not.toContain('Guest');

    const read = await organiser.ticket(ticket);
    expect(read.note).toBe('Guest of the band');
    await scanner.checkIn(await qrTextOf(read));
    expect(await auditOf(ticket)).toEqual([
      expect.objectContaining({
        action: 'ticket.issued',
        actor: organiser.id,
        ticket_id: ticket.ticket_id,
        before: null,
        after: { seat_id: ticket.seat_id, seat_label: ticket.seat_label, tier_name: 'VIP', price: 0, has_note: true },
      }),
    ]);
  });

  test('is checked with both seating services, under the organisation that the catalogue names', async () => {
    platform.seating.calls.length = 0;
    const { seat_id } = await organiser.issue();
    const asked = seatQuestions(platform.seating);
    expect(asked.map(({ path }) => path).toSorted()).toEqual([
      '/query/internal/v1/validate-pre-order',
      '/seating/internal/v1/validate-pre-order',
    ]);
    for (const { body } of asked) expect(body).toEqual(platform.request([seat_id]));
  });
});

describe('a ticket for cash', () => {
  test('is a completed order whose money is recorded as cash, and counts in the sales', async () => {
    const totals = () =>
      platform.app.sql(
        `SELECT orders::int, tickets::int, revenue::text FROM sales_totals WHERE scope = 'event' AND scope_id = $1`,
        [platform.eventId],
      );
    const sumOf = async (): Promise<{ orders: number; revenue: number }> => {
      await platform.app.untilRows('the sales are counted', 0, 'SELECT FROM sale_changes');
      const [row] = (await totals()) as { orders: number; revenue: string }[];
      return { orders: row?.orders ?? 0, revenue: Math.round(Number(row?.revenue ?? 0) * 100) };
    };
    const before = await sumOf();
    const ticket = await organiser.issue({ price: 149.99 });
    expect(await stored.payments(ticket)).toMatchObject([
      { payment_intent_id: `cash:${ticket.order_id}`, amount_minor: 14_999, state: 'applied' },
    ]);
    expect(await stored.state(ticket)).toMatchObject({ status: 'completed' });
    expect(await priceOf(ticket)).toBe('149.99');
    expect(await sumOf()).toEqual({ orders: before.orders + 1, revenue: before.revenue + 14_999 });
  });

  test('is refunded in cash when it is voided, by the organiser who voids it and never at Stripe', async () => {
    const ticket = await organiser.issue({ price: 50 });
    const refunds = (await stripe.list('refunds')).length;
    await refunded(ticket);
    expect(await stored.refunds(ticket)).toMatchObject([
      {
        amount_minor: 5_000,
        ticket_id: ticket.ticket_id,
        requested_by: organiser.id,
        provider_id: expect.stringMatching(/^manual:.*:cash over the counter$/),
      },
    ]);
    expect(await stored.payments(ticket.order_id)).toMatchObject([{ state: 'refunded' }]);
    expect(await stored.state(ticket.order_id)).toMatchObject({ status: 'cancelled', cancel_reason: 'refunded' });
    expect((await stripe.list('refunds')).length).toBe(refunds);
  });

  test('is in the organiser’s figures, both the cash taken and the cash refunded', async () => {
    const figures = async () => {
      const { total_orders, total_revenue, money_taken, money_refunded } = await organiser.figures();
      return [total_orders, total_revenue, money_taken, money_refunded].map((figure) => Math.round(figure * 100));
    };
    const before = await figures();
    const since = async () => (await figures()).map((figure, at) => figure - (before[at] ?? 0));
    const ticket = await organiser.issue({ price: 149.99 });
    expect(await since()).toEqual([100, 14_999, 14_999, 0]);
    await organiser.void(ticket);
    expect(await since()).toEqual([100, 14_999, 14_999, 0]);
    await refunded(ticket);
    expect(await since()).toEqual([0, 0, 14_999, 14_999]);
  });

  test('waits for a person to hand over the cash when an administrator refunds it remotely', async () => {
    const ticket = await organiser.issue({ price: 50 });
    await admin.refund(ticket);
    const mine = (await admin.stuckPayments()).find((row) => row.order_id === ticket.order_id);
    expect(mine).toMatchObject({ kind: 'refund', amount_minor: 5_000 });
    await admin.settlePayment(String(mine?.id), 'till 2');
    expect(await stored.payments(ticket.order_id)).toMatchObject([{ state: 'refunded' }]);
  });

  test('is not reported as missing by the comparison with Stripe', async () => {
    const { order_id } = await organiser.issue({ price: 50 });
    const [paid] = await stored.payments(order_id);
    expect(paid).toMatchObject({ state: 'applied' });
    await platform.app.sql('DELETE FROM daily_jobs');
    const from = platform.app.log.length;
    await platform.app.app.turn('reconciliation');
    const compared = () =>
      platform.app.log.slice(from).filter((line) => line.includes('payments compared with Stripe'));
    await until('the payments are compared', () => compared().length > 0);
    expect(platform.app.log.slice(from).filter((line) => line.includes('cash:'))).toEqual([]);
    expect(await stored.payments(order_id)).toEqual([paid]);
  });
});

describe('issuing a ticket is refused for', () => {
  test.each<[string, Record<string, unknown>, number, string]>([
    ['a price below zero', { price: -1 }, 400, 'invalid_request'],
    ['a part of a cent', { price: 0.001 }, 400, 'invalid_request'],
    ['no price', { price: undefined }, 400, 'invalid_request'],
    ['a price in words', { price: 'free' }, 400, 'invalid_request'],
    ['a price too large for a number', { price: 1e300 }, 400, 'invalid_request'],
    ['a note of many pages', { note: 'x'.repeat(301) }, 400, 'invalid_request'],
    ['a note with a line break', { note: 'a\nb' }, 400, 'invalid_request'],
    ['no seat', { seat_id: '' }, 400, 'invalid_request'],
    ['an event id that is not a UUID', { event_id: 'x' }, 400, 'invalid_request'],
    ['a tier other than the seat’s', { tier_id: randomUUID() }, 409, 'ticket_change_refused'],
    ['an unknown session', { session_id: randomUUID() }, 400, 'seats_refused'],
  ])('%s', async (_name, changes, status, code) => {
    const seat_id = randomUUID();
    expect(await organiser.tries.issue({ seat_id, ...changes })).toMatchObject({ status, body: { code } });
    expect(await platform.app.sql('SELECT FROM tickets WHERE seat_id = $1', [seat_id])).toEqual([]);
    // The seat is not held either.
    await buyer.order([seat_id]);
  });

  test('a session of another organiser’s event, under one of the caller’s own events', async () => {
    const [event, session] = [randomUUID(), randomUUID()];
    platform.seating.sessions.set(session, {
      ...platform.seating.sessions.get(platform.sessionId),
      title: 'x',
      eventId: event,
    });
    expect(await organiser.tries.issue({ session_id: session })).toMatchObject({
      status: 400,
      body: { code: 'session_mismatch' },
    });
  });

  test('a seat that is sold, naming it', async () => {
    const { seat_id } = await organiser.issue();
    const taken = { status: 409, body: { code: 'seats_taken', seat_ids: [seat_id] } };
    expect(await organiser.tries.issue({ seat_id })).toMatchObject(taken);
    expect(await buyer.tries.order([seat_id])).toMatchObject(taken);
  });

  test('seats that the seating services refuse, quoting their reason', async () => {
    platform.seating.query = undefined;
    platform.seating.seating = { status: 409, body: { message: 'The hall is closed.' } };
    expect(await organiser.tries.issue()).toMatchObject({
      status: 400,
      body: { code: 'seats_refused', detail: 'The hall is closed.' },
    });
  });

  test('every seat while the seating services are unavailable', async () => {
    platform.seating.isUnavailable = true;
    try {
      expect(await admin.tries.issue()).toMatchObject({ status: 503, body: { code: 'seating_unavailable' } });
    } finally {
      platform.seating.isUnavailable = false;
    }
  });
});

describe('voiding', () => {
  test('one ticket of several frees its seat, and keeps the order and the money', async () => {
    const { orderId, tickets } = await sold(100, 50);
    const [{ ticket_id: first, seat_id }, second] = tickets;
    await organiser.void(first);
    expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
    expect(await priceOf(orderId)).toBe('150.00');
    expect(await stored.liveSeats(orderId)).toEqual([second.seat_id]);
    expect(await stored.refunds(orderId)).toEqual([]);
    await until('the change of the seat is published', () => seatStatuses(seat_id).includes('AVAILABLE'));
    const updated = events.on('ticketly.order.amended', orderId).at(-1);
    expect(updated?.tickets.map(({ ticket_id }: { ticket_id: string }) => ticket_id)).toEqual([second.ticket_id]);
    expect(await platform.app.sql('SELECT void_reason FROM tickets WHERE ticket_id = $1', [first])).toEqual([
      { void_reason: 'organiser' },
    ]);
    await buyer.order([seat_id]);
  });

  test('the same ticket twice, also concurrently, has one effect', async () => {
    const { orderId, tickets } = await sold(100, 50);
    const [first] = tickets;
    const answers = await Promise.all(Array.from({ length: 4 }, () => organiser.tries.void(first, '?refund=true')));
    expect(answers.map(({ status }) => status)).toEqual([204, 204, 204, 204]);
    await refunded(first);
    expect(await stored.refunds(orderId)).toMatchObject([{ amount_minor: 10_000, ticket_id: first.ticket_id }]);
    expect((await auditOf(orderId)).map(({ after }) => after)).toEqual([{ is_void: true, given_back: 100 }]);
  });

  test('without a refund allows the refund later, once', async () => {
    const { orderId, tickets } = await sold(100, 50);
    const [first] = tickets;
    for (const query of ['', '?refund=true', '?refund=true', '']) await organiser.void(first, query);
    expect(await stored.refunds(orderId)).toMatchObject([{ amount_minor: 10_000 }]);
    expect(await auditOf(orderId)).toMatchObject([
      { before: { is_void: true }, after: { given_back: 100 } },
      { before: { is_void: false }, after: { given_back: 0 } },
    ]);
  });

  test.each<[string, number[], number, number[]]>([
    ['thirds of a price', [100, 100, 100], 200, [3333.33, 3333.33, 3333.33]],
    ['unlike parts', [10, 20.01, 0.03], 10, [667.11, 1334.89, 2]],
    ['parts below a cent', [0.01, 0.01, 100], 99.99, [0, 0, 3]],
  ])('every ticket in turn refunds exactly the price: %s', async (_name, prices, amount, shares) => {
    const discountId = catalogueDiscount(platform.seating, { type: 'FLAT_OFF', amount });
    const { orderId, intentId, tickets } = await buyer.buy(seatsAt(platform.seating, ...prices), discountId);
    const [paid] = await stored.payments(orderId);
    for (const ticket of tickets) await refunded(ticket);
    const refunds = await stored.refunds(orderId);
    const given = refunds.reduce((sum, refund) => sum + refund.amount_minor, 0);
    expect(given).toBe(paid?.amount_minor);
    for (const [at, share] of shares.entries()) {
      const back = refunds.find((refund) => refund.ticket_id === tickets[at]?.ticket_id)?.amount_minor ?? 0;
      // The ticket ids decide which ticket gets a rounded unit.
      expect(Math.abs(back - share)).toBeLessThan(1);
    }
    await until('Stripe has the refund', async () => {
      const there = await stripe.list(`refunds?payment_intent=${intentId}`);
      return there.reduce((sum: number, refund: { amount: number }) => sum + refund.amount, 0) === given;
    });
    expect(await stored.state(orderId)).toMatchObject({ status: 'cancelled', cancel_reason: 'refunded' });
  });

  test('the last ticket without a refund leaves an order that keeps the money and has no tickets', async () => {
    const { orderId, tickets } = await sold(100);
    const [ticket] = tickets;
    await organiser.void(ticket);
    expect(await stored.state(orderId)).toMatchObject({ status: 'completed' });
    expect(await stored.liveSeats(orderId)).toEqual([]);
    await refunded(ticket);
    expect(await stored.state(orderId)).toMatchObject({ status: 'cancelled', cancel_reason: 'refunded' });
    expect(await until('it is cancelled', () => events.on('ticketly.order.canceled', orderId)[0])).toMatchObject({
      seat_ids: [],
    });
  });

  test('the last ticket ends the order when it cost nothing', async () => {
    const { ticket_id, order_id, seat_id } = await organiser.issue();
    await refunded(ticket_id);
    expect(await stored.state(order_id)).toMatchObject({ status: 'cancelled', cancel_reason: 'organiser' });
    const message = await until('it is cancelled', () => events.on('ticketly.order.canceled', order_id)[0]);
    expect(message).toMatchObject({ Status: 'cancelled', seat_ids: [seat_id] });
  });

  test('is refused when it would refund the last of the money while other tickets stay valid', async () => {
    const { orderId, tickets } = await sold(100, 0);
    const [paid, free] = tickets;
    expect(await organiser.tries.void(paid, '?refund=true')).toMatchObject(REFUSED);
    expect(await stored.liveSeats(orderId)).toHaveLength(2);
    expect(await stored.refunds(orderId)).toEqual([]);
    await organiser.void(free);
    await refunded(paid);
    expect(await stored.state(orderId)).toMatchObject({ cancel_reason: 'refunded' });
  });

  test('is refused while the order is not paid', async () => {
    const order = await buyer.order();
    const [ticket] = (await buyer.tickets(order)) as [Ticket];
    expect(await organiser.tries.void(ticket)).toMatchObject(REFUSED);
    expect(await stored.liveSeats(order)).toHaveLength(1);
  });

  test('a ticket of a cancelled order changes nothing', async () => {
    const { orderId, tickets } = await sold(100);
    await admin.cancel(orderId);
    await refunded(tickets[0]);
    expect(await stored.refunds(orderId)).toMatchObject([{ amount_minor: 10_000, ticket_id: null }]);
  });

  test('makes the door refuse the ticket’s QR code', async () => {
    const ticket = await organiser.issue();
    const qrText = await qrTextOf(await organiser.ticket(ticket));
    await organiser.void(ticket);
    const answer = await scanner.tries.checkIn(qrText);
    expect(answer).toMatchObject({ status: 409, body: { code: 'ticket_cancelled' } });
  });

  test('an unknown ticket is refused', async () => {
    expect(await organiser.tries.void(randomUUID())).toMatchObject({ status: 404, body: { code: 'ticket_not_found' } });
  });
});

describe('changing', () => {
  test('the seat to a free one of the same tier books it, frees the old one, and keeps the QR code valid', async () => {
    const { orderId, tickets } = await sold(100);
    const [{ ticket_id: ticketId }] = tickets;
    const to = randomUUID();
    const before = await buyer.ticket(ticketId);
    const amended = await organiser.amend(ticketId, { seat_id: to });
    expect(amended).toMatchObject({
      ticket_id: ticketId,
      seat_id: to,
      seat_label: `L-${to.slice(0, 4)}`,
      price_at_purchase: 100,
    });
    expect(await buyer.ticket(ticketId)).toMatchObject({ seat_id: to, qr_code: before.qr_code });
    await until('the changes of both seats are published', () => seatStatuses(before.seat_id).includes('AVAILABLE'));
    expect(seatStatuses(to)).toEqual(['BOOKED']);
    expect(events.on('ticketly.order.amended', orderId).at(-1)?.tickets).toMatchObject([{ seat_id: to }]);
    await buyer.order([before.seat_id]);
    expect((await buyer.tries.order([to])).status).toBe(409);
    expect(await auditOf(orderId)).toMatchObject([
      {
        action: 'ticket.changed',
        ticket_id: ticketId,
        before: { seat_id: before.seat_id, seat_label: before.seat_label },
        after: { seat_id: to, seat_label: amended.seat_label },
      },
    ]);
  });

  test('the seat in an order without an organisation, as an earlier service left it, asks with that of the session', async () => {
    const orderId = await buyer.place();
    await platform.app.sql('UPDATE orders SET organization_id = $2 WHERE order_id = $1', [
      orderId,
      '00000000-0000-0000-0000-000000000000',
    ]);
    await buyer.pay(orderId);
    const { tickets } = await buyer.checkOut(orderId);
    const [ticketId = ''] = tickets.map(({ ticket_id }) => ticket_id);
    const to = randomUUID();
    expect(await organiser.amend(ticketId, { seat_id: to })).toMatchObject({ seat_id: to });
    const asked = seatQuestions(platform.seating).flatMap(({ body }) =>
      JSON.stringify(body).includes(to) ? [body] : [],
    );
    expect(asked).toEqual([platform.request([to]), platform.request([to])]);
  });

  test('label and note keeps the text of the note out of the trail and the log, and removes an empty note', async () => {
    const { ticket_id, order_id } = await organiser.issue({ note: 'Mrs Perera' });
    expect(await organiser.amend(ticket_id, { seat_label: 'Box 3', note: 'Mrs Silva' })).toMatchObject({
      seat_label: 'Box 3',
      note: 'Mrs Silva',
    });
    expect(await organiser.amend(ticket_id, { note: '' })).not.toHaveProperty('note');
    const entries = await auditOf(order_id);
    expect(entries.map(({ after }) => after)).toEqual([
      { has_note: false, is_note_new: true },
      { seat_label: 'Box 3', has_note: true, is_note_new: true },
      expect.objectContaining({ has_note: true }),
    ]);
    expect(JSON.stringify(entries) + platform.app.log.join()).not.toMatch(/Perera|Silva/);
  });

  test('a ticket to what it already is has no effect', async () => {
    const { ticket_id, order_id, seat_id, seat_label } = await organiser.issue();
    const { qr_code: _qrCode, ...whole } = await organiser.ticket(ticket_id);
    await organiser.amend(ticket_id, { ...whole, seat_id, seat_label });
    expect(await auditOf(order_id)).toHaveLength(1);
    expect(events.on('ticketly.order.updated', order_id)).toHaveLength(1);
  });

  test.each<[string, Record<string, unknown>, RegExp]>([
    ['price_at_purchase', { price_at_purchase: 1 }, /the price paid does not change/],
    ['tier_id', { tier_id: randomUUID(), note: 'x' }, /stays in its tier/],
    ['order_id', { order_id: randomUUID() }, /stays in its order/],
    ['checked_in', { checked_in: true }, /only a check-in/],
    ['holder', { holder: 'me' }, /no such field/],
    ['toString', { toString: 1 }, /no such field/],
    ['qr_code', { qr_code: 'iVBORw0KGgo=' }, /is derived from the ticket/],
  ])('%s is refused with the reason', async (part, body, why) => {
    const { ticket_id, order_id } = await organiser.issue();
    const answer = await organiser.tries.amend(ticket_id, body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    expect(answer.body.errors).toEqual([{ field: `body/${part}`, reason: expect.stringMatching(why) }]);
    expect(await auditOf(order_id)).toHaveLength(1);
  });

  test.each<[string, unknown]>([
    ['nothing', {}],
    ['a list', []],
    ['an empty label', { seat_label: '' }],
    ['a seat that is not text', { seat_id: 7 }],
  ])('a ticket by %s is refused as invalid', async (_name, body) => {
    const { ticket_id } = await organiser.issue();
    expect(await organiser.tries.amend(ticket_id, body)).toMatchObject({
      status: 400,
      body: { code: 'invalid_request' },
    });
  });

  test('to a seat of another tier is refused, and that seat stays free', async () => {
    const { ticket_id } = await organiser.issue();
    const seatId = randomUUID();
    platform.seating.tierOf.set(seatId, randomUUID());
    expect(await organiser.tries.amend(ticket_id, { seat_id: seatId })).toMatchObject(REFUSED);
    await buyer.order([seatId]);
  });

  test('to a seat that is sold or held is refused, naming it', async () => {
    const [{ ticket_id, seat_id }, other] = [await organiser.issue(), await organiser.issue()];
    const held = randomUUID();
    await buyer.order([held]);
    for (const seatId of [other.seat_id, held]) {
      expect(await organiser.tries.amend(ticket_id, { seat_id: seatId })).toMatchObject({
        status: 409,
        body: { code: 'seats_taken', seat_ids: [seatId] },
      });
    }
    expect(await platform.app.sql('SELECT seat_id FROM tickets WHERE ticket_id = $1', [ticket_id])).toEqual([
      { seat_id },
    ]);
  });

  test('a void or unpaid ticket is refused', async () => {
    const { ticket_id } = await organiser.issue();
    await organiser.void(ticket_id);
    const [unpaid] = (await buyer.tickets(await buyer.order())) as [Ticket];
    for (const id of [ticket_id, unpaid.ticket_id]) {
      expect(await organiser.tries.amend(id, { note: 'x' })).toMatchObject(REFUSED);
    }
  });
});

describe('the holder of a ticket', () => {
  test('may neither change nor void it', async () => {
    const { tickets } = await sold(100);
    const [ticket] = tickets;
    expect((await buyer.tries.amend(ticket, { note: 'x' })).status).toBe(403);
    expect((await buyer.tries.void(ticket, '?refund=true')).status).toBe(403);
  });
});

describe('with an Idempotency-Key', () => {
  test('each of the three actions happens once and repeats its answer', async () => {
    const twice = async (send: (once: Person) => Promise<Answer>) => {
      const once = organiser.via({ headers: { 'idempotency-key': randomUUID() } });
      const [first, again] = [await send(once), await send(once)];
      expect(again.headers.get('idempotent-replayed')).toBe('true');
      expect([again.status, again.body]).toEqual([first.status, first.body]);
      return first;
    };
    const seat_id = randomUUID();
    const { ticket_id, order_id } = (await twice(({ tries }) => tries.issue({ seat_id, price: 20 }))).body;
    await twice(({ tries }) => tries.amend(ticket_id, { note: 'once' }));
    expect((await twice(({ tries }) => tries.void(ticket_id, '?refund=true'))).status).toBe(204);
    expect((await auditOf(order_id)).map(({ action }) => action)).toEqual([
      'ticket.voided',
      'ticket.changed',
      'ticket.issued',
    ]);
    expect(await stored.refunds(order_id)).toHaveLength(1);
  });
});

import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readQrCode } from '../../scripts/qr-reader.ts';
import { seatQuestions, TIER } from '../support/fake-seating.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { recordEvents } from '../support/recorded-events.ts';
import { until } from '../support/servers.ts';
import { type StripeApi, stripeApi } from '../support/stripe-api.ts';

const ADMIN = { user_groups: ['/Permissions/Users/System Admins'] };
const organiserId = randomUUID();
const scannerId = randomUUID();
const events = recordEvents();
let platform: PlatformApp;
let stripe: StripeApi;
let organiser: string;
let admin: string;
let buyer: string;
let scanner: string;

beforeAll(async () => {
  platform = await startPlatformApp({}, {}, { eventLog: events.log });
  stripe = stripeApi(platform.app.url);
  platform.seating.owners.set(platform.eventId, organiserId);
  platform.seating.scanners.set(scannerId, new Set([platform.sessionId]));
  [organiser, buyer, scanner] = (await Promise.all(
    [organiserId, randomUUID(), scannerId].map((id) => platform.token(id)),
  )) as [string, string, string];
  admin = await platform.issuer.token(randomUUID(), ADMIN);
});

beforeEach(() => {
  platform.seating.query = undefined;
  platform.seating.seating = undefined;
});

const wish = (changes: Record<string, unknown> = {}) => ({
  event_id: platform.eventId,
  session_id: platform.sessionId,
  seat_id: randomUUID(),
  price: 0,
  ...changes,
});

function issue(changes: Record<string, unknown> = {}, token = organiser, headers = {}) {
  return platform.app.call('POST', '/api/order/ticket', { token, body: wish(changes), headers });
}

async function issued(changes: Record<string, unknown> = {}) {
  const { status, body, text } = await issue(changes);
  expect(status, text).toBe(201);
  return body as { ticket_id: string; order_id: string; seat_id: string; seat_label: string };
}

const amend = (ticketId: string, body: unknown, token = organiser) =>
  platform.app.call('PUT', `/api/order/ticket/${ticketId}`, { token, body });

const voidIt = (ticketId: string, query = '', token = organiser, headers = {}) =>
  platform.app.call('DELETE', `/api/order/ticket/${ticketId}${query}`, { token, headers });

/** A completed order of the buyer for seats at these prices. */
async function sold(prices: readonly number[], discount?: { amount: number }) {
  const seatIds = prices.map((price) => {
    const seatId = randomUUID();
    platform.seating.prices.set(seatId, price);
    return seatId;
  });
  let discountId: string | undefined;
  if (discount) {
    const { catalogueDiscount } = await import('../support/fake-seating.ts');
    discountId = catalogueDiscount(platform.seating, { type: 'FLAT_OFF', ...discount });
  }
  const orderId = await platform.place(buyer, seatIds, discountId);
  const intentId = await platform.pay(buyer, orderId);
  const checkout = await platform.app.call('POST', `/api/order/${orderId}/checkout`, { token: buyer });
  expect(checkout.status).toBe(200);
  const tickets = checkout.body.tickets as { ticket_id: string; seat_id: string }[];
  return {
    orderId,
    intentId,
    tickets: seatIds.map((id) => tickets.find((each) => each.seat_id === id)?.ticket_id ?? ''),
  };
}

async function orderOf(orderId: string) {
  const [row] = await platform.app.sql<{ status: string; cancel_reason: string | null; price: string }>(
    'SELECT status, cancel_reason, price::text FROM orders WHERE order_id = $1',
    [orderId],
  );
  return row;
}

async function liveOf(orderId: string): Promise<number> {
  const rows = await platform.app.sql('SELECT FROM tickets WHERE order_id = $1 AND voided_at IS NULL', [
    orderId,
  ]);
  return rows.length;
}

const paymentsOf = (orderId: string) =>
  platform.app.sql(
    'SELECT payment_intent_id, amount_minor::int AS amount, state FROM payments WHERE order_id = $1',
    [orderId],
  );

const refundsOf = (orderId: string) =>
  platform.app.sql<{ amount: number; ticket_id: string; requested_by: string; provider_id: string | null }>(
    `SELECT r.amount_minor::int AS amount, r.ticket_id, r.requested_by, r.provider_id
       FROM refunds r JOIN payments USING (payment_intent_id) WHERE order_id = $1 ORDER BY r.created_at`,
    [orderId],
  );

const seatNews = (seatId: string) =>
  events
    .on('ticketly.seats.status', platform.sessionId)
    .filter((news) => news.seat_ids.includes(seatId))
    .map(({ status }) => status);

async function deedsOn(orderId: string) {
  const path = `/api/order/audit/events/${platform.eventId}?limit=500`;
  const { body } = await platform.app.call('GET', path, { token: organiser });
  return body
    .filter((entry: { order_id: string }) => entry.order_id === orderId)
    .map(({ action, actor, ticket_id, before, after }: Record<string, unknown>) => ({
      action,
      actor,
      ticket_id,
      before,
      after,
    }));
}

describe('a complimentary ticket', () => {
  test('is a completed order of its own, announced as any other, and admits', async () => {
    const { status, body } = await issue({ tier_id: TIER, note: 'Guest of the band' });
    expect({ status, body }).toEqual({
      status: 201,
      body: {
        ticket_id: expect.any(String),
        order_id: expect.any(String),
        seat_id: expect.any(String),
        seat_label: `L-${body.seat_id.slice(0, 4)}`,
        colour: '#FFD700',
        tier_id: TIER,
        tier_name: 'VIP',
        price_at_purchase: 0,
        issued_at: expect.any(String),
        checked_in: false,
        checked_in_time: '0001-01-01T00:00:00Z',
        note: 'Guest of the band',
      },
    });
    expect(await orderOf(body.order_id)).toEqual({ status: 'completed', cancel_reason: null, price: '0.00' });
    expect(await paymentsOf(body.order_id)).toEqual([]);
    await until('all is published', () => seatNews(body.seat_id).length === 2);
    expect(seatNews(body.seat_id)).toEqual(['LOCKED', 'BOOKED']);
    const [created] = events.on('ticketly.order.created', body.order_id);
    const [updated] = events.on('ticketly.order.updated', body.order_id);
    expect(created).toMatchObject({ Status: 'pending', Price: 0, OrganizationID: platform.organizationId });
    expect(updated).toMatchObject({ Status: 'completed', UserID: organiserId, EventID: platform.eventId });
    expect(JSON.stringify([created, updated])).not.toContain('Guest');

    const read = await platform.app.call('GET', `/api/order/ticket/${body.ticket_id}`, { token: organiser });
    expect(read.body.note).toBe('Guest of the band');
    const qrText = await readQrCode(Buffer.from(read.body.qr_code, 'base64'));
    const door = { token: scanner, body: { encrypted_qr: qrText } };
    expect((await platform.app.call('POST', '/api/order/ticket/checkin', door)).status).toBe(200);
    expect(await deedsOn(body.order_id)).toEqual([
      {
        action: 'ticket.issued',
        actor: organiserId,
        ticket_id: body.ticket_id,
        before: null,
        after: {
          seat_id: body.seat_id,
          seat_label: body.seat_label,
          tier_name: 'VIP',
          price: 0,
          has_note: true,
        },
      },
    ]);
  });

  test('asks both seating services, with the organisation that the catalogue names', async () => {
    platform.seating.calls.length = 0;
    const { seat_id } = await issued();
    const asked = seatQuestions(platform.seating);
    expect(asked.map(({ path }) => path).toSorted()).toEqual([
      '/query/internal/v1/validate-pre-order',
      '/seating/internal/v1/validate-pre-order',
    ]);
    for (const { body } of asked) expect(body).toEqual(platform.request([seat_id]));
  });
});

describe('a ticket for cash', () => {
  test('completes with its money written down as cash, and counts in the sales', async () => {
    const totals = () =>
      platform.app.sql(
        `SELECT orders::int, tickets::int, revenue::text FROM sales_totals WHERE scope = 'event' AND scope_id = $1`,
        [platform.eventId],
      );
    const sumOf = async (): Promise<{ orders: number; revenue: number }> => {
      await until(
        'the sales are counted',
        async () => (await platform.app.sql('SELECT FROM sale_changes')).length === 0,
      );
      const [row] = (await totals()) as { orders: number; revenue: string }[];
      return { orders: row?.orders ?? 0, revenue: Math.round(Number(row?.revenue ?? 0) * 100) };
    };
    const before = await sumOf();
    const ticket = await issued({ price: 149.99 });
    expect(await paymentsOf(ticket.order_id)).toEqual([
      { payment_intent_id: `cash:${ticket.order_id}`, amount: 14_999, state: 'applied' },
    ]);
    expect(await orderOf(ticket.order_id)).toMatchObject({ status: 'completed', price: '149.99' });
    expect(await sumOf()).toEqual({ orders: before.orders + 1, revenue: before.revenue + 14_999 });
  });

  test('gives the cash back when it is voided: handed over by the one who asks, and never at Stripe', async () => {
    const ticket = await issued({ price: 50 });
    const refunds = (await stripe.list('refunds')).length;
    expect((await voidIt(ticket.ticket_id, '?refund=true')).status).toBe(204);
    expect(await refundsOf(ticket.order_id)).toEqual([
      {
        amount: 5_000,
        ticket_id: ticket.ticket_id,
        requested_by: organiserId,
        provider_id: expect.stringMatching(/^manual:.*:cash over the counter$/),
      },
    ]);
    expect(await paymentsOf(ticket.order_id)).toMatchObject([{ state: 'refunded' }]);
    expect(await orderOf(ticket.order_id)).toMatchObject({ status: 'cancelled', cancel_reason: 'refunded' });
    expect((await stripe.list('refunds')).length).toBe(refunds);
  });

  test('is in the organiser’s figures: taken, and given back', async () => {
    const figures = async () => {
      const path = `/api/order/analytics/events/${platform.eventId}`;
      const { body } = await platform.app.call('GET', path, { token: organiser });
      return [body.total_orders, body.total_revenue, body.money_taken, body.money_refunded].map((figure) =>
        Math.round(figure * 100),
      );
    };
    const before = await figures();
    const since = async () => (await figures()).map((figure, at) => figure - (before[at] ?? 0));
    const { ticket_id } = await issued({ price: 149.99 });
    expect(await since()).toEqual([100, 14_999, 14_999, 0]);
    await voidIt(ticket_id);
    expect(await since()).toEqual([100, 14_999, 14_999, 0]);
    await voidIt(ticket_id, '?refund=true');
    expect(await since()).toEqual([0, 0, 14_999, 14_999]);
  });

  test('that an administrator gives back from afar waits for a person, who says when it was handed over', async () => {
    const ticket = await issued({ price: 50 });
    expect(
      (await platform.app.call('POST', `/api/order/${ticket.order_id}/refund`, { token: admin })).status,
    ).toBe(200);
    const stuck = await platform.app.call('GET', '/api/order/admin/payments?state=stuck', { token: admin });
    const mine = stuck.body.find((row: { order_id: string }) => row.order_id === ticket.order_id);
    expect(mine).toMatchObject({ kind: 'refund', amount_minor: 5_000 });
    const settled = { token: admin, body: { reference: 'till 2' } };
    expect(
      (await platform.app.call('POST', `/api/order/admin/payments/${mine.id}/settled`, settled)).status,
    ).toBe(204);
    expect(await paymentsOf(ticket.order_id)).toMatchObject([{ state: 'refunded' }]);
  });

  test('is nothing that the comparison with Stripe misses there', async () => {
    const { order_id } = await issued({ price: 50 });
    const [paid] = await paymentsOf(order_id);
    expect(paid).toMatchObject({ state: 'applied' });
    await platform.app.sql('DELETE FROM daily_jobs');
    const from = platform.app.log.length;
    await platform.app.app.turn('reconciliation');
    const compared = () =>
      platform.app.log.slice(from).filter((line) => line.includes('payments compared with Stripe'));
    await until('the payments are compared', () => compared().length > 0);
    expect(platform.app.log.slice(from).filter((line) => line.includes('cash:'))).toEqual([]);
    expect(await paymentsOf(order_id)).toEqual([paid]);
  });
});

describe('is refused', () => {
  test.each<[string, Record<string, unknown>, number, string]>([
    ['a price below zero', { price: -1 }, 400, 'invalid_request'],
    ['a part of a cent', { price: 0.001 }, 400, 'invalid_request'],
    ['no price', { price: undefined }, 400, 'invalid_request'],
    ['a price in words', { price: 'free' }, 400, 'invalid_request'],
    ['a price beyond numbers', { price: 1e300 }, 400, 'invalid_request'],
    ['a note of many pages', { note: 'x'.repeat(301) }, 400, 'invalid_request'],
    ['a note with a line break', { note: 'a\nb' }, 400, 'invalid_request'],
    ['no seat', { seat_id: '' }, 400, 'invalid_request'],
    ['an event that is none', { event_id: 'x' }, 400, 'invalid_request'],
    ['another tier than the seat’s', { tier_id: randomUUID() }, 409, 'ticket_change_refused'],
    ['a session that there is not', { session_id: randomUUID() }, 400, 'seats_refused'],
  ])('%s', async (_name, changes, status, code) => {
    const seat_id = randomUUID();
    expect(await issue({ seat_id, ...changes })).toMatchObject({ status, body: { code } });
    expect(await platform.app.sql('SELECT FROM tickets WHERE seat_id = $1', [seat_id])).toEqual([]);
    // Nothing holds the seat either.
    await platform.place(buyer, [seat_id]);
  });

  test('a session of somebody else’s event, under an event of one’s own', async () => {
    const [event, session] = [randomUUID(), randomUUID()];
    platform.seating.sessions.set(session, {
      ...platform.seating.sessions.get(platform.sessionId),
      title: 'x',
      eventId: event,
    });
    expect(await issue({ session_id: session })).toMatchObject({
      status: 400,
      body: { code: 'seats_refused' },
    });
  });

  test('a seat that is sold, with its id', async () => {
    const { seat_id } = await issued();
    const answer = await issue({ seat_id });
    expect(answer).toMatchObject({ status: 409, body: { code: 'seats_taken', seat_ids: [seat_id] } });
    const order = await platform.app.call('POST', '/api/order', {
      token: buyer,
      body: platform.request([seat_id]),
    });
    expect(order).toMatchObject({ status: 409, body: { code: 'seats_taken', seat_ids: [seat_id] } });
  });

  test('what the seating services refuse, in their words', async () => {
    platform.seating.query = undefined;
    platform.seating.seating = { status: 409, body: { message: 'The hall is closed.' } };
    expect(await issue()).toMatchObject({
      status: 400,
      body: { code: 'seats_refused', detail: 'The hall is closed.' },
    });
  });

  test('everybody, while the seating services are away', async () => {
    platform.seating.away = true;
    try {
      expect(await issue({}, admin)).toMatchObject({ status: 503, body: { code: 'seating_unavailable' } });
    } finally {
      platform.seating.away = false;
    }
  });
});

describe('voiding', () => {
  test('one ticket of several: its seat is free, the order goes on, the money stays', async () => {
    const { orderId, tickets } = await sold([100, 50]);
    const [first = '', second = ''] = tickets;
    const [{ seat_id = '' } = {}] = await platform.app.sql<{ seat_id: string }>(
      'SELECT seat_id FROM tickets WHERE ticket_id = $1',
      [first],
    );
    expect((await voidIt(first)).status).toBe(204);
    expect(await orderOf(orderId)).toMatchObject({ status: 'completed', price: '150.00' });
    expect(await liveOf(orderId)).toBe(1);
    expect(await refundsOf(orderId)).toEqual([]);
    await until('the seat is told of', () => seatNews(seat_id).includes('AVAILABLE'));
    const updated = events.on('ticketly.order.amended', orderId).at(-1);
    expect(updated?.tickets.map(({ ticket_id }: { ticket_id: string }) => ticket_id)).toEqual([second]);
    expect(await platform.app.sql('SELECT void_reason FROM tickets WHERE ticket_id = $1', [first])).toEqual([
      { void_reason: 'organiser' },
    ]);
    await platform.place(buyer, [seat_id]);
  });

  test('twice is once, also at the same moment', async () => {
    const { orderId, tickets } = await sold([100, 50]);
    const [first = ''] = tickets;
    const answers = await Promise.all(Array.from({ length: 4 }, () => voidIt(first, '?refund=true')));
    expect(answers.map(({ status }) => status)).toEqual([204, 204, 204, 204]);
    expect((await voidIt(first, '?refund=true')).status).toBe(204);
    expect(await refundsOf(orderId)).toMatchObject([{ amount: 10_000, ticket_id: first }]);
    expect((await deedsOn(orderId)).map(({ after }: { after: unknown }) => after)).toEqual([
      { is_void: true, given_back: 100 },
    ]);
  });

  test('the money may be asked for later, once', async () => {
    const { orderId, tickets } = await sold([100, 50]);
    const [first = ''] = tickets;
    for (const query of ['', '?refund=true', '?refund=true', ''])
      expect((await voidIt(first, query)).status).toBe(204);
    expect(await refundsOf(orderId)).toMatchObject([{ amount: 10_000 }]);
    expect(await deedsOn(orderId)).toMatchObject([
      { before: { is_void: true }, after: { given_back: 100 } },
      { before: { is_void: false }, after: { given_back: 0 } },
    ]);
  });

  test.each<[string, number[], number, number[]]>([
    ['thirds of a price', [100, 100, 100], 200, [3333.33, 3333.33, 3333.33]],
    ['unlike parts', [10, 20.01, 0.03], 10, [667.11, 1334.89, 2]],
    ['parts below a cent', [0.01, 0.01, 100], 99.99, [0, 0, 3]],
  ])('each ticket in turn gives exactly the price back: %s', async (_name, prices, amount, shares) => {
    const { orderId, intentId, tickets } = await sold(prices, { amount });
    const [paid] = (await paymentsOf(orderId)) as { amount: number }[];
    for (const ticket of tickets) expect((await voidIt(ticket, '?refund=true')).status).toBe(204);
    const refunds = await refundsOf(orderId);
    const given = refunds.reduce((sum, refund) => sum + refund.amount, 0);
    expect(given).toBe(paid?.amount);
    for (const [at, share] of shares.entries()) {
      const back = refunds.find((refund) => refund.ticket_id === tickets[at])?.amount ?? 0;
      // Which ticket a rounded unit falls to is decided by their ids.
      expect(Math.abs(back - share)).toBeLessThan(1);
    }
    await until('Stripe has given it back', async () => {
      const there = await stripe.list(`refunds?payment_intent=${intentId}`);
      return there.reduce((sum: number, refund: { amount: number }) => sum + refund.amount, 0) === given;
    });
    expect(await orderOf(orderId)).toMatchObject({ status: 'cancelled', cancel_reason: 'refunded' });
  });

  test('the last ticket without its money: the order keeps the money, and has no ticket', async () => {
    const { orderId, tickets } = await sold([100]);
    const [ticket = ''] = tickets;
    expect((await voidIt(ticket)).status).toBe(204);
    expect([await orderOf(orderId), await liveOf(orderId)]).toMatchObject([{ status: 'completed' }, 0]);
    expect((await voidIt(ticket, '?refund=true')).status).toBe(204);
    expect(await orderOf(orderId)).toMatchObject({ status: 'cancelled', cancel_reason: 'refunded' });
    expect(
      await until('it is cancelled', () => events.on('ticketly.order.canceled', orderId)[0]),
    ).toMatchObject({ seat_ids: [] });
  });

  test('the last ticket that cost nothing ends its order', async () => {
    const { ticket_id, order_id, seat_id } = await issued();
    expect((await voidIt(ticket_id, '?refund=true')).status).toBe(204);
    expect(await orderOf(order_id)).toMatchObject({ status: 'cancelled', cancel_reason: 'organiser' });
    const message = await until('it is cancelled', () => events.on('ticketly.order.canceled', order_id)[0]);
    expect(message).toMatchObject({ Status: 'cancelled', seat_ids: [seat_id] });
  });

  test('is refused where the last of the money would go and other tickets stay', async () => {
    const { orderId, tickets } = await sold([100, 0]);
    const [paid = '', free = ''] = tickets;
    expect(await voidIt(paid, '?refund=true')).toMatchObject({
      status: 409,
      body: { code: 'ticket_change_refused' },
    });
    expect([await liveOf(orderId), await refundsOf(orderId)]).toEqual([2, []]);
    expect((await voidIt(free)).status).toBe(204);
    expect((await voidIt(paid, '?refund=true')).status).toBe(204);
    expect(await orderOf(orderId)).toMatchObject({ cancel_reason: 'refunded' });
  });

  test('is refused while the order is not paid', async () => {
    const orderId = await platform.place(buyer);
    const { body } = await platform.app.call('GET', `/api/order/${orderId}/tickets`, { token: buyer });
    expect(await voidIt(body[0].ticket_id)).toMatchObject({
      status: 409,
      body: { code: 'ticket_change_refused' },
    });
    expect(await liveOf(orderId)).toBe(1);
  });

  test('of a cancelled order changes nothing', async () => {
    const { orderId, tickets } = await sold([100]);
    await platform.app.call('DELETE', `/api/order/${orderId}`, { token: admin });
    expect((await voidIt(tickets[0] ?? '', '?refund=true')).status).toBe(204);
    expect(await refundsOf(orderId)).toMatchObject([{ amount: 10_000, ticket_id: null }]);
  });

  test('closes the door to its QR code', async () => {
    const { ticket_id } = await issued();
    const read = await platform.app.call('GET', `/api/order/ticket/${ticket_id}`, { token: organiser });
    const qrText = await readQrCode(Buffer.from(read.body.qr_code, 'base64'));
    await voidIt(ticket_id);
    const door = { token: scanner, body: { encrypted_qr: qrText } };
    const answer = await platform.app.call('POST', '/api/order/ticket/checkin', door);
    expect(answer).toMatchObject({ status: 409, body: { code: 'ticket_cancelled' } });
  });

  test('a ticket that there is not', async () => {
    expect(await voidIt(randomUUID())).toMatchObject({ status: 404, body: { code: 'ticket_not_found' } });
  });
});

describe('changing', () => {
  test('the seat to a free one of the same tier: one is booked, the other free, the QR code stays good', async () => {
    const { orderId, tickets } = await sold([100]);
    const [ticketId = ''] = tickets;
    const to = randomUUID();
    const before = await platform.app.call('GET', `/api/order/ticket/${ticketId}`, { token: buyer });
    const answer = await amend(ticketId, { seat_id: to });
    expect(answer).toMatchObject({
      status: 200,
      body: { ticket_id: ticketId, seat_id: to, seat_label: `L-${to.slice(0, 4)}`, price_at_purchase: 100 },
    });
    const after = await platform.app.call('GET', `/api/order/ticket/${ticketId}`, { token: buyer });
    expect(after.body).toMatchObject({ seat_id: to, qr_code: before.body.qr_code });
    await until('both seats are told of', () => seatNews(before.body.seat_id).includes('AVAILABLE'));
    expect(seatNews(to)).toEqual(['BOOKED']);
    expect(events.on('ticketly.order.amended', orderId).at(-1)?.tickets).toMatchObject([{ seat_id: to }]);
    await platform.place(buyer, [before.body.seat_id]);
    const taken = await platform.app.call('POST', '/api/order', {
      token: buyer,
      body: platform.request([to]),
    });
    expect(taken.status).toBe(409);
    expect(await deedsOn(orderId)).toMatchObject([
      {
        action: 'ticket.changed',
        ticket_id: ticketId,
        before: { seat_id: before.body.seat_id, seat_label: before.body.seat_label },
        after: { seat_id: to, seat_label: answer.body.seat_label },
      },
    ]);
  });

  test('label and note; an empty note goes; what a note says is not in the trail, nor in the log', async () => {
    const { ticket_id, order_id } = await issued({ note: 'Mrs Perera' });
    expect((await amend(ticket_id, { seat_label: 'Box 3', note: 'Mrs Silva' })).body).toMatchObject({
      seat_label: 'Box 3',
      note: 'Mrs Silva',
    });
    expect((await amend(ticket_id, { note: '' })).body).not.toHaveProperty('note');
    const deeds = await deedsOn(order_id);
    expect(deeds.map(({ after }: { after: unknown }) => after)).toEqual([
      { has_note: false, is_note_new: true },
      { seat_label: 'Box 3', has_note: true, is_note_new: true },
      expect.objectContaining({ has_note: true }),
    ]);
    expect(JSON.stringify(deeds) + platform.app.log.join()).not.toMatch(/Perera|Silva/);
  });

  test('to what it is already is nothing', async () => {
    const { ticket_id, order_id, seat_id, seat_label } = await issued();
    const read = await platform.app.call('GET', `/api/order/ticket/${ticket_id}`, { token: organiser });
    const { qr_code: _qrCode, ...whole } = read.body;
    expect(await amend(ticket_id, { ...whole, seat_id, seat_label })).toMatchObject({ status: 200 });
    expect(await deedsOn(order_id)).toHaveLength(1);
    expect(events.on('ticketly.order.updated', order_id)).toHaveLength(1);
  });

  test.each<[string, Record<string, unknown>, RegExp]>([
    ['price_at_purchase', { price_at_purchase: 1 }, /what was paid stays written/],
    ['tier_id', { tier_id: randomUUID(), note: 'x' }, /stays in its tier/],
    ['order_id', { order_id: randomUUID() }, /stays in its order/],
    ['checked_in', { checked_in: true }, /only a check-in/],
    ['holder', { holder: 'me' }, /no such part/],
    ['toString', { toString: 1 }, /no such part/],
    ['qr_code', { qr_code: 'iVBORw0KGgo=' }, /follows from the ticket/],
  ])('says why it refuses %s', async (part, body, why) => {
    const { ticket_id, order_id } = await issued();
    const answer = await amend(ticket_id, body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    expect(answer.body.errors).toEqual([{ field: `body/${part}`, reason: expect.stringMatching(why) }]);
    expect(await deedsOn(order_id)).toHaveLength(1);
  });

  test.each<[string, unknown]>([
    ['nothing', {}],
    ['a list', []],
    ['a label of nothing', { seat_label: '' }],
    ['a seat that is no text', { seat_id: 7 }],
  ])('%s is not valid', async (_name, body) => {
    const { ticket_id } = await issued();
    expect(await amend(ticket_id, body)).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  });

  test('a seat of another tier is refused, and stays free', async () => {
    const { ticket_id } = await issued();
    const seatId = randomUUID();
    platform.seating.tierOf.set(seatId, randomUUID());
    expect(await amend(ticket_id, { seat_id: seatId })).toMatchObject({
      status: 409,
      body: { code: 'ticket_change_refused' },
    });
    await platform.place(buyer, [seatId]);
  });

  test('a seat that is sold or held is refused, with its id', async () => {
    const [{ ticket_id, seat_id }, other] = [await issued(), await issued()];
    const held = randomUUID();
    await platform.place(buyer, [held]);
    for (const seatId of [other.seat_id, held]) {
      expect(await amend(ticket_id, { seat_id: seatId })).toMatchObject({
        status: 409,
        body: { code: 'seats_taken', seat_ids: [seatId] },
      });
    }
    expect(await platform.app.sql('SELECT seat_id FROM tickets WHERE ticket_id = $1', [ticket_id])).toEqual([
      { seat_id },
    ]);
  });

  test('a void ticket, or one that is not paid, is refused', async () => {
    const { ticket_id } = await issued();
    await voidIt(ticket_id);
    const orderId = await platform.place(buyer);
    const { body } = await platform.app.call('GET', `/api/order/${orderId}/tickets`, { token: buyer });
    for (const id of [ticket_id, body[0].ticket_id]) {
      expect(await amend(id, { note: 'x' })).toMatchObject({
        status: 409,
        body: { code: 'ticket_change_refused' },
      });
    }
  });
});

describe('the holder', () => {
  test('of a ticket may neither change nor void it', async () => {
    const { tickets } = await sold([100]);
    const [ticketId = ''] = tickets;
    expect((await amend(ticketId, { note: 'x' }, buyer)).status).toBe(403);
    expect((await voidIt(ticketId, '?refund=true', buyer)).status).toBe(403);
  });
});

describe('with an Idempotency-Key', () => {
  test('each of the three has the effect of one, and repeats its answer', async () => {
    const body = wish({ price: 20 });
    const send = (method: string, path: string, key: string, sent?: unknown) =>
      platform.app.call(method, path, {
        token: organiser,
        headers: { 'idempotency-key': key },
        ...(sent === undefined ? {} : { body: sent }),
      });
    const twice = async (method: string, path: string, sent?: unknown) => {
      const key = randomUUID();
      const [first, again] = [await send(method, path, key, sent), await send(method, path, key, sent)];
      expect(again.headers.get('idempotent-replayed')).toBe('true');
      expect([again.status, again.body]).toEqual([first.status, first.body]);
      return first;
    };
    const { ticket_id, order_id } = (await twice('POST', '/api/order/ticket', body)).body;
    await twice('PUT', `/api/order/ticket/${ticket_id}`, { note: 'once' });
    expect((await twice('DELETE', `/api/order/ticket/${ticket_id}?refund=true`)).status).toBe(204);
    expect((await deedsOn(order_id)).map(({ action }: { action: string }) => action)).toEqual([
      'ticket.voided',
      'ticket.changed',
      'ticket.issued',
    ]);
    expect(await refundsOf(order_id)).toHaveLength(1);
  });
});

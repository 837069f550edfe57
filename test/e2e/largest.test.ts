import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { catalogueDiscount, seatsAt, TIER } from '../support/fake-seating.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';

/** Major units. */
const HIGHEST = 1_000_000_000;
const ABSURD = 90_071_992_547_409.91;

let platform: PlatformApp;
let token: string;
let organiser: string;

beforeAll(async () => {
  platform = await startPlatformApp();
  const sub = randomUUID();
  organiser = await platform.token(sub);
  platform.seating.owners.set(platform.eventId, sub);
});

beforeEach(async () => {
  token = await platform.token(randomUUID());
  platform.seating.query = undefined;
});

const order = (seats: readonly string[], discountId?: string) =>
  platform.app.call('POST', '/api/order', { token, body: platform.request(seats, discountId) });
const tenAt = (price: number) => seatsAt(platform.seating, ...Array<number>(10).fill(price));
const ticketsOf = (seat: string) => platform.app.sql('SELECT FROM tickets WHERE seat_id = $1', [seat]);
const figures = async () =>
  (await platform.app.call('GET', `/api/order/analytics/events/${platform.eventId}`, { token: organiser })).body;

function issue(price: number) {
  const { eventId: event_id, sessionId: session_id } = platform;
  const body = { event_id, session_id, seat_id: randomUUID(), price };
  return platform.app.call('POST', '/api/order/ticket', { token: organiser, body });
}

describe('largest: the prices of a seating service', () => {
  test.each([ABSURD, HIGHEST + 0.01, 1e300])('ten seats at %d are refused, and stay free', async (price) => {
    const seats = tenAt(price);
    expect(await order(seats)).toMatchObject({ status: 422, body: { code: 'price_not_chargeable' } });
    expect(await ticketsOf(seats[0] ?? '')).toEqual([]);
    platform.seating.prices.clear();
    expect((await order(seats)).status).toBe(201);
  });

  test('ten seats at the highest price are added up exactly, from the order to the figures', async () => {
    const before = await figures();
    const gift = catalogueDiscount(platform.seating, { type: 'PERCENTAGE', percentage: 100 });
    const placed = await order(tenAt(HIGHEST), gift);
    expect(placed.status).toBe(201);
    const { body } = await platform.app.call('POST', `/api/order/${placed.body.order_id}/checkout`, { token });
    const total = 10 * HIGHEST;
    expect(body).toMatchObject({ Status: 'completed', SubTotal: total, DiscountAmount: total, Price: 0 });
    const after = await figures();
    expect(after.total_before_discounts - before.total_before_discounts).toBe(total);
  });
});

describe('absurd-price: a ticket sold for cash', () => {
  test.each([ABSURD, HIGHEST + 0.01])('it is refused at %d, with a code of its own', async (price) => {
    const answer = await issue(price);
    expect(answer).toMatchObject({ status: 422, body: { code: 'price_too_high' } });
    expect(answer.body.detail).toContain('1000000000.00 LKR');
  });

  test.each([1e300, Number.MAX_VALUE])('it is refused at %d, which is no amount', async (price) => {
    expect(await issue(price)).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  });

  test('it may cost the highest price, and the figures of its organiser stay exact', async () => {
    const { total_revenue: before } = await figures();
    const statuses = [(await issue(HIGHEST)).status, (await issue(HIGHEST)).status];
    expect(statuses).toEqual([201, 201]);
    expect((await figures()).total_revenue - before).toBe(2 * HIGHEST);
  });
});

describe('largest: the discounts of a seating service', () => {
  const flat = { type: 'FLAT_OFF', amount: 1 };
  const long = (length: number) => `${randomUUID()}${'x'.repeat(length - 36)}`;

  test.each([
    ['maxUsage 2^31', { maxUsage: 2 ** 31 }],
    ['maxUsage 2^40', { maxUsage: 2 ** 40 }],
    ['a code of 101 characters', { code: long(101) }],
    ['a code of 100 kB', { code: long(100_000) }],
  ])('one with %s is refused in short, and its seat stays free', async (_name, changes) => {
    const seat = randomUUID();
    const answer = await order([seat], catalogueDiscount(platform.seating, flat, changes));
    expect(answer).toMatchObject({ status: 400, body: { code: 'discount_refused' } });
    expect(answer.body.detail).toBe('A number or a text of the discount is too large. Please inform the organiser.');
    expect((await order([seat])).status).toBe(201);
  });

  test.each([
    ['maxUsage 2^31 - 1', { maxUsage: 2 ** 31 - 1 }],
    ['a code of 100 characters', { code: long(100) }],
    ['quantities of 2^53 - 1', { parameters: { type: 'BUY_N_GET_N_FREE', buyQuantity: 1, getQuantity: 2 ** 53 - 1 } }],
  ])('one with %s is taken', async (_name, changes) => {
    expect((await order([randomUUID()], catalogueDiscount(platform.seating, flat, changes))).status).toBe(201);
  });
});

describe('largest: the texts of a seating service', () => {
  const quote = (seatId: string, changes: object, tier: object) => ({
    status: 200,
    body: {
      seats: [{ seatId, label: 'A1', tier: { id: TIER, name: 'VIP', price: 100, color: '#fff', ...tier }, ...changes }],
    },
  });

  test.each([
    ['label', { label: 'x'.repeat(100_000) }, {}],
    ['tier name', {}, { name: 'x'.repeat(201) }],
    ['colour', {}, { color: 'x'.repeat(201) }],
  ])('a longer %s than 200 characters is refused, and stands in no message', async (_name, changes, tier) => {
    await order([randomUUID()]);
    const seat = randomUUID();
    platform.seating.query = quote(seat, changes, tier);
    expect(await order([seat])).toMatchObject({ status: 400, body: { code: 'seats_refused' } });
    expect(await ticketsOf(seat)).toEqual([]);
  });

  test('texts of 200 characters are taken', async () => {
    await order([randomUUID()]);
    const seat = randomUUID();
    const text = 'x'.repeat(200);
    platform.seating.query = quote(seat, { label: text }, { name: text, color: text });
    expect((await order([seat])).status).toBe(201);
  });
});

test('largest: a refused field of a ticket is named in short, whatever its name is', async () => {
  const { body: ticket } = await issue(0);
  const answer = await platform.app.call('PUT', `/api/order/ticket/${ticket.ticket_id}`, {
    token: organiser,
    body: { ['y'.repeat(50_000)]: 1 },
  });
  expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  expect(answer.text.length).toBeLessThan(2_000);
});

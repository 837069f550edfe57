import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { catalogueDiscount, seatsAt } from '../support/fake-seating.ts';
import { type Watched, watchedBy } from '../support/live-sales.ts';
import { type Person, people } from '../support/people/people.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { until } from '../support/servers.ts';
import { storedIn } from '../support/stored.ts';

/** Ten seats that cost together what Stripe charges at most in rupees: eight digits of cents. */
const DEAREST = [...Array<number>(9).fill(99_999.99), 100_000.08];
const DEAREST_PRICE = 999_999.99;
const ORDERS = 3;
/** The largest amount whose cents are a whole number that JavaScript holds exactly. */
const LARGEST_EXACT = 90_071_992_547_409.91;
const LONG_TEXT = 'long '.repeat(20_000);
/** More than an order of ten seats needs, and much less than one long text. */
const MAX_MESSAGE_CHARS = 32_000;

let platform: PlatformApp;
let buyer: Person;
let organiser: Person;
let admin: Person;
let sales: Watched;

beforeAll(async () => {
  platform = await startPlatformApp();
  sales = await watchedBy(platform);
  ({ buyer, organiser, admin } = await people(platform));
});

async function longestMessage(): Promise<number> {
  const [row] = await platform.app.sql<{ chars: number }>('SELECT max(length(value)) AS chars FROM outbox');
  return row?.chars ?? 0;
}

/** A request that is too large is refused for that, stores nothing and holds no seat. */
async function expectRefused(status: number, seatIds: readonly string[]): Promise<void> {
  expect([400, 409, 413, 422]).toContain(status);
  expect(await platform.app.sql('SELECT FROM tickets WHERE seat_id = ANY ($1)', [seatIds])).toEqual([]);
  for (const seatId of seatIds) platform.seating.prices.set(seatId, 1);
  await buyer.cancel(await buyer.place(seatIds));
}

describe('the dearest orders that can be charged', () => {
  test('are exact to the cent in every sum, list, export, stream and refund', async () => {
    const watcher = await sales.watch(platform.app, { token: organiser.token });
    const bought = [];
    for (let order = 0; order < ORDERS; order += 1) bought.push(await buyer.buy(seatsAt(platform.seating, ...DEAREST)));
    for (const { order } of bought) expect(order).toMatchObject({ SubTotal: DEAREST_PRICE, Price: DEAREST_PRICE });

    const total = Math.round(DEAREST_PRICE * 100 * ORDERS) / 100;
    const sums = { total_revenue: total, total_before_discounts: total, total_orders: ORDERS, money_taken: total };
    const analytics = '/api/order/analytics';
    const { eventId, sessionId, organizationId } = platform;
    expect(await organiser.figures()).toMatchObject({
      ...sums,
      daily_sales: [{ revenue: total }],
      sales_by_tier: [{ revenue: total, tickets_sold: ORDERS * DEAREST.length }],
    });
    const sessions = await organiser.call('GET', `${analytics}/events/${eventId}/sessions`);
    expect(sessions.body.sessions).toMatchObject([{ session_id: sessionId, ...sums }]);
    expect((await organiser.call('GET', `${analytics}/organizations/${organizationId}`)).body).toMatchObject(sums);
    expect((await organiser.listOrders()).map(({ Price }) => Price)).toEqual(Array(ORDERS).fill(DEAREST_PRICE));
    const csv = await organiser.call('GET', `${analytics}/events/${eventId}/export?format=csv&what=orders`);
    expect(csv.text.match(/,999999\.99,/g)?.length).toBeGreaterThanOrEqual(ORDERS);
    await watcher.untilThereAre(ORDERS, 'checkout');
    await until('the live totals are exact', () => watcher.dataOf('stats').at(-1)?.revenue === total);

    const [first] = bought;
    const refunded = await admin.refund(String(first?.orderId));
    expect(refunded.amount).toBe(DEAREST_PRICE);
    await storedIn(platform.app).untilPayment(String(first?.orderId), 'refunded');
    const left = Math.round((total - DEAREST_PRICE) * 100) / 100;
    expect(await organiser.figures()).toMatchObject({
      total_revenue: left,
      money_refunded: DEAREST_PRICE,
      money_net: left,
    });
  });

  test.each([
    ['one cent more', [DEAREST_PRICE, 0.01]],
    ['ten seats at the largest exact price', Array<number>(10).fill(LARGEST_EXACT)],
    ['one seat at the largest exact price', [LARGEST_EXACT]],
  ])('%s is refused when it is ordered', async (_name, prices) => {
    const seatIds = seatsAt(platform.seating, ...prices);
    const { status, body } = await buyer.tries.order(seatIds);
    expect({ status, code: body.code }).toEqual({ status: 422, code: 'price_not_chargeable' });
    await expectRefused(status, seatIds);
  });

  test.each([1e15, 1e21, 1e300])('a seat whose price is %d is an answer that cannot be used', async (price) => {
    const seatIds = seatsAt(platform.seating, price);
    const { status, body } = await buyer.tries.order(seatIds);
    expect([status, body.code]).not.toEqual([500, 'internal']);
    expect(await platform.app.sql('SELECT FROM tickets WHERE seat_id = ANY ($1)', [seatIds])).toEqual([]);
  });
});

describe('a ticket for cash', () => {
  test.each([LARGEST_EXACT, 1e15, 1e21, Number.MAX_VALUE])('is not sold for %d', async (price) => {
    const seat_id = randomUUID();
    const { status } = await organiser.tries.issue({ seat_id, price });
    await expectRefused(status, [seat_id]);
  });

  test('at the highest power of ten that is taken is exact in the sums, and in its refund', async () => {
    const before = await organiser.figures();
    let price = 1e13;
    let answer = await organiser.tries.issue({ price });
    for (; answer.status !== 201; answer = await organiser.tries.issue({ price })) price /= 10;
    expect(price).toBeLessThan(1e13);
    const second = await organiser.issue({ price });
    const after = await organiser.figures();
    expect(after.money_taken).toBeCloseTo(before.money_taken + 2 * price, 2);
    await organiser.void(second, '?refund=true');
    expect((await organiser.figures()).money_refunded).toBeCloseTo(before.money_refunded + price, 2);
    await organiser.void(answer.body, '?refund=true');
  });
});

describe('what another service answers', () => {
  test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['a use limit of 2^40', { type: 'FLAT_OFF', amount: 1 }, { maxUsage: 2 ** 40 }],
    ['a use limit of 2^53', { type: 'FLAT_OFF', amount: 1 }, { maxUsage: 2 ** 53 }],
    ['a count of uses of 2^40', { type: 'FLAT_OFF', amount: 1 }, { currentUsage: 2 ** 40 }],
    ['a code of 100 kB', { type: 'FLAT_OFF', amount: 1 }, { code: LONG_TEXT }],
    ['an amount of 1e300', { type: 'FLAT_OFF', amount: 1e300 }, {}],
    ['a percentage of 1e300', { type: 'PERCENTAGE', percentage: 1e300 }, {}],
    ['a minimum of 1e300', { type: 'FLAT_OFF', amount: 1, minSpend: 1e300 }, {}],
    ['quantities of 2^53', { type: 'BUY_N_GET_N_FREE', buyQuantity: 2 ** 53, getQuantity: 2 ** 53 }, {}],
  ])('about a discount, %s, causes no fault and no long message', async (_name, parameters, changes) => {
    const discountId = catalogueDiscount(platform.seating, parameters, changes);
    const { status, text } = await buyer.tries.order(seatsAt(platform.seating, 100), discountId);
    expect([201, 400, 422, 503], text).toContain(status);
    expect(text.length).toBeLessThan(MAX_MESSAGE_CHARS);
    expect(await longestMessage()).toBeLessThan(MAX_MESSAGE_CHARS);
  });

  test.each(['label', 'name', 'color'])('about a seat, a %s of 100 kB, is not passed on', async (field) => {
    const seatId = randomUUID();
    const tier = {
      id: randomUUID(),
      name: 'VIP',
      price: 100,
      color: '#fff',
      ...(field === 'label' ? {} : { [field]: LONG_TEXT }),
    };
    const seat = { seatId, label: field === 'label' ? LONG_TEXT : 'A1', tier };
    platform.seating.query = { status: 200, body: { seats: [seat], discount: null } };
    const { status, text } = await buyer.tries.order([seatId]);
    platform.seating.query = undefined;
    expect([201, 400, 503], text).toContain(status);
    expect(await longestMessage()).toBeLessThan(MAX_MESSAGE_CHARS);
  });

  test('as a reason to refuse, of 100 kB, is shortened', async () => {
    platform.seating.query = { status: 400, body: { message: LONG_TEXT } };
    const { status, text } = await buyer.tries.order();
    platform.seating.query = undefined;
    expect(status).toBe(400);
    expect(text.length).toBeLessThan(MAX_MESSAGE_CHARS);
  });
});

test.each<[string, Record<string, unknown>]>([
  ['seat_label', { seat_label: LONG_TEXT }],
  ['note', { note: LONG_TEXT }],
  ['seat_id', { seat_id: LONG_TEXT }],
  ['tier_id', { tier_id: LONG_TEXT }],
])('a ticket is not changed to a %s of 100 kB', async (_field, body) => {
  const ticket = await organiser.issue();
  expect([400, 413]).toContain((await organiser.tries.amend(ticket, body)).status);
  expect(await organiser.ticket(ticket)).toEqual(await admin.ticket(ticket));
});

test.each([
  ['limit', '99999999999999999999'],
  ['offset', '9007199254740993'],
  ['cursor', 'A'.repeat(8_000)],
  ['sort', 'price'.repeat(1_000)],
])('a list is refused with a %s that is too large', async (name, value) => {
  const { status, body } = await organiser.tries.listOrders(`?${name}=${value}`);
  expect({ status, code: body.code }).toEqual({ status: 400, code: 'invalid_request' });
});

import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { catalogueDiscount, type FakeSeating, seatQuestions } from '../support/fake-seating.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { startReplica } from '../support/races.ts';
import { until } from '../support/servers.ts';
import { stripeApi } from '../support/stripe-api.ts';
import type { TestApp } from '../support/test-app.ts';

const LIMIT = 12;
const REFUSED = { status: 409, body: { code: 'too_many_seats_held' } };

let platform: PlatformApp;
let replica: TestApp;
let token: string;

beforeAll(async () => {
  const env = { MAX_HELD_SEATS_PER_USER: String(LIMIT) };
  // Without background work nothing ends an order whose hold has ended.
  platform = await startPlatformApp(env, { background: false });
  replica = await startReplica(platform, env);
});

beforeEach(async () => {
  token = await platform.token(randomUUID());
});

const newSeats = (count: number) => Array.from({ length: count }, () => randomUUID());
const place = (seats: readonly string[], more: object = {}, app = platform.app, headers: Record<string, string> = {}) =>
  app.call('POST', '/api/order', { token, headers, body: { ...platform.request(seats), ...more } });
const change = (orderId: string, seats: readonly string[], app = platform.app) =>
  app.call('PUT', `/api/order/${orderId}`, { token, body: { seat_ids: seats } });

async function heldByUser(): Promise<number> {
  const { body } = await platform.app.call('GET', '/api/order/user/orders', { token });
  const pending = body.filter(({ Status }: { Status: string }) => Status === 'pending');
  return pending.reduce((sum: number, { tickets }: { tickets: unknown[] }) => sum + tickets.length, 0);
}

/** Fills the user's limit; returns the order ids and seats. */
async function fill(): Promise<{ orderId: string; seats: readonly string[] }[]> {
  const orders = [newSeats(8), newSeats(4)];
  const answers = await Promise.all(orders.map((seats) => place(seats)));
  expect(answers.map(({ status }) => status)).toEqual([201, 201]);
  return orders.map((seats, at) => ({ orderId: answers[at]?.body.order_id, seats }));
}

describe('whole-house: the seats that a user holds in pending orders of a session', () => {
  test('more are refused with the limit, and nothing is held, written or announced', async () => {
    await fill();
    const [seat = ''] = newSeats(1);
    const answer = await place([seat]);
    expect(answer).toMatchObject(REFUSED);
    expect(answer.body.detail).toContain(`at most ${LIMIT} seats`);
    expect(await heldByUser()).toBe(LIMIT);
    const announced = await platform.app.sql('SELECT FROM outbox WHERE value LIKE $1', [`%${seat}%`]);
    expect([announced, await platform.app.sql('SELECT FROM tickets WHERE seat_id = $1', [seat])]).toEqual([[], []]);
    token = await platform.token(randomUUID());
    expect((await place([seat])).status).toBe(201);
  });

  test('no seat is held and no seating service asked for an order or a change that is refused', async () => {
    const [first] = await fill();
    const [seat = ''] = newSeats(1);
    expect(await place([seat])).toMatchObject(REFUSED);
    expect(await change(`${first?.orderId}`, [...(first?.seats ?? []), seat])).toMatchObject(REFUSED);
    expect(seatQuestions(platform.seating).filter(({ body }) => JSON.stringify(body).includes(seat))).toEqual([]);
  });

  test('a change that is refused leaves the payment of the order open', async () => {
    const [first] = await fill();
    await platform.app.call('POST', `/api/order/${first?.orderId}/create-payment-intent`, { token });
    const [row] = await platform.app.sql<{ id: string }>(
      'SELECT payment_intent_id AS id FROM orders WHERE order_id = $1',
      [first?.orderId],
    );
    expect(await change(`${first?.orderId}`, [...(first?.seats ?? []), ...newSeats(1)])).toMatchObject(REFUSED);
    expect(await stripeApi(platform.app.url).get(`payment_intents/${row?.id}`)).toMatchObject({
      id: row?.id,
      status: 'requires_payment_method',
    });
  });

  test('the same change sent twice at once is made once, and both answers have its seats', async () => {
    await place(newSeats(4));
    const { body: order } = await place(newSeats(1));
    const seats = [...order.seat_ids, ...newSeats(LIMIT - 5)];
    const { gate, open } = held(platform.seating);
    const first = change(order.order_id, seats);
    await until('the first waits', () => platform.seating.calls.length >= gate + 2);
    const second = change(order.order_id, seats);
    // The second has read the order by then, and waits for its turn.
    for (let read = 0; read < 5; read += 1) await heldByUser();
    open();
    const answers = await Promise.all([first, second]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(await heldByUser()).toBe(LIMIT);
  });

  test('those of an order whose payment is not known count after the end of its hold', async () => {
    const [first] = await fill();
    await platform.app.call('POST', `/api/order/${first?.orderId}/create-payment-intent`, { token });
    await platform.app.sql("UPDATE orders SET expires_at = now() - interval '1 second' WHERE order_id = $1", [
      first?.orderId,
    ]);
    const [locked] = await platform.app.sql(
      'SELECT seats_held_by(user_id, session_id, now())::integer AS seats FROM orders WHERE order_id = $1',
      [first?.orderId],
    );
    expect(locked).toEqual({ seats: LIMIT });
    const [seat = ''] = newSeats(1);
    expect(await place([seat])).toMatchObject(REFUSED);
    expect(seatQuestions(platform.seating).filter(({ body }) => JSON.stringify(body).includes(seat))).toEqual([]);
  });

  test('those of another session and of another user are counted by themselves', async () => {
    await fill();
    expect((await place(newSeats(10), { session_id: randomUUID() })).status).toBe(201);
    token = await platform.token(randomUUID());
    expect((await place(newSeats(10))).status).toBe(201);
  });

  test('a cancelled, an expired and a completed order give theirs back', async () => {
    const [first, second] = await fill();
    await platform.app.call('DELETE', `/api/order/${first?.orderId}`, { token });
    expect((await place(newSeats(8))).status).toBe(201);
    expect(await place(newSeats(1))).toMatchObject(REFUSED);
    await platform.app.sql("UPDATE orders SET expires_at = now() - interval '1 second' WHERE order_id = $1", [
      second?.orderId,
    ]);
    expect((await place(newSeats(4))).status).toBe(201);
    const discountId = catalogueDiscount(platform.seating, { type: 'PERCENTAGE', percentage: 100 });
    token = await platform.token(randomUUID());
    const free = await place(newSeats(10), { discount_id: discountId });
    await platform.app.call('POST', `/api/order/${free.body.order_id}/checkout`, { token });
    expect((await place(newSeats(10))).status).toBe(201);
  });

  test('a change may move seats and give some back, and adds none beyond the limit', async () => {
    const [first, second] = await fill();
    const [kept = ''] = first?.seats ?? [];
    expect(await change(`${second?.orderId}`, [...(second?.seats ?? []), randomUUID()])).toMatchObject(REFUSED);
    expect(await heldByUser()).toBe(LIMIT);
    expect((await change(`${second?.orderId}`, newSeats(4))).status).toBe(200);
    expect((await change(`${first?.orderId}`, [kept, ...newSeats(6)])).status).toBe(200);
    expect((await place(newSeats(1))).status).toBe(201);
    expect(await place(newSeats(1))).toMatchObject(REFUSED);
  });

  test('a refused order uses neither its discount nor its key for good', async () => {
    const [first] = await fill();
    const discountId = catalogueDiscount(platform.seating, { type: 'FLAT_OFF', amount: 10 }, { maxUsage: 1 });
    const discounted = { discount_id: discountId };
    const key = { 'idempotency-key': randomUUID() };
    expect(await place(newSeats(1), discounted)).toMatchObject(REFUSED);
    expect(await place(newSeats(1), {}, platform.app, key)).toMatchObject(REFUSED);
    await platform.app.call('DELETE', `/api/order/${first?.orderId}`, { token });
    expect((await place(newSeats(1), discounted)).status).toBe(201);
  });

  test('the box office gives away as many as it likes', async () => {
    const sub = randomUUID();
    token = await platform.token(sub);
    platform.seating.owners.set(platform.eventId, sub);
    const { eventId: event_id, sessionId: session_id } = platform;
    for (const seat_id of newSeats(LIMIT + 1)) {
      const body = { event_id, session_id, seat_id, price: 0 };
      expect((await platform.app.call('POST', '/api/order/ticket', { token, body })).status).toBe(201);
    }
    expect((await place(newSeats(10))).status).toBe(201);
  });
});

describe('whole-house: orders of a user that arrive together, in two processes', () => {
  test.each([1, 3, 4])('share statements, and fill the limit exactly: %i seats an order', async (seats) => {
    const answers = await Promise.all(
      Array.from({ length: 24 }, (_, at) => place(newSeats(seats), {}, at % 2 ? replica : platform.app)),
    );
    const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
    const placed = LIMIT / seats;
    expect(statuses).toEqual([...Array(placed).fill(201), ...Array(24 - placed).fill(409)]);
    expect(await heldByUser()).toBe(LIMIT);
  });

  test('do not prevent orders of others in the same statement', async () => {
    // Both orders of the greedy user pass the count before the seats are held, and the second fails the count under the lock.
    expect((await place(newSeats(10))).status).toBe(201);
    const greedy = token;
    const others = await Promise.all(Array.from({ length: 10 }, () => platform.token(randomUUID())));
    const { gate, open } = held(platform.seating);
    const orders = [greedy, ...others, greedy].map((of) => {
      token = of;
      return place(newSeats(2));
    });
    await until('all wait', () => platform.seating.calls.length >= gate + 2 * orders.length);
    open();
    const statuses = (await Promise.all(orders)).map(({ status }) => status);
    expect(statuses.slice(1, -1)).toEqual(others.map(() => 201));
    expect([statuses.at(0), statuses.at(-1)].toSorted()).toEqual([201, 409]);
  });

  test('and changes of others at the same time fill the limit at most', async () => {
    const { body: order } = await place(newSeats(4));
    const answers = await Promise.all([
      ...Array.from({ length: 6 }, (_, at) => place(newSeats(4), {}, at % 2 ? replica : platform.app)),
      ...Array.from({ length: 4 }, (_, at) =>
        change(order.order_id, [...order.seat_ids, ...newSeats(4)], at % 2 ? replica : platform.app),
      ),
    ]);
    expect(answers.filter(({ status }) => status < 300).length).toBeGreaterThan(0);
    expect(answers.every(({ status }) => [200, 201, 409].includes(status))).toBe(true);
    expect(await heldByUser()).toBe(LIMIT);
  });
});

test('whole-house: the default limit is 40 seats, and 0 means no limit', async () => {
  const [usual, unlimited] = await Promise.all([
    startReplica(platform, { MAX_HELD_SEATS_PER_USER: '' }),
    startReplica(platform, { MAX_HELD_SEATS_PER_USER: '0' }),
  ]);
  for (let order = 0; order < 4; order += 1) expect((await place(newSeats(10), {}, usual)).status).toBe(201);
  expect(await place(newSeats(1), {}, usual)).toMatchObject(REFUSED);
  expect((await place(newSeats(10), {}, unlimited)).status).toBe(201);
});

/** The seating services answer when they are let; `gate` is how often they had been asked before. */
function held(seating: FakeSeating) {
  const waiting = Promise.withResolvers<void>();
  seating.gate = waiting.promise;
  return {
    gate: seating.calls.length,
    open() {
      seating.gate = undefined;
      waiting.resolve();
    },
  };
}

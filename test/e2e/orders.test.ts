import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { catalogueDiscount, seatQuestions, seatsAt } from '../support/fake-seating.ts';
import { newPerson, type Person } from '../support/people/people.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { startReplica } from '../support/races.ts';
import { until } from '../support/servers.ts';
import { type Stored, storedIn } from '../support/stored.ts';
import { stripeApi } from '../support/stripe-api.ts';

let platform: PlatformApp;
let stored: Stored;
let buyer: Person;

beforeAll(async () => {
  platform = await startPlatformApp();
  stored = storedIn(platform.app);
  buyer = await newPerson(platform);
});

beforeEach(() => {
  platform.seating.query = undefined;
  platform.seating.seating = undefined;
  platform.seating.isUnavailable = false;
  platform.seating.calls.length = 0;
});

async function nothingStored(orders: number) {
  expect(await platform.app.sql('SELECT count(*)::int AS n FROM orders')).toEqual([{ n: orders }]);
}

async function orderCount(): Promise<number> {
  const [row] = await platform.app.sql<{ n: number }>('SELECT count(*)::int AS n FROM orders');
  return row?.n ?? 0;
}

async function usesOf(discountId: string): Promise<unknown> {
  const rows = await platform.app.sql('SELECT uses FROM discount_uses WHERE discount_id = $1', [discountId]);
  return rows[0]?.uses;
}

describe('placing', () => {
  test('an order is answered, stored and announced exactly as the contract says', async () => {
    const seatIds = seatsAt(platform.seating, 150.5, 150.5);
    const placed = await buyer.order(seatIds);
    expect(placed).toEqual({
      order_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      session_id: platform.sessionId,
      organization_id: platform.organizationId,
      seat_ids: seatIds,
      user_id: buyer.id,
    });

    const order = await buyer.read(placed);
    const ticket = (seatId: string) => ({
      ticket_id: expect.any(String),
      order_id: placed.order_id,
      seat_id: seatId,
      seat_label: `L-${seatId.slice(0, 4)}`,
      colour: '#FFD700',
      tier_id: '33333333-3333-3333-3333-333333333333',
      tier_name: 'VIP',
      price_at_purchase: 150.5,
      issued_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      checked_in: false,
      checked_in_time: '0001-01-01T00:00:00Z',
    });
    expect(order).toEqual({
      OrderID: placed.order_id,
      UserID: buyer.id,
      EventID: platform.eventId,
      OrganizationID: platform.organizationId,
      SessionID: platform.sessionId,
      Status: 'pending',
      SubTotal: 301,
      DiscountID: '',
      DiscountCode: '',
      DiscountAmount: 0,
      Price: 301,
      CreatedAt: expect.stringMatching(/Z$/),
      PaymentIntentID: '',
      tickets: expect.arrayContaining(seatIds.map(ticket)),
    });

    const messages = await platform.app.sql<{ topic: string; key: string; value: string }>(
      'SELECT topic, key, value FROM outbox WHERE value LIKE $1 ORDER BY id',
      [`%${seatIds[0]}%`],
    );
    expect(messages.map(({ topic, key }) => ({ topic, key }))).toEqual([
      { topic: 'orderCreated', key: placed.order_id },
      { topic: 'seatsStatus', key: platform.sessionId },
    ]);
    const [created, held] = messages.map(({ value }) => JSON.parse(value));
    const bySeat = (tickets: { seat_id: string }[]) => tickets.toSorted((a, b) => (a.seat_id < b.seat_id ? -1 : 1));
    expect({ ...created, tickets: bySeat(created.tickets) }).toEqual({ ...order, tickets: bySeat(order.tickets) });
    expect(Object.keys(created)).toEqual(Object.keys(order));
    expect(held).toEqual({
      session_id: platform.sessionId,
      seat_ids: expect.arrayContaining(seatIds),
      status: 'LOCKED',
    });
  });

  test('an order asks both seating services, with the request and a machine-to-machine token', async () => {
    const seatIds = [randomUUID()];
    await buyer.orderAs({ ...platform.request(seatIds), discount_id: '', unknown_field: 'ignored' });
    const calls = seatQuestions(platform.seating);
    expect(calls.map(({ path }) => path).sort()).toEqual([
      '/query/internal/v1/validate-pre-order',
      '/seating/internal/v1/validate-pre-order',
    ]);
    for (const call of calls) {
      expect(call.authorization).toMatch(/^Bearer ey/);
      expect(call.body).toEqual({
        session_id: platform.sessionId,
        event_id: platform.eventId,
        organization_id: platform.organizationId,
        seat_ids: seatIds,
      });
    }
  });

  test.each([
    ['the query service refuses', 'query'],
    ['the seating service refuses', 'seating'],
  ] as const)(
    'an order is refused in the words of the service when %s, and its seats are released',
    async (_name, side) => {
      const before = await orderCount();
      const seatIds = [randomUUID()];
      platform.seating[side] = { status: 400, body: { message: 'This session is not on sale.' } };
      const { status, body } = await buyer.tries.order(seatIds);
      expect({ status, code: body.code, detail: body.detail }).toEqual({
        status: 400,
        code: 'seats_refused',
        detail: 'This session is not on sale.',
      });
      await nothingStored(before);
      platform.seating[side] = undefined;
      await buyer.order(seatIds);
    },
  );

  test.each([
    ['unavailable', { isUnavailable: true }],
    ['broken', { query: { status: 500, body: { message: 'NullPointerException at com.example' } } }],
    ['answering something else', { query: { status: 200, body: { seats: 'none' } } }],
    ['answering without end', { query: { status: 400, body: { message: 'x'.repeat(17 * 1_024 * 1_024) } } }],
    ['leaving a seat out', { query: { status: 200, body: { seats: [], discount: null } } }],
  ])('an order gets 503 and holds nothing when the seating service is %s', async (_name, change) => {
    const before = await orderCount();
    const seatIds = [randomUUID()];
    Object.assign(platform.seating, change);
    const { status, body, headers } = await buyer.tries.order(seatIds);
    expect({ status, code: body.code }).toEqual({ status: 503, code: 'seating_unavailable' });
    expect(headers.get('retry-after')).toBe('2');
    expect(JSON.stringify(body)).not.toContain('NullPointer');
    await nothingStored(before);
    Object.assign(platform.seating, { isUnavailable: false, query: undefined });
    await buyer.order(seatIds);
  });

  test('an order is refused by PostgreSQL when the hold of one of its seats was lost', async () => {
    const seatIds = [randomUUID(), randomUUID()];
    await buyer.place(seatIds.slice(0, 1));
    const other = (await newPerson(platform)).via({ app: await startReplica(platform) });
    const { status, body } = await other.tries.order(seatIds);
    expect({ status, code: body.code, seats: body.seat_ids }).toEqual({
      status: 409,
      code: 'seats_taken',
      seats: seatIds.slice(0, 1),
    });
    expect(await platform.app.sql('SELECT order_id FROM tickets WHERE seat_id = $1', [seatIds[1]])).toEqual([]);
  });

  test('a hundred orders for two seats at once gives both to one buyer', async () => {
    const seatIds = [randomUUID(), randomUUID()];
    const buyers = await Promise.all(Array.from({ length: 100 }, () => newPerson(platform)));
    const answers = await Promise.all(
      buyers.map(({ tries }, at) => tries.order(at % 2 === 0 ? seatIds : seatIds.toReversed())),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(99).fill(409)]);
    const live = await platform.app.sql('SELECT DISTINCT order_id FROM tickets WHERE seat_id = ANY($1)', [seatIds]);
    expect(live).toHaveLength(1);
  });
});

describe('discounts', () => {
  test.each([
    ['PERCENTAGE', { type: 'PERCENTAGE', percentage: 12.5 }, 37.31, 261.19],
    ['FLAT_OFF', { type: 'FLAT_OFF', amount: 100.01, minSpend: 298.5 }, 100.01, 198.49],
    ['BUY_N_GET_N_FREE', { type: 'BUY_N_GET_N_FREE', buyQuantity: 2, getQuantity: 1 }, 99, 199.5],
  ])('%s is deducted, exact to the minor unit', async (_type, parameters, amount, price) => {
    const discountId = catalogueDiscount(platform.seating, parameters, { code: 'CODE' });
    const orderId = await buyer.place(seatsAt(platform.seating, 99, 199.5), discountId);
    expect(await buyer.read(orderId)).toMatchObject({
      SubTotal: 298.5,
      DiscountAmount: amount,
      Price: price,
      DiscountID: discountId,
      DiscountCode: 'CODE',
    });
    expect(
      await platform.app.sql('SELECT subtotal, discount_amount, price FROM orders WHERE order_id = $1', [orderId]),
    ).toEqual([{ subtotal: '298.50', discount_amount: amount.toFixed(2), price: price.toFixed(2) }]);
  });

  test.each([
    ['inactive', { active: false }],
    ['expired', { expiresAt: '2020-01-01T00:00:00Z' }],
    ['not valid yet', { activeFrom: '2999-01-01T00:00:00Z' }],
    ['used up as reported', { maxUsage: 3, currentUsage: 3 }],
    ['for another session', { applicableSessionIds: [randomUUID()] }],
    ['for none of the seats', { applicableTiers: [{ id: randomUUID() }] }],
  ])('one that is %s refuses the order with a reason', async (_name, changes) => {
    const before = await orderCount();
    const discountId = catalogueDiscount(platform.seating, { type: 'PERCENTAGE', percentage: 10 }, changes);
    const { status, body } = await buyer.tries.order(undefined, discountId);
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'discount_refused' });
    expect(body.detail).toMatch(/^The discount .+\.$/);
    await nothingStored(before);
  });

  test('the last use goes to one of many orders, and returns when that order is cancelled', async () => {
    const discountId = catalogueDiscount(platform.seating, { type: 'FLAT_OFF', amount: 10 }, { maxUsage: 2 });
    const ask = () => buyer.tries.order(undefined, discountId);
    const answers = await Promise.all(Array.from({ length: 12 }, ask));
    const placed = answers.filter(({ status }) => status === 201);
    expect(placed).toHaveLength(2);
    expect(answers.filter(({ body }) => body.code === 'discount_refused')).toHaveLength(10);
    expect(await usesOf(discountId)).toBe(2);
    await buyer.cancel(placed[0]?.body);
    expect(await usesOf(discountId)).toBe(1);
    expect((await ask()).status).toBe(201);
    expect((await ask()).body.code).toBe('discount_refused');
  });
});

describe('the end of a hold', () => {
  test('ends pending orders, with and without a payment begun, and frees their seats', async () => {
    const seatIds = [randomUUID(), randomUUID()];
    const [first, second] = [await buyer.place(seatIds.slice(0, 1)), await buyer.place(seatIds.slice(1))];
    const { paymentIntentId } = await buyer.intent(first);
    for (const orderId of [first, second]) await stored.endHold(orderId);
    for (const orderId of [first, second]) await stored.untilState(orderId, 'cancelled', 'expired');
    const intent = await stripeApi(platform.app.url).get(`payment_intents/${paymentIntentId}`);
    expect(intent).toMatchObject({ status: 'canceled' });
    await (await newPerson(platform)).order(seatIds);
    expect(await buyer.tries.intent(second)).toMatchObject({ status: 409, body: { code: 'order_not_pending' } });
  });

  test('completes an order that was paid in time, however late the payment is reported', async () => {
    const orderId = await buyer.place();
    await platform.app.sql("UPDATE stripe_inbox SET next_attempt_at = 'infinity'");
    await buyer.pay(orderId);
    await platform.app.sql(
      "UPDATE orders SET expires_at = now() - interval '1 second' WHERE order_id = $1 AND status = 'pending'",
      [orderId],
    );
    const order = await until('it is completed', async () => {
      const read = await buyer.read(orderId);
      return read.Status !== 'pending' && read;
    });
    expect(order.Status).toBe('completed');
  });
});

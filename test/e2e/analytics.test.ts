import { randomUUID } from 'node:crypto';
import { request } from 'undici';
import { beforeAll, describe, expect, test } from 'vitest';
import { catalogueDiscount, seatsAt } from '../support/fake-seating.ts';
import { newAdmin, onSaleAt, type Person, people } from '../support/people/people.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { startReplica } from '../support/races.ts';
import { until } from '../support/servers.ts';
import { readRows, slowFigures } from '../support/slow-sales.ts';
import { insertSold, type SaleIds } from '../support/sold.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

const BASE = '/api/order/analytics';
let platform: PlatformApp;
let replica: TestApp;
let buyer: Person;
let organiser: Person;
let admin: Person;

beforeAll(async () => {
  platform = await startPlatformApp({ MAX_EXPORTS: '2' });
  replica = await startReplica(platform);
  ({ buyer, organiser, admin } = await people(platform));
});

function own(id: string): string {
  platform.seating.owners.set(id, organiser.id);
  return id;
}

/** An event, session and organisation of the organiser that no other test sells for. */
function newEvent() {
  return { event_id: own(randomUUID()), session_id: own(randomUUID()), organization_id: own(randomUUID()) };
}

const ask = (path: string, token = organiser.token, app: TestApp = platform.app) =>
  app.call('GET', BASE + path, { token });

/** A buyer of tickets of that event. */
const buyerOf = (ids: SaleIds) => buyer.via({ onSale: onSaleAt(ids) });

const newSeats = (count: number) => Array.from({ length: count }, () => randomUUID());

const placeFor = (ids: SaleIds, seats = 1) => buyerOf(ids).place(newSeats(seats));

const sell = async (ids: SaleIds, seats = 1, discountId?: string) =>
  (await buyerOf(ids).buy(newSeats(seats), discountId)).orderId;

describe('figures', () => {
  test('are exactly what the contract says, on every replica', async () => {
    const ids = newEvent();
    const discountId = catalogueDiscount(platform.seating, { type: 'FLAT_OFF', amount: 50.5 }, { code: 'EARLY' });
    await sell(ids, 2, discountId);
    await sell(ids);
    await placeFor(ids);
    const today = new Date().toISOString().slice(0, 10);
    const totals = {
      total_revenue: 249.5,
      total_before_discounts: 300,
      total_tickets_sold: 3,
      total_orders: 2,
      money_taken: 249.5,
      money_refunded: 0,
      money_net: 249.5,
      currency: 'lkr',
    };
    const figures = {
      ...totals,
      daily_sales: [{ date: today, revenue: 249.5, tickets_sold: 3 }],
      sales_by_tier: [
        {
          tier_id: '33333333-3333-3333-3333-333333333333',
          tier_name: 'VIP',
          tier_color: '#FFD700',
          tickets_sold: 3,
          revenue: 300,
        },
      ],
    };
    const { event_id, session_id, organization_id } = ids;
    for (const app of [platform.app, replica]) {
      const answer = async (path: string) => (await ask(path, organiser.token, app)).body;
      expect(await answer(`/events/${event_id}`)).toEqual({ event_id, ...figures });
      expect(await answer(`/events/${event_id.toUpperCase()}/sessions/${session_id}`)).toEqual({
        event_id,
        session_id,
        ...figures,
      });
      expect(await answer(`/events/${event_id}/sessions`)).toEqual({ event_id, sessions: [{ session_id, ...totals }] });
      expect(await answer(`/events/${event_id}/discounts`)).toEqual({
        event_id,
        discount_usage: [{ date: today, discount_code: 'EARLY', usage_count: 1, total_discount_amount: 50.5 }],
      });
      expect(await answer(`/organizations/${organization_id}`)).toEqual({ organization_id, ...figures });
      const post = async (path: string) =>
        (await organiser.via({ app }).call('POST', BASE + path, { eventIds: [event_id, event_id] })).body;
      expect(await post('/events/batch')).toEqual({ event_ids: [event_id], ...figures });
      expect(await post('/events/batch/individual')).toEqual({
        eventAnalytics: { [event_id]: { event_id, ...figures } },
      });
    }
  });

  test('separate money taken, refunded and net, and follow the changes of orders', async () => {
    const ids = newEvent();
    const [kept, refunded] = [await sell(ids, 2), await sell(ids)];
    await admin.refund(kept, 30.25);
    expect(await organiser.figures(ids.event_id)).toMatchObject({
      total_revenue: 300,
      total_tickets_sold: 3,
      money_taken: 300,
      money_refunded: 30.25,
      money_net: 269.75,
    });
    await admin.refund(refunded, {});
    expect(await organiser.figures(ids.event_id)).toMatchObject({
      total_revenue: 200,
      total_before_discounts: 200,
      total_tickets_sold: 2,
      total_orders: 1,
      money_taken: 300,
      money_refunded: 130.25,
      money_net: 169.75,
    });
    await admin.cancel(kept);
    expect(await organiser.figures(ids.event_id)).toMatchObject({
      total_revenue: 0,
      total_tickets_sold: 0,
      daily_sales: [],
      sales_by_tier: [],
      money_taken: 300,
      money_refunded: 300,
      money_net: 0,
    });
  });

  test('cover every day of the range, in local time of the zone', async () => {
    const ids = newEvent();
    const orderIds = [await sell(ids), await sell(ids), await sell(ids)];
    const at = ['2026-03-01T18:29:59Z', '2026-03-01T18:30:00Z', '2026-03-04T00:00:00Z'];
    await moveTo(ids, orderIds, at);
    const days = async (tz: string) =>
      (await ask(`/events/${ids.event_id}?tz=${tz}`)).body.daily_sales.map(
        (day: { date: string; revenue: number }) => `${day.date} ${day.revenue}`,
      );
    expect(await days('Asia/Colombo')).toEqual(['2026-03-01 100', '2026-03-02 100', '2026-03-03 0', '2026-03-04 100']);
    expect(await days('UTC')).toEqual(['2026-03-01 200', '2026-03-02 0', '2026-03-03 0', '2026-03-04 100']);
    const rows = await readRows(platform.app.dsn, ids.organization_id);
    for (const zone of ['Asia/Kathmandu', 'Pacific/Chatham', 'America/St_Johns']) {
      expect((await ask(`/events/${ids.event_id}?tz=${zone}`)).body).toEqual({
        event_id: ids.event_id,
        ...slowFigures(rows, zone, (order) => order.event_id === ids.event_id),
      });
    }
  });

  test('of an event without sales are zeros', async () => {
    const ids = newEvent();
    expect(await organiser.figures(ids.event_id)).toMatchObject({
      total_revenue: 0,
      daily_sales: [],
      sales_by_tier: [],
    });
    expect((await ask(`/events/${ids.event_id}/sessions`)).body).toEqual({ event_id: ids.event_id, sessions: [] });
  });

  test('are the same after the counts are folded', async () => {
    const ids = newEvent();
    for (let order = 0; order < 3; order += 1) await sell(ids);
    const before = await organiser.figures(ids.event_id);
    await until('all is folded', async () => {
      const rows = await platform.app.sql('SELECT is_folded FROM sales_by_time WHERE event_id = $1', [ids.event_id]);
      return rows.every((row) => row.is_folded);
    });
    expect(await organiser.figures(ids.event_id)).toEqual(before);
    expect(before.total_orders).toBe(3);
  });
});

/** Moves orders to another time, both in the orders and in their counts. */
async function moveTo(ids: SaleIds, orderIds: readonly string[], at: readonly string[]): Promise<void> {
  const quarter = 'floor(extract(epoch FROM created_at) / 900)::integer';
  for (const [index, orderId] of orderIds.entries()) {
    await platform.app.sql('UPDATE orders SET created_at = $2 WHERE order_id = $1', [orderId, at[index]]);
  }
  for (const [table, key] of [
    ['sales_by_time', 'event_id, session_id'],
    ['organization_sales_by_time', 'organization_id'],
  ]) {
    const id = key === 'organization_id' ? ids.organization_id : ids.event_id;
    // Rows that are being folded at this moment would be counted twice.
    await until('all is folded', async () => {
      const fresh = `SELECT FROM ${table} WHERE ${key?.split(',')[0]} = $1 AND NOT is_folded`;
      return (await platform.app.sql(fresh, [id])).length === 0;
    });
    await platform.app.sql(
      `WITH deleted AS (DELETE FROM ${table} WHERE ${key?.split(',')[0]} = '${id}')
       INSERT INTO ${table} (${key}, quarter_hour, orders, tickets, revenue, before_discounts)
       SELECT ${key}, ${quarter}, 1, 1, price, subtotal FROM orders WHERE event_id = $1 AND status = 'completed'`,
      [ids.event_id],
    );
  }
}

test('while orders of one event complete on two replicas and both fold, every answer is a true sum and no sale is lost', async () => {
  const ids = newEvent();
  const apps = [platform.app, replica];
  // The orders are free, because the replica has its own stand-in for Stripe.
  const orderIds = await Promise.all(
    Array.from({ length: 40 }, () => buyerOf(ids).place(seatsAt(platform.seating, 0, 0))),
  );
  const seen: number[] = [];
  let isSelling = true;
  const beside = async (work: () => Promise<unknown>) => {
    while (isSelling) await work();
  };
  const looking = beside(async () => {
    const { total_tickets_sold, total_orders } = await organiser.figures(ids.event_id);
    expect(total_tickets_sold).toBe(2 * total_orders);
    seen.push(total_orders);
  });
  const folding = apps.map(({ app }) => beside(() => app.turn('folding')));
  await Promise.all(
    orderIds.map(async (orderId, at) => {
      const app = apps[at % apps.length] ?? replica;
      expect((await buyer.via({ app }).checkOut(orderId)).Status).toBe('completed');
    }),
  ).finally(() => {
    isSelling = false;
  });
  await Promise.all([looking, ...folding]);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  while (await replica.app.turn('folding'));
  expect(await organiser.figures(ids.event_id)).toMatchObject({ total_orders: 40, total_tickets_sold: 80 });
  const rows = await platform.app.sql('SELECT orders FROM sales_by_time WHERE event_id = $1', [ids.event_id]);
  expect(rows.length).toBeLessThanOrEqual(2);
  expect(platform.app.log.filter((line) => line.includes('background work failed'))).toEqual([]);
});

describe('bad input', () => {
  const cases: [path: string, field: string][] = [
    ['/events/no-uuid', 'params/eventId'],
    ['/events/:event?tz=Mars/Phobos', 'querystring/tz'],
    ['/events/:event?tz=%2B05:30', 'querystring/tz'],
    ['/events/:event?tz=CET', 'querystring/tz'],
    ['/events/:event?tz=', 'querystring/tz'],
    [`/events/:event?tz=${'A'.repeat(65)}`, 'querystring/tz'],
    ["/events/:event/discounts?tz=UTC'--", 'querystring/tz'],
    ['/events/:event/orders?limit=-1', 'querystring/limit'],
    ['/events/:event/orders?limit=0', 'querystring/limit'],
    ['/events/:event/orders?limit=501', 'querystring/limit'],
    ['/events/:event/orders?limit=1000000000', 'querystring/limit'],
    ['/events/:event/orders?limit=1e9', 'querystring/limit'],
    ['/events/:event/orders?limit=many', 'querystring/limit'],
    ['/events/:event/orders?offset=-1', 'querystring/offset'],
    ['/events/:event/orders?sort=user_id', 'querystring/sort'],
    ['/events/:event/orders?sort=price;DROP', 'querystring/sort'],
    ['/events/:event/orders?order=down', 'querystring/order'],
    ['/events/:event/orders?status=paid', 'querystring/status'],
    ['/events/:event/orders?sessionId=1', 'querystring/sessionId'],
    ['/events/:event/orders?cursor=abc', 'querystring/cursor'],
    ['/events/:event/orders?cursor=%00', 'querystring/cursor'],
    ['/events/:event/orders?cursor=', 'querystring/cursor'],
    ['/events/:event/export?format=pdf&what=orders', 'querystring/format'],
    ['/events/:event/export?format=csv&what=users', 'querystring/what'],
    ['/events/:event/export?format=csv', 'querystring/what'],
  ];
  test.each(cases)('%s is refused, naming %s', async (path, field) => {
    const { status, body } = await ask(path.replace(':event', platform.eventId));
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'invalid_request' });
    expect(body.errors[0].field).toContain(field);
    expect(body.errors[0].reason).toBeTruthy();
  });

  test.each([[[]], [['x']], ['none']])('a batch of %j is refused', async (eventIds) => {
    for (const path of ['/events/batch', '/events/batch/individual']) {
      const { status, body } = await organiser.call('POST', BASE + path, { eventIds });
      expect({ status, code: body.code }).toEqual({ status: 400, code: 'invalid_request' });
    }
  });

  test.each(['/events/batch', '/events/batch/individual'])('%s accepts 200 events and refuses 201', async (path) => {
    const eventIds = Array.from({ length: 201 }, () => own(randomUUID()));
    const post = (asked: string[]) => organiser.call('POST', BASE + path, { eventIds: asked });
    expect((await post(eventIds.slice(1))).status).toBe(200);
    const { status, body } = await post(eventIds);
    expect({ status, field: body.errors[0].field }).toEqual({ status: 400, field: 'body/eventIds' });
  });

  test('a batch of ten with an event of another organiser is refused with 403, and shows nothing of the other nine', async () => {
    const ids = newEvent();
    await sell(ids);
    const eventIds = [ids.event_id, ...Array.from({ length: 8 }, () => own(randomUUID())), randomUUID()];
    for (const path of ['/events/batch', '/events/batch/individual']) {
      const { status, body, text } = await organiser.call('POST', BASE + path, { eventIds });
      expect({ status, code: body.code }).toEqual({ status: 403, code: 'forbidden' });
      expect(text).not.toContain(ids.event_id);
      const owned = await organiser.call('POST', BASE + path, { eventIds: eventIds.slice(0, -1) });
      expect(owned.status).toBe(200);
    }
  });

  test('a session of another organiser is refused with 403, also under one of the caller’s own events', async () => {
    const { event_id } = newEvent();
    expect((await ask(`/events/${event_id}/sessions/${randomUUID()}`)).status).toBe(403);
  });
});

test('an administrator sees the figures, lists and exports of every organiser', async () => {
  const ids = newEvent();
  await sell(ids);
  const calls = platform.seating.calls.length;
  for (const path of [
    `/events/${ids.event_id}`,
    `/events/${ids.event_id}/sessions/${ids.session_id}`,
    `/organizations/${ids.organization_id}`,
  ]) {
    const { status, body } = await ask(path, admin.token);
    expect({ status, orders: body.total_orders }).toEqual({ status: 200, orders: 1 });
  }
  const { body: orders } = await ask(`/events/${ids.event_id}/orders`, admin.token);
  expect(orders).toHaveLength(1);
  const { body: tickets } = await ask(`/sessions/${ids.session_id}/tickets`, admin.token);
  expect(tickets).toHaveLength(1);
  const { status, text } = await ask(`/events/${ids.event_id}/export?format=csv&what=orders`, admin.token);
  expect(status).toBe(200);
  expect(text).toContain(orders[0].OrderID);
  const batch = { eventIds: [ids.event_id, randomUUID()] };
  expect((await admin.call('POST', `${BASE}/events/batch`, batch)).status).toBe(200);
  expect(platform.seating.calls).toHaveLength(calls);
});

describe('the list of orders', () => {
  test('sorts, filters, and counts all that match', async () => {
    const ids = newEvent();
    const orderIds: string[] = [];
    for (const seatId of seatsAt(platform.seating, 300, 100, 200)) orderIds.push(await buyerOf(ids).place([seatId]));
    await buyer.cancel(String(orderIds[1]));
    const list = async (query: string) => {
      const { body, headers } = await ask(`/events/${ids.event_id}/orders${query}`);
      return { ids: body.map((order: { OrderID: string }) => order.OrderID), body, headers };
    };
    const [a, b, c] = orderIds;
    expect((await list('')).ids).toEqual([c, b, a]);
    expect((await list('?sort=order_date&order=asc')).ids).toEqual([a, b, c]);
    expect((await list('?sort=price')).ids).toEqual([a, c, b]);
    expect((await list('?sort=price&order=asc&limit=2')).ids).toEqual([b, c]);
    expect((await list('?status=pending')).ids).toEqual([c, a]);
    expect((await list(`?sessionId=${randomUUID()}`)).ids).toEqual([]);
    const page = await list('?limit=1&offset=1');
    expect(page.body).toEqual([
      expect.objectContaining({
        OrderID: b,
        Status: 'cancelled',
        Price: 100,
        TotalCount: 3,
        tickets: [expect.objectContaining({ order_id: b, price_at_purchase: 100 })],
      }),
    ]);
    const beyond = await list('?offset=10');
    expect(beyond.body).toEqual([]);
    expect(beyond.headers.get('x-total-count')).toBe('3');
  });

  test('pages by cursor without gaps or repeats while orders arrive, which an offset cannot', async () => {
    const ids = newEvent();
    const orderIds: string[] = [];
    for (let order = 0; order < 6; order += 1) orderIds.push(await placeFor(ids));
    const expected = orderIds.toReversed();
    for (const query of ['sort=created_at', 'sort=price']) {
      const seen: string[] = [];
      let cursor: string | null = '';
      for (let page = 0; cursor !== null && page < 10; page += 1) {
        const { body, headers } = await ask(
          `/events/${ids.event_id}/orders?${query}&limit=2${cursor ? `&cursor=${cursor}` : ''}`,
        );
        seen.push(...body.map((order: { OrderID: string }) => order.OrderID));
        cursor = headers.get('x-next-cursor');
        if (query === 'sort=created_at') await placeFor(ids);
      }
      if (query === 'sort=created_at') expect(seen).toEqual(expected);
      else expect(new Set(seen).size).toBe(seen.length);
    }
    const first = await ask(`/events/${ids.event_id}/orders?limit=2`);
    await placeFor(ids);
    const second = await ask(`/events/${ids.event_id}/orders?limit=2&offset=2`);
    expect(second.body[0].OrderID).toBe(first.body[1].OrderID);
  });

  test('refuses a cursor of another list, and one beside an offset', async () => {
    const ids = newEvent();
    for (let order = 0; order < 2; order += 1) await placeFor(ids);
    const path = `/events/${ids.event_id}/orders`;
    const cursor = (await ask(`${path}?limit=1`)).headers.get('x-next-cursor');
    expect((await ask(`${path}?cursor=${cursor}`)).body).toHaveLength(1);
    for (const other of [
      `${path}?sort=price&cursor=${cursor}`,
      `${path}?order=asc&cursor=${cursor}`,
      `${path}?status=pending&cursor=${cursor}`,
      `/events/${platform.eventId}/orders?cursor=${cursor}`,
    ]) {
      const { status, body } = await ask(other);
      expect({ status, code: body.code, reason: body.errors[0].reason }).toEqual({
        status: 400,
        code: 'invalid_request',
        reason: 'belongs to a list with another event, filter or sort',
      });
    }
    expect((await ask(`${path}?offset=1&cursor=${cursor}`)).status).toBe(400);
    const tampered = Buffer.from(
      Buffer.from(cursor ?? '', 'base64url')
        .toString()
        .replace(/\d\d:/, '31:'),
    );
    const { status, body } = await ask(`${path}?cursor=${tampered.toString('base64url')}`);
    expect({ status, reason: body.errors?.[0].reason }).toEqual({
      status: 400,
      reason: 'was altered; take it from x-next-cursor',
    });
  });
});

describe('the tickets of a session', () => {
  test('are those of completed orders, newest first', async () => {
    const ids = newEvent();
    const orderIds = [await sell(ids, 2), await sell(ids)];
    await placeFor(ids);
    const { body } = await ask(`/sessions/${ids.session_id}/tickets`);
    expect(body.map((ticket: { order_id: string }) => ticket.order_id)).toEqual([
      orderIds[1],
      orderIds[0],
      orderIds[0],
    ]);
    expect(body[0]).toMatchObject({ price_at_purchase: 100, checked_in: false, tier_name: 'VIP' });
    expect(body[0]).not.toHaveProperty('qr_code');
  });

  test('are returned in full when there are many', async () => {
    const ids = newEvent();
    await insertSold(platform.app, ids, { orders: 1_300 });
    const { status, body, headers } = await ask(`/sessions/${ids.session_id}/tickets`);
    expect({ status, length: body.length }).toEqual({ status: 200, length: 2_600 });
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(new Set(body.map((ticket: { ticket_id: string }) => ticket.ticket_id)).size).toBe(2_600);
    const times = body.map((ticket: { issued_at: string }) => ticket.issued_at);
    expect(times).toEqual(times.toSorted().toReversed());
  });
});

describe('an export', () => {
  const url = (ids: SaleIds, what = 'orders', format = 'csv') =>
    `${platform.app.url}${BASE}/events/${ids.event_id}/export?format=${format}&what=${what}`;
  const open = (of: string, { token } = organiser) => request(of, { headers: { authorization: `Bearer ${token}` } });

  test('is a CSV file with a byte order mark, a header, correctly typed columns and no formulas', async () => {
    const ids = newEvent();
    await insertSold(platform.app, ids, { orders: 1, label: '=1+1,"x"\n' });
    const { statusCode, headers, body } = await open(url(ids, 'tickets'));
    const text = await body.text();
    expect(statusCode).toBe(200);
    expect(headers['content-type']).toBe('text/csv; charset=utf-8; header=present');
    expect(headers['content-disposition']).toBe(`attachment; filename="tickets-${ids.event_id}.csv"`);
    const bytes = Buffer.from(await (await open(url(ids, 'tickets'))).body.arrayBuffer());
    expect([...bytes.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
    expect(text).toContain('ticket_id,order_id,session_id,user_id,seat_id,seat_label,tier_id');
    expect(text).toContain(`,"'=1+1,""x""\n1",${ids.organization_id},VIP,100.05,`);
    expect(text).toMatch(/,100\.05,\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,FALSE,\r\n/);
    expect(text.endsWith('\r\n')).toBe(true);
  });

  test('has each kind of row, and only a header when there are none', async () => {
    const ids = newEvent();
    const lines = async (what: string) => (await (await open(url(ids, what))).body.text()).trimEnd().split('\r\n');
    for (const what of ['orders', 'tickets', 'checkins', 'discounts']) expect(await lines(what)).toHaveLength(1);
    const orderId = await sell(ids, 2);
    const pending = await placeFor(ids);
    await platform.app.sql(
      `UPDATE tickets SET checked_in = true, checked_in_time = now(), checked_in_by = $2
        WHERE ticket_id = (SELECT ticket_id FROM tickets WHERE order_id = $1 LIMIT 1)`,
      [orderId, admin.id],
    );
    const orders = await lines('orders');
    expect(orders).toHaveLength(3);
    expect(orders[1]).toContain(`${orderId},completed,`);
    expect(orders[1]).toContain(',2,200.00,,0.00,200.00,200.00,0.00,pi_');
    expect(orders[2]).toContain(`${pending},pending,`);
    expect(await lines('tickets')).toHaveLength(3);
    expect((await lines('checkins'))[1]).toContain(admin.id);
  });

  /** An event whose export is more than what fits between the database and a client that does not read. */
  let large: SaleIds;

  beforeAll(async () => {
    large = newEvent();
    await insertSold(platform.app, large, { orders: 20_000 });
  });

  test('includes each order placed during the export completely or not at all', async () => {
    const { body } = await open(url(large, 'tickets'));
    const reader = body[Symbol.asyncIterator]();
    const first = (await reader.next()).value as Buffer;
    // The client has stopped reading, so the rest is not written yet.
    await insertSold(platform.app, large, { orders: 500, label: 'LATE' });
    const late = await sell(large, 3);
    let text = first.toString();
    for (let part = await reader.next(); !part.done; part = await reader.next()) text += part.value.toString();
    const lines = text.trimEnd().split('\r\n').slice(1);
    expect(lines).toHaveLength(40_000);
    expect(text).not.toContain('LATE');
    expect(text).not.toContain(late);
    expect(Map.groupBy(lines, (line) => line.split(',')[1]).size).toBe(20_000);
    const after = await (await open(url(large, 'tickets'))).body.text();
    expect(after.trimEnd().split('\r\n').slice(1)).toHaveLength(41_003);
  });

  test('ends when its client disconnects, and the number that run at once is limited, to one for each user', async () => {
    const under = await Promise.all([open(url(large, 'tickets')), open(url(large, 'tickets', 'xlsx'), admin)]);
    await Promise.all(under.map(({ body }) => body[Symbol.asyncIterator]().next()));
    for (const [who, refusal] of [
      [organiser, { status: 429, code: 'export_under_way' }],
      [await newAdmin(platform), { status: 503, code: 'exports_busy' }],
    ] as const) {
      const refused = await ask(`/events/${large.event_id}/export?format=csv&what=orders`, who.token);
      expect({ status: refused.status, code: refused.body.code }).toEqual(refusal);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    for (const { body } of under) body.destroy();
    await platform.app.untilRows(
      'both transactions have ended',
      0,
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'FETCH%' AND state <> 'idle'`,
    );
    const again = await until('there is room again', async () => {
      const answer = await ask(`/events/${large.event_id}/export?format=csv&what=orders`);
      return answer.status === 200 && answer;
    });
    const orders = await platform.app.sql('SELECT FROM orders WHERE event_id = $1', [large.event_id]);
    expect(again.text.trimEnd().split('\r\n')).toHaveLength(1 + orders.length);
  });

  test('is visibly truncated when it fails half-way', async () => {
    const { body } = await open(url(large, 'tickets'));
    const reader = body[Symbol.asyncIterator]();
    await reader.next();
    await platform.app.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'FETCH%' AND pid <> pg_backend_pid()`,
    );
    const readOn = async () => {
      for (let part = await reader.next(); !part.done; part = await reader.next());
    };
    await expect(readOn()).rejects.toThrow();
    expect((await ask(`/events/${large.event_id}/orders?limit=1`)).status).toBe(200);
  });

  test('as a workbook has typed cells, and text is never a formula', async () => {
    const ids = newEvent();
    await insertSold(platform.app, ids, { orders: 1, label: '=HYPERLINK("x")\u0001' });
    const { headers, body } = await open(url(ids, 'tickets', 'xlsx'));
    expect(headers['content-type']).toBe('application/vnd.openxmlformats-officedocument.spreadsheetml.sheet');
    const { readXlsx } = await import('hucre/xlsx');
    const { sheets } = await readXlsx(new Uint8Array(await body.arrayBuffer()), { readStyles: true });
    const [header = [], row = []] = sheets[0]?.rows ?? [];
    const cell = (name: string) => row[header.indexOf(name)];
    expect(sheets.map((sheet) => sheet.name)).toEqual(['tickets']);
    expect(cell('seat_label')).toBe('=HYPERLINK("x")\uFFFD1');
    expect(cell('price_at_purchase')).toBe(100.05);
    expect(cell('checked_in')).toBe(false);
    expect(cell('issued_at_utc')).toBeInstanceOf(Date);
    expect(cell('checked_in_time_utc') ?? null).toBeNull();
    expect([...(sheets[0]?.cells?.values() ?? [])].filter((each) => each.formula !== undefined)).toEqual([]);
  });
});

test('in the embedded venue an organiser sees only their own events', async () => {
  const app = await startTestApp();
  const [organiserToken, buyerToken] = [await app.signIn('organiser'), await app.signIn('buyer')];
  const { body: events } = await app.call('GET', '/api/event-query/v1/events/trending?limit=2');
  const [event] = events;
  const { body: sessions } = await app.call('GET', `/api/event-query/v1/events/${event.id}/sessions`);
  const paths = [
    `/events/${event.id}`,
    `/events/${event.id}/sessions/${sessions.content[0].id}`,
    `/sessions/${sessions.content[0].id}/tickets`,
    `/organizations/${event.organizationId}`,
  ];
  for (const path of paths) {
    expect((await ask(path, organiserToken, app)).status).toBe(200);
    expect((await ask(path, buyerToken, app)).status).toBe(403);
  }
  const batch = (token: string, eventIds: readonly string[]) =>
    app.call('POST', `${BASE}/events/batch`, { token, body: { eventIds } });
  expect((await batch(organiserToken, [event.id])).status).toBe(200);
  expect((await batch(organiserToken, [event.id, randomUUID()])).status).toBe(403);
  expect((await batch(buyerToken, [event.id])).status).toBe(403);
});

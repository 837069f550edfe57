import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { openStream } from '../support/event-reader.ts';
import { seatsAt } from '../support/fake-seating.ts';
import { longToken, ordersOn, turnLive, type Watched, watchedBy } from '../support/live-sales.ts';
import { movableClock } from '../support/movable-clock.ts';
import { newAdmin, newPerson, onSaleAt } from '../support/people/people.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { startReplica } from '../support/races.ts';
import { until } from '../support/servers.ts';

/** One replica whose clock and whose background turns the test controls. */
const clock = movableClock();
let platform: PlatformApp;
let sales: Watched;

beforeAll(async () => {
  platform = await startPlatformApp({}, { background: false, verified: true }, { clock });
  sales = await watchedBy(platform);
});

const ADMIN = { user_groups: ['/Permissions/Users/System Admins'] };
const SECOND = 1_000;
const MINUTE = 60_000;
const turn = () => turnLive(platform.app.app);

/** A reader with a token of this lifetime, for an owner of the event or for another user. */
async function watchFor(seconds: number, userId = sales.organiser) {
  const aheadS = Math.round((clock.now() - Date.now()) / SECOND);
  const token = await platform.issuer.token(userId, {}, { expiresIn: aheadS + seconds });
  return sales.watch(platform.app, { token });
}

describe('a heartbeat', () => {
  test('comes every 15 seconds, is not an event, and advances the id', async () => {
    const reader = await watchFor(300);
    await sales.sell();
    clock.advance(14 * SECOND);
    await turn();
    await reader.untilThereAre(1, 'checkout');
    expect(reader.comments).toEqual([]);
    for (let beats = 1; beats <= 3; beats += 1) {
      clock.advance(15 * SECOND);
      await turn();
      await until('it is received', () => reader.comments.length === beats);
      await turn();
    }
    expect(reader.comments).toEqual(['still here', 'still here', 'still here']);
    expect(reader.events.map(({ event }) => event)).toEqual(['connected', 'checkout', 'stats']);
  });

  test('advances the id of a quiet stream’s reader, so that it reconnects within what is kept', async () => {
    const quiet = randomUUID();
    platform.seating.owners.set(quiet, sales.organiser);
    const token = await longToken(platform, sales.organiser);
    const reader = await openStream(platform.app.url, `/api/order/sse/checkouts/event/${quiet}`, { token });
    await until('it is connected', () => reader.lastEventId !== '');
    const before = Number(reader.lastEventId);
    await sales.sell();
    clock.advance(15 * SECOND);
    await turn();
    await until('it has moved on', () => Number(reader.lastEventId) === before + 1);
    expect(reader.dataOf('checkout')).toEqual([]);
  });
});

describe('a stream ends', () => {
  test('with its token, to the second, and cannot be opened with it again', async () => {
    const reader = await watchFor(60);
    const longer = await watchFor(120);
    clock.advance(58 * SECOND);
    await turn();
    expect(reader.isOver).toBe(false);
    clock.advance(2 * SECOND);
    await turn();
    await reader.untilOver();
    expect(reader.dataOf('closed')).toEqual([{ status: 'closed', reason: 'token_ended' }]);
    expect(longer.isOver).toBe(false);
    // The leeway for clock differences that applies elsewhere would open a stream only to end it at once.
    const again = await watchFor(-1);
    expect(again.status).toBe(401);
  });

  test('when its user no longer owns the event, which is checked once a minute for all streams of the user', async () => {
    const userId = randomUUID();
    platform.seating.owners.set(platform.eventId, userId);
    const readers = [await watchFor(3_600, userId), await watchFor(3_600, userId)];
    const asked = () => platform.seating.calls.filter(({ path }) => path.includes('events/verify-ownership'));
    const atFirst = asked().length;
    await platform.app.app.turn('streamOwnership');
    expect(asked()).toHaveLength(atFirst);
    clock.advance(MINUTE);
    await platform.app.app.turn('streamOwnership');
    expect(asked()).toHaveLength(atFirst + 1);
    expect(readers.map(({ isOver }) => isOver)).toEqual([false, false]);
    platform.seating.owners.set(platform.eventId, sales.organiser);
    clock.advance(MINUTE);
    await platform.app.app.turn('streamOwnership');
    for (const reader of readers) {
      await reader.untilOver();
      expect(reader.dataOf('closed')).toEqual([{ status: 'closed', reason: 'not_owner' }]);
    }
  });

  test('when the owner of the event has been unconfirmed for five minutes, and not before', async () => {
    const reader = await watchFor(3_600);
    platform.seating.isUnavailable = true;
    try {
      for (let minute = 1; minute < 5; minute += 1) {
        clock.advance(MINUTE);
        await platform.app.app.turn('streamOwnership');
        expect(reader.isOver).toBe(false);
      }
      clock.advance(MINUTE);
      await platform.app.app.turn('streamOwnership');
      await reader.untilOver();
      expect(reader.dataOf('closed')).toEqual([{ status: 'closed', reason: 'ownership_unconfirmed' }]);
    } finally {
      platform.seating.isUnavailable = false;
    }
    await until('the seating service is asked again', async () => {
      const again = await sales.watch();
      again.close();
      return again.status === 200;
    });
  });

  test('when its reader stops reading, while other readers get everything', async () => {
    const token = await longToken(platform, sales.organiser);
    const slow = await sales.watch(platform.app, { token });
    const quick = await sales.watch(platform.app, { token });
    // Totals left over from the tests before would mix with the rows that follow.
    await turn();
    slow.stall();
    const row = 60_000;
    const rows = 200;
    const rowsOfATurn = 2;
    await platform.app.sql(
      `INSERT INTO sale_changes (event_id, organization_id, orders, tickets, revenue, message)
       SELECT $1, $2, 0, 0, 0, json_build_object('OrderID', n, 'filling', repeat('x', $3))::text
         FROM generate_series(1, $4::integer) n`,
      [platform.eventId, platform.organizationId, row, rows],
    );
    const { app } = platform.app;
    while (await app.turn('saleNumbering'));
    for (let sent = 0; sent < rows; sent += rowsOfATurn) {
      await app.turn('saleReading');
      // The fast reader catches up before more is written; on a busy machine it would be cut, too.
      await until('the fast reader has caught up', () => quick.dataOf('checkout').length === sent + rowsOfATurn);
    }
    expect(ordersOn(quick)).toEqual(Array.from({ length: rows }, (_, at) => at + 1));
    slow.resume();
    await slow.untilOver();
    expect(slow.dataOf('checkout').length).toBeLessThan(rows);
    expect(slow.dataOf('closed')).toEqual([]);
    // The reader reconnects for the rest.
    const back = await sales.watch(platform.app, { token, headers: { 'last-event-id': slow.lastEventId } });
    await back.untilThereAre(rows - slow.dataOf('checkout').length, 'checkout');
    expect([...ordersOn(slow), ...ordersOn(back)]).toEqual(ordersOn(quick));
  });
});

describe('the totals', () => {
  test('are sent once a second at most, only after a change, and are exact', async () => {
    const eventId = randomUUID();
    platform.seating.owners.set(eventId, sales.organiser);
    const token = await longToken(platform, sales.organiser);
    const reader = await openStream(platform.app.url, `/api/order/sse/checkouts/event/${eventId}`, { token });
    await turn();
    const [atFirst] = await reader.untilThereAre(1, 'stats');
    expect(atFirst).toEqual({ eventID: eventId, orders: 0, tickets: 0, revenue: 0 });

    const ids = { event_id: eventId, session_id: randomUUID(), organization_id: platform.organizationId };
    const buyer = (await newPerson(platform)).via({ onSale: onSaleAt(ids) });
    const paidOrder = async (...prices: number[]) => (await buyer.buy(seatsAt(platform.seating, ...prices))).orderId;
    const first = await paidOrder(150.5, 149.49);
    await turn();
    await paidOrder(0.01);
    await turn();
    await reader.untilThereAre(2, 'checkout');
    expect(reader.dataOf('stats')).toHaveLength(1);
    clock.advance(SECOND);
    await turn();
    await turn();
    const [, both] = await reader.untilThereAre(2, 'stats');
    expect(both).toEqual({ eventID: eventId, orders: 2, tickets: 3, revenue: 300 });

    // Nothing changed, so nothing is sent.
    clock.advance(5 * SECOND);
    await turn();
    expect(reader.dataOf('stats')).toHaveLength(2);

    await (await newAdmin(platform)).cancel(first);
    await turn();
    const [, , less] = await reader.untilThereAre(3, 'stats');
    expect(less).toEqual({ eventID: eventId, orders: 1, tickets: 1, revenue: 0.01 });
    expect(reader.dataOf('checkout')).toHaveLength(2);
  });

  test('of an organisation include all of its events', async () => {
    const [row] = await platform.app.sql<{ orders: string; tickets: string; revenue: string }>(
      `SELECT count(DISTINCT o.order_id) AS orders, count(t.ticket_id) AS tickets,
              (SELECT sum(price) FROM orders WHERE status = 'completed') AS revenue
         FROM orders o JOIN tickets t USING (order_id) WHERE o.status = 'completed' AND t.voided_at IS NULL`,
    );
    const token = await longToken(platform, sales.organiser);
    const reader = await sales.watch(platform.app, { token, path: sales.organizationPath });
    await turn();
    const [totals] = await reader.untilThereAre(1, 'stats');
    expect(totals).toEqual({
      organizationID: platform.organizationId,
      orders: Number(row?.orders),
      tickets: Number(row?.tickets),
      revenue: Number(row?.revenue),
    });
  });
});

describe('the feed', () => {
  test('is kept for an hour: reconnecting within it leaves no gap, and after it the reader is notified of one', async () => {
    const token = await longToken(platform, sales.organiser);
    const reader = await sales.watch(platform.app, { token });
    await until('it is connected', () => reader.lastEventId !== '');
    reader.close();
    const missed = await sales.sell();
    await turn();
    const comeBack = () => sales.watch(platform.app, { token, headers: { 'last-event-id': reader.lastEventId } });

    clock.advance(60 * MINUTE);
    await platform.app.app.turn('saleForgetting');
    const inTime = await comeBack();
    await inTime.untilThereAre(1, 'checkout');
    expect(ordersOn(inTime)).toEqual([missed]);
    expect(inTime.dataOf('gap')).toEqual([]);

    clock.advance(16 * MINUTE);
    await platform.app.app.turn('saleForgetting');
    const tooLate = await comeBack();
    await tooLate.untilThereAre(1, 'gap');
    expect(ordersOn(tooLate)).toEqual([]);
    const fresh = await sales.sell();
    await turn();
    await tooLate.untilThereAre(1, 'checkout');
    expect(ordersOn(tooLate)).toEqual([fresh]);
  });
});

describe('the places for readers', () => {
  test('are limited by the configuration, for a user and for the replica, and are freed when a reader disconnects', async () => {
    const small = await startReplica(platform, { MAX_STREAMS: '3', MAX_STREAMS_PER_USER: '2' });
    const tokenOf = (userId: string) => longToken(platform, userId);
    const [mine, owner, third] = [randomUUID(), randomUUID(), randomUUID()];
    const tokens = await Promise.all([mine, owner, third].map(tokenOf));
    const pathOf = (userId: string) => {
      platform.seating.owners.set(userId, userId);
      return `/api/order/sse/checkouts/event/${userId}`;
    };
    const open = (at: number, userId: string) => sales.watch(small, { token: tokens[at] ?? '', path: pathOf(userId) });
    const first = await open(0, mine);
    expect((await open(0, mine)).status).toBe(200);
    const tooMany = await open(0, mine);
    expect(tooMany).toMatchObject({ status: 429, headers: { 'retry-after': '2' } });
    expect(JSON.parse(tooMany.text)).toMatchObject({ code: 'too_many_streams', message: expect.stringContaining('2') });
    expect((await open(1, owner)).status).toBe(200);
    const full = await open(2, third);
    expect(full).toMatchObject({ status: 503, headers: { 'retry-after': '2' } });
    expect(JSON.parse(full.text)).toMatchObject({ code: 'streams_full' });
    first.close();
    await until('there is room', async () => (await open(2, third)).status === 200);
  });

  test('are not used up by refused readers', async () => {
    const small = await startReplica(platform, { MAX_STREAMS: '2', MAX_STREAMS_PER_USER: '1' });
    const token = await longToken(platform, randomUUID());
    for (let tries = 0; tries < 5; tries += 1) expect((await sales.watch(small, { token })).status).toBe(403);
    const owner = await longToken(platform, sales.organiser);
    expect((await sales.watch(small, { token: owner })).status).toBe(200);
  });
});

test('urn-uuid-stream: refused streams of a malformed id disturb no other reader', async () => {
  const reader = await sales.watch();
  const stranger = await longToken(platform, randomUUID());
  const path = `/api/order/sse/checkouts/event/urn:uuid:${randomUUID()}`;
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  platform.seating.gate = answered;
  const before = platform.seating.calls.length;
  let isAnswered = false;
  const asked = [1, 2, 3].map(async () => {
    const { status } = await openStream(platform.app.url, path, { token: stranger });
    isAnswered = true;
    return status;
  });
  await until('they wait for the seating service', () => isAnswered || platform.seating.calls.length > before);
  platform.seating.gate = undefined;
  const sold = await sales.sell();
  await turn();
  await reader.untilThereAre(1, 'checkout');
  expect(ordersOn(reader)).toEqual([sold]);
  answer();
  for (const status of await Promise.all(asked)) expect([400, 403]).toContain(status);
});

describe('a stream is refused', () => {
  const paths = (id: string) => [`/api/order/sse/checkouts/event/${id}`, `/api/order/sse/checkouts/organization/${id}`];

  test.each(['1', 'null', 'not-a-uuid', `${randomUUID()}0`, '%00'])('for the invalid id %s', async (id) => {
    const token = await longToken(platform, sales.organiser);
    for (const path of paths(id)) {
      const { status, text } = await openStream(platform.app.url, path, { token });
      expect({ status, ...JSON.parse(text) }).toMatchObject({ status: 400, code: 'invalid_request' });
    }
  });

  test.each(['-1', 'x', '1.5', '1e3', '9'.repeat(16), '1; DROP'])('for the invalid event id %s', async (id) => {
    const token = await longToken(platform, sales.organiser);
    const byHeader = await sales.watch(platform.app, { token, headers: { 'last-event-id': id } });
    const byAddress = await sales.watch(platform.app, {
      token,
      path: `${sales.eventPath}?lastEventId=${encodeURIComponent(id)}`,
    });
    for (const { status, text } of [byHeader, byAddress])
      expect({ status, ...JSON.parse(text) }).toMatchObject({ status: 400, code: 'invalid_request' });
  });

  test('to another user, and to an owner while the seating service is unavailable', async () => {
    const stranger = await longToken(platform, randomUUID());
    const owner = await longToken(platform, sales.organiser);
    for (const path of [sales.eventPath, sales.organizationPath]) {
      const refused = await sales.watch(platform.app, { token: stranger, path });
      expect({ status: refused.status, ...JSON.parse(refused.text) }).toMatchObject({ status: 403, code: 'forbidden' });
      platform.seating.isUnavailable = true;
      const { status, text } = await sales.watch(platform.app, { token: owner, path });
      platform.seating.isUnavailable = false;
      expect({ status, ...JSON.parse(text) }).toMatchObject({ status: 503, code: 'seating_unavailable' });
    }
  });

  test('for HEAD, which would be a stream without a reader', async () => {
    const token = await longToken(platform, sales.organiser);
    expect((await sales.watch(platform.app, { token, method: 'HEAD' })).status).toBe(405);
  });
});

test('an administrator watches every event and organisation without a question to the seating service', async () => {
  const admin = await longToken(platform, randomUUID(), ADMIN);
  platform.seating.isUnavailable = true;
  try {
    for (const path of [sales.eventPath, sales.organizationPath]) {
      const reader = await sales.watch(platform.app, { token: admin, path });
      expect(reader.status).toBe(200);
      clock.advance(6 * MINUTE);
      await platform.app.app.turn('streamOwnership');
      expect(reader.isOver).toBe(false);
      reader.close();
    }
  } finally {
    platform.seating.isUnavailable = false;
  }
});

test('a stop closes the streams with an event, and waits for none of them', async () => {
  const stopping = await startReplica(platform, {}, { clock });
  stopping.app.start();
  const token = await longToken(platform, sales.organiser);
  const readers = [await sales.watch(stopping, { token }), await sales.watch(stopping, { token })];
  await stopping.app.close();
  // None of them was left to the end of the drain, which cuts what is still open.
  const drained = stopping.log.map((line) => JSON.parse(line)).filter(({ cut }) => cut !== undefined);
  expect(drained).toMatchObject([{ cut: 0 }]);
  for (const reader of readers) {
    await reader.untilOver();
    expect(reader.dataOf('closed')).toEqual([{ status: 'closed', reason: 'stopping' }]);
  }
});

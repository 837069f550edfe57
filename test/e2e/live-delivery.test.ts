import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { holdNextCommit, ordersOn, turnLive, type Watched, watchedBy } from '../support/live-sales.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { startReplica } from '../support/races.ts';
import { until } from '../support/servers.ts';
import type { TestApp } from '../support/test-app.ts';

/** Two replicas at work on one PostgreSQL. */
let platform: PlatformApp;
let replica: TestApp;
let sales: Watched;

beforeAll(async () => {
  platform = await startPlatformApp();
  replica = await startReplica(platform);
  replica.app.start();
  sales = await watchedBy(platform);
});

/** The number of different ids, to find repeats. */
const distinct = (ids: readonly string[]) => new Set(ids).size;

describe('an order that completes on one replica', () => {
  test('reaches readers on both replicas, on the stream of the event and on that of the organisation', async () => {
    const readers = await Promise.all([
      sales.watch(replica),
      sales.watch(platform.app),
      sales.watch(replica, { path: sales.organizationPath }),
    ]);
    const orderId = await sales.sell(platform.app, 2);
    for (const reader of readers) await reader.untilThereAre(1, 'checkout');
    const { body: order } = await replica.call('GET', `/api/order/${orderId}`, { token: sales.token });
    expect(order).toMatchObject({ Status: 'completed', tickets: [{}, {}] });
    for (const reader of readers) {
      expect(reader.events[0]?.event).toBe('connected');
      expect(reader.dataOf('checkout')).toEqual([order]);
    }
    expect(readers[0]?.dataOf('connected')).toEqual([{ status: 'connected', eventID: platform.eventId }]);
    expect(readers[2]?.dataOf('connected')).toEqual([{ status: 'connected', organizationID: platform.organizationId }]);
  });

  test('reaches them by a stream that no proxy caches or buffers', async () => {
    const { status, headers } = await sales.watch();
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
      'x-request-id': expect.any(String),
    });
  });

  test('reaches only readers of its event, whose id may be in upper case', async () => {
    const other = randomUUID();
    platform.seating.owners.set(other, sales.organiser);
    const elsewhere = await sales.watch(replica, { path: `/api/order/sse/checkouts/event/${other}` });
    const reader = await sales.watch(replica, {
      path: `/api/order/sse/checkouts/event/${platform.eventId.toUpperCase()}`,
    });
    const sold = await sales.sell();
    await reader.untilThereAre(1, 'checkout');
    expect(ordersOn(reader)).toEqual([sold]);
    // A later sale of the other event reaches its reader, after everything that it was sent before.
    await platform.app.sql(
      `INSERT INTO sale_changes (event_id, organization_id, orders, tickets, revenue, message)
       VALUES ($1, $2, 0, 0, 0, '{"OrderID":"of the other event"}')`,
      [other, platform.organizationId],
    );
    await elsewhere.untilThereAre(1, 'checkout');
    expect(ordersOn(elsewhere)).toEqual(['of the other event']);
    expect(ordersOn(reader)).toEqual([sold]);
  });

  test('is sent to every reader once and in the same order, also among many from both replicas', async () => {
    const readers = await Promise.all([platform.app, replica, replica].map((app) => sales.watch(app)));
    const sold = await Promise.all(
      Array.from({ length: 60 }, (_, at) => sales.sell(at % 2 === 0 ? platform.app : replica)),
    );
    for (const reader of readers) await reader.untilThereAre(60, 'checkout');
    const [first = [], ...others] = readers.map(ordersOn);
    expect(new Set(first)).toEqual(new Set(sold));
    expect(first).toHaveLength(60);
    for (const other of others) expect(other).toEqual(first);
  });

  test('is neither missed nor repeated for readers that reconnect in the middle', async () => {
    const steady = await sales.watch();
    const selling = Promise.all(
      Array.from({ length: 4 }, async () => {
        for (let at = 0; at < 15; at += 1) await sales.sell(at % 2 === 0 ? platform.app : replica);
      }),
    );
    let lastEventId: string | undefined;
    const heard: string[] = [];
    let isSelling = true;
    selling.finally(() => {
      isSelling = false;
    });
    for (let round = 0; isSelling || heard.length < 60; round += 1) {
      const reader = await sales.watch(round % 2 === 0 ? platform.app : replica, {
        headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
      });
      await until('it has received something', () => ordersOn(reader).length > 0);
      reader.close();
      heard.push(...ordersOn(reader));
      ({ lastEventId } = reader);
    }
    await selling;
    await steady.untilThereAre(60, 'checkout');
    // The first reader connected before the first sale, so everything that was sold is its to receive.
    expect(heard).toEqual(ordersOn(steady));
    expect(distinct(heard)).toBe(60);
  });
});

describe('a reader that reconnects', () => {
  test('to another replica after its own has ended gets what it missed first, and then what is new', async () => {
    const leaving = await startReplica(platform);
    leaving.app.start();
    const before = await sales.watch(leaving);
    const first = await sales.sell();
    await before.untilThereAre(1, 'checkout');
    await leaving.app.close();
    await before.untilOver();
    expect(before.dataOf('closed')).toEqual([{ status: 'closed', reason: 'stopping' }]);
    const missed = [await sales.sell(), await sales.sell(replica), await sales.sell()];

    const restarted = await startReplica(platform);
    restarted.app.start();
    const after = await sales.watch(restarted, { headers: { 'last-event-id': before.lastEventId } });
    await after.untilThereAre(3, 'checkout');
    const fresh = await sales.sell(restarted);
    await after.untilThereAre(4, 'checkout');
    expect(ordersOn(before)).toEqual([first]);
    expect(ordersOn(after)).toEqual([...missed, fresh]);
    expect(after.dataOf('gap')).toEqual([]);
  });

  test('before its first order, or with the id in the address as a page with a new EventSource does, misses nothing', async () => {
    const before = await sales.watch();
    await until('it is connected', () => before.events.length > 0);
    before.close();
    const missed = await sales.sell();
    const after = await sales.watch(replica, { path: `${sales.eventPath}?lastEventId=${before.lastEventId}` });
    await after.untilThereAre(1, 'checkout');
    expect(ordersOn(after)).toEqual([missed]);
  });

  test('from far behind gets page after page, in order, and then live orders', async () => {
    const before = await sales.watch();
    await until('it is connected', () => before.events.length > 0);
    before.close();
    await platform.app.sql(
      `INSERT INTO sale_changes (event_id, organization_id, orders, tickets, revenue, message)
       SELECT $1, $2, 0, 0, 0, json_build_object('OrderID', n)::text FROM generate_series(1, 730) n`,
      [platform.eventId, platform.organizationId],
    );
    const after = await sales.watch(replica, { headers: { 'last-event-id': before.lastEventId } });
    await after.untilThereAre(730, 'checkout');
    const fresh = await sales.sell();
    await after.untilThereAre(731, 'checkout');
    expect(ordersOn(after)).toEqual([...Array.from({ length: 730 }, (_, at) => at + 1), fresh]);
  });

  test('with an id of another database gets a gap event, and then live orders', async () => {
    const reader = await sales.watch(replica, { headers: { 'last-event-id': '999999999999999' } });
    await reader.untilThereAre(1, 'gap');
    const orderId = await sales.sell();
    await reader.untilThereAre(1, 'checkout');
    expect(ordersOn(reader)).toEqual([orderId]);
  });
});

describe('a lost signal', () => {
  test('is made up for when the listening connection is killed, which is opened again', async () => {
    const listeners = () =>
      platform.app.sql<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'ms-ticketing listener'`,
      );
    const before = await until('both listen', async () => {
      const found = await listeners();
      return found.length >= 2 && found;
    });
    const reader = await sales.watch(replica);
    await platform.app.sql('SELECT pg_terminate_backend(pid) FROM unnest($1::integer[]) AS pid', [
      before.map(({ pid }) => pid),
    ]);
    const orderId = await sales.sell();
    await reader.untilThereAre(1, 'checkout');
    expect(ordersOn(reader)).toEqual([orderId]);
    const old = new Set(before.map(({ pid }) => pid));
    await until('they listen again', async () => {
      const found = await listeners();
      return found.length === before.length && found.every(({ pid }) => !old.has(pid));
    });
  });

  test('is made up for by a replica that receives no signals, from the database', async () => {
    const deaf = await startReplica(platform);
    const reader = await sales.watch(deaf);
    const orderId = await sales.sell();
    await until('it is numbered', async () => {
      await turnLive(deaf.app);
      return ordersOn(reader).length > 0;
    });
    expect(ordersOn(reader)).toEqual([orderId]);
  });
});

test('no reader misses a sale that commits after one with a later number', async () => {
  const first = await holdNextCommit(platform);
  const readers = [await sales.watch(platform.app), await sales.watch(replica)];
  const slow = sales.sell(platform.app);
  await first.untilItWaits();
  const quick = await sales.sell(replica);
  for (const reader of readers) await reader.untilThereAre(1, 'checkout');
  const [between] = readers.map(({ lastEventId }) => lastEventId);
  await first.release();
  const late = await slow;
  for (const reader of readers) await reader.untilThereAre(2, 'checkout');
  for (const reader of readers) expect(ordersOn(reader)).toEqual([quick, late]);
  // A reader that disconnects between the two misses nothing either.
  const back = await sales.watch(replica, { headers: { 'last-event-id': between ?? '' } });
  await back.untilThereAre(1, 'checkout');
  expect(ordersOn(back)).toEqual([late]);
});

test('a sale that a crashed replica left without a number is numbered by another', async () => {
  const reader = await sales.watch(replica);
  await platform.app.sql(
    `INSERT INTO sale_changes (event_id, organization_id, orders, tickets, revenue, message)
     VALUES ($1, $2, 0, 0, 0, '{"OrderID":"of a dead replica"}')`,
    [platform.eventId, platform.organizationId],
  );
  await reader.untilThereAre(1, 'checkout');
  expect(ordersOn(reader)).toEqual(['of a dead replica']);
});

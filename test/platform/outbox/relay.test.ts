import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Clock, instant } from '../../../src/kernel/clock.ts';
import type { EventMessage } from '../../../src/kernel/events.ts';
import { createBell, type Poller, startPoller } from '../../../src/platform/jobs/poller.ts';
import { appendToOutbox } from '../../../src/platform/outbox/outbox.store.ts';
import { RELAY_POLL_MS, Relay } from '../../../src/platform/outbox/relay.ts';
import type { Database } from '../../../src/platform/postgres/database.ts';
import { sql } from '../../support/databases.ts';
import { openTestDatabase, testDatabase } from '../../support/own-database.ts';
import { until } from '../../support/servers.ts';

let dsn: string;
let database: Database;
let taken: EventMessage[];
let errors: unknown[];
const clock: Clock = { now: () => instant(Date.now()) };
const topics = {
  orderCreated: 'created',
  orderUpdated: 'updated',
  orderAmended: 'amended',
  orderCanceled: 'canceled',
  seatsStatus: 'seats',
  paymentSucceededDead: 'succeeded.dead',
  paymentFailedDead: 'failed.dead',
};

beforeAll(async () => {
  dsn = await testDatabase();
  database = openTestDatabase(dsn);
});

beforeEach(async () => {
  taken = [];
  errors = [];
  await sql(dsn, 'TRUNCATE outbox');
});

type Publish = (messages: readonly EventMessage[]) => Promise<void>;

const onError = (error: unknown) => errors.push(error);
const take: Publish = async (messages) => void taken.push(...messages);

/** One turn of a relay, which the test takes itself. */
function relayTurn(publish: Publish, leads = async () => true, time = clock): () => Promise<boolean> {
  const publisher = { publish };
  const relay = new Relay({
    database,
    leader: { leads },
    publisher,
    topics,
    clock: time,
    retentionMs: 60_000,
    onError,
  });
  return () => relay.turn();
}

function relay(publish: Publish, leads?: () => Promise<boolean>): Poller {
  return startPoller({ intervalMs: RELAY_POLL_MS, bell: createBell(), turn: relayTurn(publish, leads), onError });
}

/** Runs a relay until only this many messages are not published. */
async function publishUntil(left: number, publish: Publish): Promise<void> {
  const poller = relay(publish);
  await until(`${left} messages are left`, async () => (await unpublished()) === left);
  await poller.stop();
}

async function append(count: number, key = 'order-1'): Promise<void> {
  await database.transaction((tx) =>
    appendToOutbox(
      tx,
      Array.from({ length: count }, (_, at) => ({ topic: 'orderCreated' as const, key, value: `{"n":${at}}` })),
    ),
  );
}

const unpublished = async () => (await sql(dsn, 'SELECT FROM outbox WHERE published_at IS NULL')).length;

test('the relay publishes in order, under the configured names, each message with its own id, and marks it', async () => {
  await append(1_200);
  await publishUntil(0, take);
  expect(taken.map(({ value }) => value)).toEqual(Array.from({ length: 1_200 }, (_, at) => `{"n":${at}}`));
  expect(new Set(taken.map(({ topic, key }) => `${topic} ${key}`))).toEqual(new Set(['created order-1']));
  expect(new Set(taken.map(({ eventId }) => eventId)).size).toBe(1_200);
});

test('an unavailable log delays messages, and neither loses nor reorders them', async () => {
  await append(3);
  let failures = 0;
  await publishUntil(0, async (messages) => {
    if (failures < 2) {
      failures += 1;
      throw new Error('unavailable');
    }
    taken.push(...messages);
  });
  expect(new Set(errors.map(String))).toEqual(new Set(['Error: unavailable']));
  expect(taken.map(({ value }) => value)).toEqual(['{"n":0}', '{"n":1}', '{"n":2}']);
});

test('a batch that was published but not marked is published again with the same ids', async () => {
  await append(2);
  let isFirst = true;
  await publishUntil(0, async (messages) => {
    taken.push(...messages);
    if (isFirst) {
      isFirst = false;
      throw new Error('died before marking');
    }
  });
  const ids = taken.map(({ eventId }) => eventId);
  expect(ids).toEqual([...ids.slice(0, 2), ...ids.slice(0, 2)]);
});

test.each(['25006', '53100'])(
  'read-only-server: it publishes a batch once, and no more until the database takes writes again (%s)',
  async (code) => {
    await append(2);
    for (const table of ['outbox', 'write_trials']) {
      await sql(
        dsn,
        `CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN RAISE EXCEPTION 'cannot' USING ERRCODE = '${code}'; END $$`,
      );
      const event = table === 'outbox' ? 'UPDATE' : 'INSERT';
      await sql(dsn, `CREATE TRIGGER refuse BEFORE ${event} ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION refuse()`);
    }
    const turn = relayTurn(take);
    try {
      for (let count = 0; count < 5; count += 1) await expect(turn()).rejects.toThrow();
      expect(taken).toHaveLength(2);
    } finally {
      for (const table of ['outbox', 'write_trials']) await sql(dsn, `DROP TRIGGER refuse ON ${table}`);
    }
    await turn();
    expect(await unpublished()).toBe(0);
    expect(taken).toHaveLength(4);
    expect(new Set(taken.map(({ eventId }) => eventId)).size).toBe(2);
  },
);

/** A transaction that has taken its number and not ended; the test ends it. */
async function openTransaction(key: string, value: string): Promise<() => Promise<void>> {
  const committed = Promise.withResolvers<void>();
  const numbers = async () =>
    (await sql<{ n: string }>(dsn, 'SELECT last_value || is_called::text AS n FROM outbox_id_seq'))[0]?.n;
  const before = await numbers();
  const late = database.transaction(async (tx) => {
    await appendToOutbox(tx, [{ topic: 'orderCreated', key, value }]);
    await committed.promise;
  });
  await until('it has its number', async () => (await numbers()) !== before);
  return async () => {
    committed.resolve();
    await late;
  };
}

const valuesOf = (wanted: string) => taken.filter(({ key }) => key === wanted).map(({ value }) => value);

test('a message that is numbered early and committed late is published before its key’s later messages', async () => {
  const turn = relayTurn(take);
  const commit = await openTransaction('late', 'first');
  for (let batch = 0; batch < 5; batch += 1) {
    await append(1_000, `order-${batch}`);
    while (await turn());
  }
  await commit();
  await database.transaction((tx) => appendToOutbox(tx, [{ topic: 'orderUpdated', key: 'late', value: 'second' }]));
  await turn();
  expect(valuesOf('late')).toEqual(['first', 'second']);
  expect(taken).toHaveLength(5_002);
});

test('a blocked key is published in order among thousands of others', async () => {
  let isBad = true;
  const publish = async (messages: readonly EventMessage[]) => {
    if (isBad && messages.some(({ key }) => key === 'waits')) throw new Error('refused');
    taken.push(...messages);
  };
  // Time stands still, so that the key stays blocked however slow the machine is.
  const stopped = clock.now();
  const turn = relayTurn(publish, undefined, { now: () => stopped });
  await append(1, 'other');
  await append(1, 'waits');
  await append(1, 'another');
  await turn();
  for (let batch = 0; batch < 6; batch += 1) {
    await append(500, `order-${batch}`);
    while (await turn());
  }
  isBad = false;
  await append(2, 'waits');
  await sql(dsn, "UPDATE outbox SET blocked_until = 'epoch' WHERE blocked_until IS NOT NULL");
  await turn();
  expect(valuesOf('waits')).toEqual(['{"n":0}', '{"n":0}', '{"n":1}']);
});

test('a message numbered before its key’s blocked message and committed after it is published first', async () => {
  let isBad = true;
  const turn = relayTurn(async (messages) => {
    if (isBad && messages.some(({ key }) => key === 'waits')) throw new Error('refused');
    taken.push(...messages);
  });
  const keepWaiting = (until: string) =>
    sql(dsn, `UPDATE outbox SET blocked_until = ${until} WHERE blocked_until IS NOT NULL`);
  await append(1, 'other');
  await turn();
  const commit = await openTransaction('waits', 'first');
  await append(1, 'waits');
  await append(1, 'other');
  await turn();
  await keepWaiting("now() + interval '1 hour'");
  await append(1, 'other');
  await turn();
  await commit();
  for (let at = 0; at < 3; at += 1) {
    await append(1, 'other');
    await turn();
  }
  isBad = false;
  await keepWaiting('now()');
  await turn();
  expect(valuesOf('waits')).toEqual(['first', '{"n":0}']);
});

test('after a failed turn the relay looks from the beginning, since the database may have lost rows', async () => {
  let isDown = false;
  const turn = relayTurn(async (messages) => {
    if (isDown) throw new Error('unavailable');
    taken.push(...messages);
  });
  for (let at = 0; at < 5; at += 1) {
    await append(1, `before-${at}`);
    await turn();
  }
  isDown = true;
  await append(1, 'during');
  await expect(turn()).rejects.toThrow('unavailable');
  isDown = false;
  // The promoted standby did not have these rows.
  await sql(dsn, 'TRUNCATE outbox RESTART IDENTITY');
  await append(1, 'after');
  await turn();
  expect(taken.at(-1)?.key).toBe('after');
});

test('the messages of a transaction that was rolled back are never published', async () => {
  await database
    .transaction(async (tx) => {
      await appendToOutbox(tx, [{ topic: 'orderCreated', key: 'ghost', value: '{}' }]);
      throw new Error('rolled back');
    })
    .catch(() => undefined);
  await append(1, 'real');
  await publishUntil(0, take);
  expect(taken.map(({ key }) => key)).toEqual(['real']);
});

test('a relay that does not lead publishes nothing', async () => {
  await append(1);
  let asked = 0;
  const poller = relay(take, async () => {
    asked += 1;
    return false;
  });
  await until('it was asked twice', () => asked > 1);
  await poller.stop();
  expect(taken).toEqual([]);
  expect(await unpublished()).toBe(1);
});

test('published messages are removed after their retention, and others stay', async () => {
  await append(2);
  await sql(dsn, "UPDATE outbox SET published_at = now() - interval '2 minutes'");
  await append(1);
  const poller = relay(take);
  await until('only the new one is left', async () => (await sql(dsn, 'SELECT FROM outbox')).length === 1);
  await poller.stop();
  expect(taken).toHaveLength(1);
});

describe('a message that cannot be published', () => {
  const poison =
    (...keys: string[]) =>
    async (messages: readonly EventMessage[]) => {
      if (messages.some(({ key, value }) => keys.includes(key) && value === '{"n":0}')) throw new Error('poison');
      taken.push(...messages);
    };
  const waiting = () => sql(dsn, 'SELECT FROM outbox WHERE blocked_until > now()');
  const blocked = () =>
    sql<{ key: string; attempts: number; last_error: string }>(
      dsn,
      'SELECT key, attempts, last_error FROM outbox WHERE attempts > 0 ORDER BY key',
    );

  test('it blocks its own key and no other, and its key’s later messages follow in order when it can be published', async () => {
    await append(3, 'bad');
    await append(3, 'good');
    const poller = relay(poison('bad'));
    await until('the others are published', async () => (await unpublished()) === 3);
    expect(await blocked()).toMatchObject([{ key: 'bad', last_error: 'poison' }]);
    await poller.stop();
    await publishUntil(0, take);
    const ofBad = taken.filter(({ key }) => key === 'bad').map(({ value }) => value);
    expect(ofBad).toEqual(['{"n":0}', '{"n":1}', '{"n":2}']);
  });

  test('it does not block the others for ever, even as one of many that are the oldest of all', async () => {
    const bad = Array.from({ length: 8 }, (_, at) => `bad-${at}`);
    for (const key of bad) await append(2, key);
    await append(2, 'good');
    await publishUntil(16, poison(...bad));
    expect(new Set(taken.map(({ key }) => key))).toEqual(new Set(['good']));
    expect(await blocked()).toHaveLength(8);
  });

  test('failures during an outage of the log do not delay a message when the log is available again', async () => {
    for (let at = 0; at < 8; at += 1) await append(1, `order-${at}`);
    // Blocked long enough that a delay would be noticed.
    await sql(dsn, "UPDATE outbox SET attempts = 9 WHERE key <> 'order-7'");
    let isDown = true;
    const poller = relay(async (messages) => {
      if (isDown) throw new Error('unavailable');
      taken.push(...messages);
    });
    await until('some of them wait', async () => (await waiting()).length > 2);
    isDown = false;
    await until('all are published', async () => (await unpublished()) === 0, 5_000);
    await poller.stop();
  });

  test('it does not delay the others when it fails the first batch after an outage', async () => {
    for (let at = 0; at < 8; at += 1) await append(1, `order-${at}`);
    await append(1, 'bad');
    await sql(dsn, 'UPDATE outbox SET attempts = 9');
    let isDown = true;
    const poller = relay(async (messages) => {
      if (isDown) throw new Error('unavailable');
      if (messages.some(({ key }) => key === 'bad')) throw new Error('poison');
      taken.push(...messages);
    });
    await until('some of them wait', async () => (await waiting()).length > 2);
    isDown = false;
    await until('all others are published', async () => (await unpublished()) === 1, 5_000);
    await poller.stop();
  });

  test('it is found with few calls among many keys, which stay in order and are published at most three times', async () => {
    for (let at = 0; at < 200; at += 1) await append(2, `order-${at}`);
    await append(2, 'bad');
    for (let at = 200; at < 240; at += 1) await append(2, `order-${at}`);
    let calls = 0;
    await publishUntil(2, async (messages) => {
      calls += 1;
      // Like Kafka: the partitions without the bad message are taken.
      taken.push(...messages.filter(({ key }) => key !== 'bad'));
      if (messages.some(({ key }) => key === 'bad')) throw new Error('poison');
    });
    expect(calls).toBeLessThan(100);
    const times = Map.groupBy(taken, ({ key }) => key);
    expect(times.size).toBe(240);
    for (const ofKey of times.values()) {
      expect(ofKey.length).toBeLessThanOrEqual(6);
      expect(ofKey.slice(0, 2).map(({ value }) => value)).toEqual(['{"n":0}', '{"n":1}']);
    }
    expect(errors.map(String)).toEqual(errors.map(() => 'Error: poison'));
  });
});

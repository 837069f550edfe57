import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Clock, instant } from '../../../src/kernel/clock.ts';
import type { EventMessage } from '../../../src/kernel/events.ts';
import { createBell, type Poller } from '../../../src/platform/jobs/poller.ts';
import { appendToOutbox } from '../../../src/platform/outbox/outbox.store.ts';
import { startRelay } from '../../../src/platform/outbox/relay.ts';
import { type Database, openDatabase } from '../../../src/platform/postgres/database.ts';
import { sql, testDatabase } from '../../support/databases.ts';
import { until } from '../../support/servers.ts';

let dsn: string;
let database: Database;
let taken: EventMessage[];
let errors: unknown[];
const clock: Clock = { now: () => instant(Date.now()) };
const topics = {
  orderCreated: 'created',
  orderUpdated: 'updated',
  orderCanceled: 'canceled',
  seatsStatus: 'seats',
  paymentSucceededDead: 'succeeded.dead',
  paymentFailedDead: 'failed.dead',
};

beforeAll(async () => {
  dsn = await testDatabase();
  database = openDatabase({ dsn, maxConnections: 4, onIdleError: () => undefined });
});

beforeEach(async () => {
  taken = [];
  errors = [];
  await sql(dsn, 'TRUNCATE outbox');
});

afterAll(() => database.close());

function relay(
  publish: (messages: readonly EventMessage[]) => Promise<void>,
  leads = true,
  retentionMs = 60_000,
): Poller {
  return startRelay({
    database,
    leader: { leads: async () => leads, close: async () => undefined },
    publisher: { publish },
    topics,
    clock,
    bell: createBell(),
    retentionMs,
    onError: (error) => errors.push(error),
  });
}

async function append(count: number, key = 'order-1'): Promise<void> {
  await database.transaction((tx) =>
    appendToOutbox(
      tx,
      Array.from({ length: count }, (_, at) => ({
        topic: 'orderCreated' as const,
        key,
        value: `{"n":${at}}`,
      })),
    ),
  );
}

const unpublished = async () => (await sql(dsn, 'SELECT FROM outbox WHERE published_at IS NULL')).length;

test('publishes in order, under the configured names, each with an id of its own, and marks it', async () => {
  await append(1_200);
  const poller = relay(async (messages) => void taken.push(...messages));
  await until('all are published', async () => (await unpublished()) === 0);
  await poller.stop();
  expect(taken.map(({ value }) => value)).toEqual(Array.from({ length: 1_200 }, (_, at) => `{"n":${at}}`));
  expect(new Set(taken.map(({ topic, key }) => `${topic} ${key}`))).toEqual(new Set(['created order-1']));
  expect(new Set(taken.map(({ eventId }) => eventId)).size).toBe(1_200);
});

test('a log that is away delays, and neither loses nor reorders', async () => {
  await append(3);
  let failures = 0;
  const poller = relay(async (messages) => {
    if (failures < 2) {
      failures += 1;
      throw new Error('away');
    }
    taken.push(...messages);
  });
  await until('all are published', async () => (await unpublished()) === 0);
  await poller.stop();
  expect(errors).toEqual([new Error('away'), new Error('away')]);
  expect(taken.map(({ value }) => value)).toEqual(['{"n":0}', '{"n":1}', '{"n":2}']);
});

test('a batch that was taken but not marked comes again with the same ids', async () => {
  await append(2);
  let isFirst = true;
  const poller = relay(async (messages) => {
    taken.push(...messages);
    if (isFirst) {
      isFirst = false;
      throw new Error('died before marking');
    }
  });
  await until('all are published', async () => (await unpublished()) === 0);
  await poller.stop();
  const ids = taken.map(({ eventId }) => eventId);
  expect(ids).toEqual([...ids.slice(0, 2), ...ids.slice(0, 2)]);
});

test('what a transaction announced that was rolled back is never published', async () => {
  await database
    .transaction(async (tx) => {
      await appendToOutbox(tx, [{ topic: 'orderCreated', key: 'ghost', value: '{}' }]);
      throw new Error('rolled back');
    })
    .catch(() => undefined);
  await append(1, 'real');
  const poller = relay(async (messages) => void taken.push(...messages));
  await until('the real one is published', async () => (await unpublished()) === 0);
  await poller.stop();
  expect(taken.map(({ key }) => key)).toEqual(['real']);
});

test('who does not lead publishes nothing', async () => {
  await append(1);
  let asked = 0;
  const poller = startRelay({
    database,
    leader: {
      async leads() {
        asked += 1;
        return false;
      },
      close: async () => undefined,
    },
    publisher: { publish: async (messages) => void taken.push(...messages) },
    topics,
    clock,
    bell: createBell(),
    retentionMs: 60_000,
    onError: (error) => errors.push(error),
  });
  await until('it was asked twice', () => asked > 1);
  await poller.stop();
  expect(taken).toEqual([]);
  expect(await unpublished()).toBe(1);
});

test('published ones are removed after their time, others stay', async () => {
  await append(2);
  await sql(dsn, "UPDATE outbox SET published_at = now() - interval '2 minutes'");
  await append(1);
  const poller = relay(async (messages) => void taken.push(...messages));
  await until('only the new one is left', async () => (await sql(dsn, 'SELECT FROM outbox')).length === 1);
  await poller.stop();
  expect(taken).toHaveLength(1);
});

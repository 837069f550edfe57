import { beforeAll, beforeEach, expect, test } from 'vitest';
import { verify } from '../../../src/features/verification/index.ts';
import { instant, MS_PER_HOUR } from '../../../src/kernel/clock.ts';
import type { TopicKey } from '../../../src/kernel/events.ts';
import { outboxChecks } from '../../../src/platform/outbox/checks.store.ts';
import { appendToOutbox, markPublished, unpublished } from '../../../src/platform/outbox/outbox.store.ts';
import type { Database } from '../../../src/platform/postgres/database.ts';
import { sql } from '../../support/databases.ts';
import { openTestDatabase, testDatabase } from '../../support/own-database.ts';

const NOW = instant(Date.now());
const HOUR_EARLIER = instant(NOW - MS_PER_HOUR);
const LATER = instant(NOW + 1);
const ORDER = 'order-1';
let dsn: string;
let database: Database;

beforeAll(async () => {
  dsn = await testDatabase();
  database = openTestDatabase(dsn);
});

beforeEach(() => sql(dsn, 'TRUNCATE outbox'));

const findings = () => database.snapshot((executor) => verify(executor, outboxChecks));

/** Appends messages with one key and returns their ids, oldest first. */
async function append(...topics: readonly TopicKey[]): Promise<number[]> {
  await database.transaction((tx) =>
    appendToOutbox(
      tx,
      topics.map((topic) => ({ topic, key: ORDER, value: '{}' })),
    ),
  );
  return (await unpublished(database, topics.length, NOW, 0)).map(({ id }) => id);
}

test('messages published in order are sound, also after the clock was set back', async () => {
  const [older = 0, newer = 0] = await append('orderCreated', 'orderCanceled');
  await markPublished(database, [older], NOW);
  await markPublished(database, [newer], HOUR_EARLIER);
  expect(await findings()).toEqual([]);
});

test('messages published in another order are found, also within one millisecond', async () => {
  const [older = 0, newer = 0] = await append('orderCreated', 'orderCanceled');
  await markPublished(database, [newer], NOW);
  await markPublished(database, [older], NOW);
  expect(await findings()).toEqual([
    {
      invariant: 'I4',
      finding: 'a message of an order or a seat was published before an older one',
      subjects: [String(newer)],
    },
  ]);
});

test('the late mark of a relay that lost its leadership changes nothing', async () => {
  const [older = 0, newer = 0] = await append('orderCreated', 'orderCanceled');
  await markPublished(database, [older, newer], NOW);
  await markPublished(database, [older], LATER);
  expect(await findings()).toEqual([]);
});

test('a set-aside payment message is published before an older message with its key', async () => {
  const [older = 0, setAside = 0] = await append('orderUpdated', 'paymentSucceededDead');
  await markPublished(database, [setAside], NOW);
  await markPublished(database, [older], LATER);
  expect(await findings()).toEqual([]);
});

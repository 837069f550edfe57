import { expect, test } from 'vitest';
import { FeedReader } from '../../../src/features/live/feed-reader.ts';
import type { SalesScope } from '../../../src/features/live/scope.ts';
import { as, type EventId } from '../../../src/kernel/ids.ts';
import type { Database, Statement } from '../../../src/platform/postgres/database.ts';
import { until } from '../../support/servers.ts';

const scopeOf = (id: string): SalesScope => ({ kind: 'event', id: as<EventId>(id) });

/** A database whose answers the test sets. */
function slowDatabase() {
  const asked: { name: string; values: readonly unknown[]; answer: (rows: unknown[]) => void }[] = [];
  const database = {
    rows: ({ name }: Statement, values: readonly unknown[]) =>
      new Promise((answer) => void asked.push({ name, values, answer })),
  } as unknown as Database;
  const answer = async (at: number, rows: unknown[]) => {
    await until('it is asked', () => asked.length > at);
    asked[at]?.answer(rows);
  };
  return { database, asked, answer };
}

const settled = () => new Promise((done) => setImmediate(done));

test('a stream that joins during a read that does not cover its scope starts after that read', async () => {
  const { database, asked, answer } = slowDatabase();
  const reader = new FeedReader(database);
  reader.watch(scopeOf('a'));
  const first = reader.begin();
  await answer(0, [{ position: 10 }]);
  await first;
  const reading = reader.read();
  expect(asked[1]?.values).toEqual([10, 200, ['a'], []]);

  reader.watch(scopeOf('b'));
  let hasBegun = false;
  const begun = reader.begin().then(() => {
    hasBegun = true;
  });
  await settled();
  expect(hasBegun).toBe(false);
  await answer(1, [{ head: 15, removed_through: 0, position: null }]);
  await Promise.all([reading, begun]);
  expect(reader.position()).toBe(15);
  void reader.read();
  expect(asked[2]?.values).toEqual([15, 200, ['a', 'b'], []]);
});

test('nothing is read while no stream is open, and the next stream starts at the newest row of that time', async () => {
  const { database, asked, answer } = slowDatabase();
  const reader = new FeedReader(database);
  const unwatch = reader.watch(scopeOf('a'));
  const first = reader.begin();
  await answer(0, [{ position: 10 }]);
  await first;
  unwatch();
  unwatch();
  expect(await reader.read()).toBe(false);
  expect(asked).toHaveLength(1);
  reader.watch(scopeOf('a'));
  const again = reader.begin();
  await answer(1, [{ position: 99 }]);
  await again;
  expect(reader.position()).toBe(99);
});

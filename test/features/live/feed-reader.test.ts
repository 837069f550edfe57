import { describe, expect, test, vi } from 'vitest';
import { FeedReader } from '../../../src/features/live/feed-reader.ts';
import type { LiveStream } from '../../../src/features/live/live-stream.ts';
import type { SalesScope } from '../../../src/features/live/scope.ts';
import { AppError } from '../../../src/kernel/errors.ts';
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

/** A stream that has been sent everything up to 10. */
const streamOf = (id: string) => ({
  scope: scopeOf(id),
  after: 10,
  send: vi.fn(),
  cut: vi.fn(),
  goLive: vi.fn(),
  oweStats: vi.fn(),
});

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

test('a scope that cannot be read is dropped and its streams are cut, and the others go on', async () => {
  const broken = new Error('invalid input syntax for type uuid');
  const rows = vi.fn(async ({ name }: Statement, values: readonly unknown[]) => {
    if (values.flat().includes('broken')) throw broken;
    const order = { event_id: 'good', organization_id: 'o', message: '{}', position: 11 };
    return name === 'sales-feed-head' ? [{ position: 10 }] : [{ head: 11, removed_through: 0, ...order }];
  });
  const reader = new FeedReader({ rows } as unknown as Database);
  const [good, bad] = [streamOf('good'), streamOf('broken')];
  for (const { scope } of [good, bad]) reader.watch(scope);
  await reader.begin();
  for (const stream of [good, bad]) expect(reader.join(stream as unknown as LiveStream)).toBe(true);
  await expect(reader.read()).rejects.toBe(broken);
  expect(bad.cut).toHaveBeenCalledTimes(1);
  expect(await reader.read()).toBe(false);
  expect(good.send).toHaveBeenCalledExactlyOnceWith(expect.any(Buffer), 11);
  expect(good.cut).not.toHaveBeenCalled();
});

test('no scope is dropped while the database fails', async () => {
  let isUp = true;
  const rows = vi.fn(async () => {
    if (!isUp) throw new Error('no connection');
    return [{ position: 10, head: 10, removed_through: 0 }];
  });
  const reader = new FeedReader({ rows } as unknown as Database);
  for (const id of ['a', 'b']) reader.watch(scopeOf(id));
  await reader.begin();
  isUp = false;
  await expect(reader.read()).rejects.toThrow('no connection');
  isUp = true;
  await reader.read();
  expect(rows).toHaveBeenLastCalledWith(expect.anything(), [10, 200, ['a', 'b'], []]);
});

describe('an outage', () => {
  const outage = new AppError('database_unavailable', 'The database cannot do its work right now.');

  /** A reader of two joined streams, whose database answers the reads of the feed by `fails`, in turn. */
  async function readerOf(fails: (Error | undefined)[]) {
    const rows = vi.fn(async ({ name }: Statement) => {
      const error = name === 'sales-feed-head' ? undefined : fails.shift();
      if (error) throw error;
      return [{ position: 10, head: 10, removed_through: 0, message: null }];
    });
    const reader = new FeedReader({ rows } as unknown as Database);
    const streams = ['a', 'b'].map((id) => streamOf(id));
    for (const { scope } of streams) reader.watch(scope);
    await reader.begin();
    for (const stream of streams) reader.join(stream as unknown as LiveStream);
    return { rows, reader, streams };
  }

  test('it drops no scope, and the scopes are not asked for one by one', async () => {
    const { rows, reader, streams } = await readerOf([outage, undefined, outage]);
    await expect(reader.read()).rejects.toBe(outage);
    expect(rows).toHaveBeenCalledTimes(2);
    for (const { cut } of streams) expect(cut).not.toHaveBeenCalled();
  });

  test('it drops no scope when it begins while the failing one is looked for', async () => {
    const broken = new Error('invalid input syntax for type uuid');
    const { rows, reader, streams } = await readerOf([broken, undefined, outage]);
    await expect(reader.read()).rejects.toBe(broken);
    for (const { cut } of streams) expect(cut).not.toHaveBeenCalled();
    await reader.read();
    expect(rows).toHaveBeenLastCalledWith(expect.anything(), [10, 200, ['a', 'b'], []]);
  });
});

test('a stream whose scope was dropped while it caught up is cut instead of joining, so that its reader comes back', async () => {
  const rows = vi.fn(async (_statement: Statement, values: readonly unknown[]) => {
    if (values.flat().includes('broken')) throw new Error('invalid input syntax for type uuid');
    return [{ position: 10, head: 10, removed_through: 0, message: null }];
  });
  const reader = new FeedReader({ rows } as unknown as Database);
  const [good, late] = [streamOf('good'), streamOf('broken')];
  for (const { scope } of [good, late]) reader.watch(scope);
  await reader.begin();
  await expect(reader.read()).rejects.toThrow('invalid input');
  expect(reader.join(late as unknown as LiveStream)).toBe(true);
  expect(late.cut).toHaveBeenCalledTimes(1);
  expect(late.goLive).not.toHaveBeenCalled();
  expect(reader.join(good as unknown as LiveStream)).toBe(true);
  expect(good.cut).not.toHaveBeenCalled();
});

test('a stream that joined by the watch of another one of its scope is cut when that one leaves', async () => {
  let isBroken = true;
  const rows = vi.fn(async (_statement: Statement, values: readonly unknown[]) => {
    if (isBroken && values.flat().includes('mended')) throw new Error('invalid input syntax for type uuid');
    return [{ position: 10, head: 10, removed_through: 0, message: null }];
  });
  const reader = new FeedReader({ rows } as unknown as Database);
  const [good, late] = [streamOf('good'), streamOf('mended')];
  for (const { scope } of [good, late]) reader.watch(scope);
  await reader.begin();
  await expect(reader.read()).rejects.toThrow('invalid input');
  isBroken = false;
  const unwatch = reader.watch(scopeOf('mended'));
  expect(reader.join(late as unknown as LiveStream)).toBe(true);
  expect(late.cut).not.toHaveBeenCalled();
  unwatch();
  expect(late.cut).toHaveBeenCalledTimes(1);
  expect(good.cut).not.toHaveBeenCalled();
});

import { beforeAll, beforeEach, expect, test } from 'vitest';
import { type Database, openConnections } from '../../../src/platform/postgres/database.ts';
import { withHooks } from '../../../src/platform/postgres/transaction-hooks.ts';
import { atEnd } from '../../support/at-end.ts';
import { LKR } from '../../support/currencies.ts';
import { testDatabase } from '../../support/own-database.ts';

const woken: string[] = [];
const failures: unknown[] = [];
let database: Database;

beforeAll(async () => {
  const dsn = await testDatabase();
  const connections = openConnections({
    currency: LKR,
    dsn,
    maxConnections: 2,
    onIdleError: () => undefined,
  });
  atEnd(() => connections.close());
  database = withHooks(connections, {
    traceparent: () => undefined,
    wake: (name) => woken.push(name),
    onEffectError: (error) => failures.push(error),
  });
});

beforeEach(() => {
  woken.length = 0;
  failures.length = 0;
});

const RAISE = {
  name: 'raise',
  text: "DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$",
};

test('it runs an effect and wakes work once the transaction is committed, and not before', async () => {
  const told: string[] = [];
  const result = await database.transaction(async (tx) => {
    tx.afterCommit('effect', async () => void told.push('committed'));
    tx.wake('relay');
    tx.wake('relay');
    expect([...told, ...woken]).toEqual([]);
    return 'done';
  });
  expect([result, ...told, ...woken]).toEqual(['done', 'committed', 'relay']);
});

test('it does nothing after a rollback', async () => {
  const told: string[] = [];
  const failed = database.transaction(async (tx) => {
    tx.afterCommit('effect', () => void told.push('rolled back'));
    tx.wake('refunds');
    throw new Error('no');
  });
  await expect(failed).rejects.toThrow('no');
  expect([...told, ...woken]).toEqual([]);
});

test('it keeps the hooks of the last run of a transaction that is retried', async () => {
  const told: string[] = [];
  let runs = 0;
  await database.transaction(async (tx) => {
    runs += 1;
    const run = runs;
    tx.beforeCommit('prepare', async () => void told.push(`prepared ${run}`));
    tx.afterCommit('effect', () => void told.push(`effect ${run}`));
    if (run === 1) {
      tx.wake('webhooks');
      await tx.rows(RAISE, []);
    }
  });
  expect([...told, ...woken]).toEqual(['prepared 2', 'effect 2']);
});

test('it rolls back when the last part of a transaction fails', async () => {
  await database.transaction((tx) => tx.rows({ name: 'make', text: 'CREATE TABLE made (id int)' }, []));
  const failed = database.transaction(async (tx) => {
    tx.beforeCommit('prepare', () => Promise.reject(new Error('not mine any more')));
    tx.wake('relay');
    await tx.rows({ name: 'insert', text: 'INSERT INTO made VALUES (1)' }, []);
  });
  await expect(failed).rejects.toThrow('not mine any more');
  expect(await database.rows({ name: 'look', text: 'SELECT id FROM made' }, [])).toEqual([]);
  expect(woken).toEqual([]);
});

test('it reports an effect that fails, and what was committed stays', async () => {
  const gone = new Error('Redis is unavailable');
  const result = await database.transaction(async (tx) => {
    tx.afterCommit('one', () => Promise.reject(gone));
    return 'committed';
  });
  expect([result, failures]).toEqual(['committed', [gone]]);
});

test('it runs the last effect of a key alone', async () => {
  const told: string[] = [];
  await database.transaction(async (tx) => {
    tx.afterCommit('same', () => void told.push('first'));
    tx.afterCommit('same', () => void told.push('last'));
  });
  expect(told).toEqual(['last']);
});

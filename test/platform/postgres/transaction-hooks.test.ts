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
  const connections = openConnections({ currency: LKR, dsn, maxConnections: 2, onIdleError: () => undefined });
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

const RAISE = { name: 'raise', text: "DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$" };

test('it runs an effect and wakes work after the transaction is committed, and not before', async () => {
  const ran: string[] = [];
  const result = await database.transaction(async (tx) => {
    tx.afterCommit('effect', async () => void ran.push('committed'));
    tx.wake('relay');
    tx.wake('relay');
    expect([...ran, ...woken]).toEqual([]);
    return 'done';
  });
  expect([result, ...ran, ...woken]).toEqual(['done', 'committed', 'relay']);
});

test('it does nothing after a rollback', async () => {
  const ran: string[] = [];
  const failed = database.transaction(async (tx) => {
    tx.afterCommit('effect', () => void ran.push('rolled back'));
    tx.wake('refunds');
    throw new Error('no');
  });
  await expect(failed).rejects.toThrow('no');
  expect([...ran, ...woken]).toEqual([]);
});

test('it keeps the hooks of the last run of a transaction that is retried', async () => {
  const ran: string[] = [];
  let runs = 0;
  await database.transaction(async (tx) => {
    runs += 1;
    const run = runs;
    tx.beforeCommit('prepare', async () => void ran.push(`prepared ${run}`));
    tx.afterCommit('effect', () => void ran.push(`effect ${run}`));
    if (run === 1) {
      tx.wake('webhooks');
      await tx.rows(RAISE, []);
    }
  });
  expect([...ran, ...woken]).toEqual(['prepared 2', 'effect 2']);
});

test('it rolls back when the last part of a transaction fails', async () => {
  await database.transaction((tx) => tx.rows({ name: 'make', text: 'CREATE TABLE made (id int)' }, []));
  const failed = database.transaction(async (tx) => {
    tx.beforeCommit('prepare', () => Promise.reject(new Error('not permitted any more')));
    tx.wake('relay');
    await tx.rows({ name: 'insert', text: 'INSERT INTO made VALUES (1)' }, []);
  });
  await expect(failed).rejects.toThrow('not permitted any more');
  expect(await database.rows({ name: 'look', text: 'SELECT id FROM made' }, [])).toEqual([]);
  expect(woken).toEqual([]);
});

test('it reports an effect that fails, and what was committed stays', async () => {
  const failure = new Error('Redis is unavailable');
  const result = await database.transaction(async (tx) => {
    tx.afterCommit('one', () => Promise.reject(failure));
    return 'committed';
  });
  expect([result, failures]).toEqual(['committed', [failure]]);
});

test('it runs the last effect of a key alone', async () => {
  const ran: string[] = [];
  await database.transaction(async (tx) => {
    tx.afterCommit('same', () => void ran.push('first'));
    tx.afterCommit('same', () => void ran.push('last'));
  });
  expect(ran).toEqual(['last']);
});

import { beforeAll, expect, test } from 'vitest';
import { type CommitTeller, tellAfterCommit } from '../../../src/platform/postgres/after-commit.ts';
import { openDatabase } from '../../../src/platform/postgres/database.ts';
import { atEnd } from '../../support/at-end.ts';
import { testDatabase } from '../../support/own-database.ts';

let teller: CommitTeller;

beforeAll(async () => {
  const dsn = await testDatabase();
  const database = openDatabase({ dsn, maxConnections: 2, onIdleError: () => undefined });
  atEnd(() => database.close());
  teller = tellAfterCommit(database);
});

test('is told when the transaction is committed, and not before', async () => {
  const told: string[] = [];
  const result = await teller.database.transaction(async (tx) => {
    teller.afterCommit(tx, () => told.push('committed'));
    expect(told).toEqual([]);
    return 'done';
  });
  expect([result, ...told]).toEqual(['done', 'committed']);
});

test('is never told of what was rolled back', async () => {
  const told: string[] = [];
  const failed = teller.database.transaction(async (tx) => {
    teller.afterCommit(tx, () => told.push('rolled back'));
    throw new Error('no');
  });
  await expect(failed).rejects.toThrow('no');
  expect(told).toEqual([]);
});

test('a transaction that is run again tells once', async () => {
  const told: number[] = [];
  let runs = 0;
  await teller.database.transaction(async (tx) => {
    runs += 1;
    const run = runs;
    teller.afterCommit(tx, () => told.push(run));
    if (run === 1) {
      const raise = "DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$";
      await tx.rows({ name: 'raise', text: raise }, []);
    }
  });
  expect(told).toEqual([2]);
});

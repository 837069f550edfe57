import type { Watch } from '../../src/app.ts';
import type { Executor, Statement, Transaction } from '../../src/platform/postgres/database.ts';

const READS: ReadonlySet<string> = new Set(['order-find', 'orders-find']);

/**
 * For `buildApp`: an order that is read under its lock looks as it did when it was first read without the
 * lock. A comparison of the two, which detects a change in between, then always finds them equal.
 */
export function comparingNothing(): Watch {
  const first = new Map<string, unknown[]>();
  const key = ({ name }: Statement, values: readonly unknown[]) => JSON.stringify([name, values]);
  const remembering = (executor: Executor): Executor => ({
    currency: executor.currency,
    async rows<Row>(statement: Statement, values: readonly unknown[]) {
      const rows = await executor.rows<Row>(statement, values);
      if (READS.has(statement.name) && !first.has(key(statement, values))) {
        first.set(key(statement, values), rows);
      }
      return rows;
    },
  });
  const stale = (executor: Executor): Executor => ({
    currency: executor.currency,
    async rows<Row>(statement: Statement, values: readonly unknown[]) {
      const rows = await executor.rows<Row>(statement, values);
      return READS.has(statement.name) ? ((first.get(key(statement, values)) ?? rows) as Row[]) : rows;
    },
  });
  return (name, port) => {
    if (name !== 'database') return port;
    const database = port as unknown as Executor & {
      transaction<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result>;
    };
    const weakened = {
      ...remembering(database),
      transaction: <Result>(work: (tx: Transaction) => Promise<Result>) =>
        database.transaction((tx) => work(stale(tx) as Transaction)),
    };
    return { ...port, ...weakened };
  };
}

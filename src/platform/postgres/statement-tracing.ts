import type { Tracing } from '../telemetry/tracing.ts';
import type { Database, Executor, Transaction } from './database.ts';

/** A database whose statements are steps of the work that runs them, by their names; no value is told. */
export function traceStatements(database: Database, tracing: Pick<Tracing, 'step'>): Database {
  const traced = (executor: Executor): Executor => ({
    rows: (statement, values) =>
      tracing.step(statement.name, { 'db.system.name': 'postgresql' }, () =>
        executor.rows(statement, values),
      ),
  });
  return {
    ...database,
    ...traced(database),
    transaction: (work) => database.transaction((tx) => work(traced(tx) as Transaction)),
    snapshot: (work) => database.snapshot((executor) => work(traced(executor))),
  };
}

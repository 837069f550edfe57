import type { Tracing } from '../telemetry/tracing.ts';
import type { Connections, Executor } from './database.ts';

/** Adds a span for each statement to the current trace, with the statement's name and without its values. */
export function traceStatements(database: Connections, tracing: Pick<Tracing, 'step'>): Connections {
  const traced = (executor: Executor): Executor => ({
    currency: executor.currency,
    rows: (statement, values) =>
      tracing.step(statement.name, { 'db.system.name': 'postgresql' }, () => executor.rows(statement, values)),
  });
  return {
    ...database,
    ...traced(database),
    transaction: (work) => database.transaction((tx) => work(traced(tx))),
    snapshot: (work) => database.snapshot((executor) => work(traced(executor))),
  };
}

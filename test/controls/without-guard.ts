import type { Watch } from '../../src/app.ts';
import type { Connections, Executor } from '../../src/platform/postgres/database.ts';

/** The part of a statement to replace; the statement must contain it, or the control would control nothing. */
export interface TakenOut {
  readonly statement: string;
  readonly text: string | RegExp;
  readonly becomes: string;
}

/** For `buildApp`: the service without parts of its SQL, so that what they guard is not guarded. */
export function withoutGuards(...guards: readonly TakenOut[]): Watch {
  return (name, port) => {
    if (name !== 'database') return port;
    const database = port as unknown as Pick<Connections, 'currency' | 'rows' | 'transaction'>;
    const weakened = {
      ...weaken(database, guards),
      transaction: <Result>(work: (executor: Executor) => Promise<Result>) =>
        database.transaction((executor) => work(weaken(executor, guards))),
    };
    return { ...port, ...weakened };
  };
}

function weaken(executor: Executor, guards: readonly TakenOut[]): Executor {
  return {
    currency: executor.currency,
    rows(statement, values) {
      const text = guards
        .filter((guard) => guard.statement === statement.name)
        .reduce((before, guard) => takeOut(before, guard), statement.text);
      return executor.rows({ ...statement, text }, values);
    },
  };
}

function takeOut(before: string, { statement, text, becomes }: TakenOut): string {
  const after = before.replace(text, becomes);
  if (after === before) throw new Error(`${statement} has nothing like ${text}: there is no guard to take out`);
  return after;
}

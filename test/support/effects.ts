import type { Watch } from '../../src/app.ts';
import type { Connections, Executor, Statement } from '../../src/platform/postgres/database.ts';

/**
 * Wraps every effect of the service: each statement and commit, each call that leaves the process. An effect is named by
 * its port and its statement or method, as in `database order-insert` or `stripe cancelIntent`. An error that `before`
 * throws fails the effect; `before` may also wait, and so decide which effect comes next.
 */
export interface Observer {
  before(effect: string): Promise<void> | void;
  /** Called also after a failure. */
  after(effect: string): Promise<void> | void;
}

/** For `buildApp`: reports every effect to the observer. */
export function watchEffects(observer: Observer): Watch {
  return (name, port) => {
    if (name === 'database')
      return watchedDatabase(port as unknown as WatchedDatabase, observer) as unknown as typeof port;
    return watchedPort(name, port, observer);
  };
}

type WatchedDatabase = Pick<Connections, 'currency' | 'rows' | 'transaction' | 'stream'>;

async function around<Result>(effect: string, observer: Observer, work: () => Promise<Result>): Promise<Result> {
  await observer.before(effect);
  try {
    return await work();
  } finally {
    await observer.after(effect);
  }
}

function watchedDatabase(database: WatchedDatabase, observer: Observer): WatchedDatabase {
  const watched = (executor: Executor): Executor => ({
    currency: executor.currency,
    rows: (statement, values) => around(`database ${statement.name}`, observer, () => executor.rows(statement, values)),
  });
  return {
    ...database,
    ...watched(database),
    async *stream<Row>(statement: Statement, values: readonly unknown[]) {
      await observer.before(`database ${statement.name}`);
      try {
        yield* database.stream<Row>(statement, values);
      } finally {
        await observer.after(`database ${statement.name}`);
      }
    },
    transaction: (work) => commit(database, (tx) => work(watched(tx)), observer),
  };
}

/** The commit is an effect of its own: until it happens, no other connection sees what came before it. */
async function commit<Result>(
  database: WatchedDatabase,
  work: (executor: Executor) => Promise<Result>,
  observer: Observer,
): Promise<Result> {
  let isCommitting = false;
  try {
    return await database.transaction(async (tx) => {
      isCommitting = false;
      const result = await work(tx);
      await observer.before('database commit');
      isCommitting = true;
      return result;
    });
  } finally {
    if (isCommitting) await observer.after('database commit');
  }
}

/** Methods that answer at once have no effect, so only those that return a promise are watched. */
const AT_ONCE: ReadonlySet<PropertyKey> = new Set(['readWebhook', 'intentsSince', 'subscribe', 'close']);

function watchedPort<Port extends object>(name: string, port: Port, observer: Observer): Port {
  return new Proxy(port, {
    get(target, property, receiver) {
      const value: unknown = Reflect.get(target, property, receiver);
      if (typeof value !== 'function' || AT_ONCE.has(property)) return value;
      return (...values: unknown[]) =>
        around(`${name} ${String(property)}`, observer, () => Reflect.apply(value, target, values) as Promise<unknown>);
    },
  });
}

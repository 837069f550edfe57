import type { Watch } from '../../src/app.ts';
import type { Connections, Executor, Statement } from '../../src/platform/postgres/database.ts';
import { watchEffects } from '../support/effects.ts';

/** Called for each point between two effects at the moment it is reached. */
export type Reached = (point: string) => void;

/** Statements that change something; `FOR UPDATE` only locks. */
export const WRITE = /\b(INSERT\s+INTO|UPDATE\s+\w+\s+(\w+\s+)?SET|DELETE\s+FROM)\b/;
/** Deep enough for the longest way from a route to a statement. */
const STACK_FRAMES = 80;
/** Frames that only pass calls on; the way to an effect omits them. */
const PASSING =
  /^(platform\/(postgres|jobs)\/|platform\/http\/once$|platform\/idempotency\/answers$|app$|kernel\/concurrency$|.*[./]routes$)/;

/**
 * For `buildApp`: a point before and after each database write, each commit and each call of an outgoing
 * port. A point’s name comes from the code and not from a list, as in `before database outbox-append <-
 * order-book:215 <- settlement:81`: the effect and the lines that led to it. Each way to an effect is thus a
 * point of its own, and a new write or call becomes one without further work. Within a transaction the way
 * starts at the beginning of the transaction and lists its writes so far, because a kill undoes them. No
 * effect lies between two statements of a transaction, so after the first and before the second are one
 * point: `between database order-save-state and database outbox-append <- transitions:76`.
 */
export function watchPoints(reached: Reached): Watch {
  const ports = watchEffects({
    before: (effect) => reached(`before ${effect}${way()}`),
    after: (effect) => reached(`after ${effect}${way()}`),
  });
  return (name, port) =>
    name === 'database'
      ? (watchedDatabase(port as unknown as WatchedDatabase, reached) as unknown as typeof port)
      : ports(name, port);
}

type WatchedDatabase = Pick<Connections, 'currency' | 'rows' | 'transaction'>;

function watchedDatabase(database: WatchedDatabase, reached: Reached): WatchedDatabase {
  return {
    ...database,
    ...watchedExecutor(database, reached, undefined),
    async transaction(work) {
      const begunAt = way();
      let commit: string | undefined;
      const result = await database.transaction(async (tx) => {
        const written: string[] = [];
        const begun: Begun = { at: begunAt.split(' <- ', 2)[1] ?? '', written, last: undefined };
        try {
          const kept = await work(watchedExecutor(tx, reached, begun));
          // A transaction that wrote nothing has no effect to separate from the next one.
          commit = written.length === 0 ? undefined : `database commit${begunAt}${since(begun)}`;
          if (commit) reached(`${beforeNext(begun)} ${commit}`);
          return kept;
        } catch (error) {
          if (begun.last) reached(`after ${begun.last}`);
          throw error;
        }
      });
      if (commit) reached(`after ${commit}`);
      return result;
    },
  };
}

/** A transaction: the line that began it, and what it has written so far. */
interface Begun {
  readonly at: string;
  readonly written: string[];
  /** The newest write, which no other effect has followed yet. */
  last: string | undefined;
}

/** The first words of the point before the next effect of a transaction. */
function beforeNext(begun: Begun | undefined): string {
  const words = begun?.last ? `between ${begun.last} and` : 'before';
  if (begun) begun.last = undefined;
  return words;
}

function watchedExecutor(executor: Executor, reached: Reached, begun: Begun | undefined): Executor {
  return {
    currency: executor.currency,
    async rows<Row>(statement: Statement, values: readonly unknown[]) {
      if (!WRITE.test(statement.text)) return executor.rows<Row>(statement, values);
      const point = `database ${statement.name}${way(begun?.at)}${since(begun)}`;
      reached(`${beforeNext(begun)} ${point}`);
      const rows = await executor.rows<Row>(statement, values);
      // A claim that finds something is another point than the many that find nothing.
      const found = rows.length > 0 ? ' with rows' : '';
      if (begun) {
        begun.last = `database ${statement.name}${found}`;
        begun.written.push(statement.name);
      } else reached(`after ${point}${found}`);
      return rows;
    },
  };
}

function since(begun: Begun | undefined): string {
  return begun && begun.written.length > 0 ? ` since ${begun.written.join(', ')}` : '';
}

/**
 * The lines of `src` that led here, the nearest first and none before `from`: ` <- settlement:45 <-
 * webhook.service:58`.
 */
function way(from?: string): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = STACK_FRAMES;
  const { stack = '' } = new Error('a point');
  Error.stackTraceLimit = limit;
  const lines = [...stack.matchAll(/\/src\/([\w./-]+)\.ts:(\d+):\d+/g)]
    .filter(([, file = '']) => !PASSING.test(file))
    .map(([, file = '', line]) => `${file.slice(file.lastIndexOf('/') + 1)}:${line}`);
  const begin = from === undefined ? -1 : lines.indexOf(from);
  return lines
    .slice(0, begin < 0 ? lines.length : begin + 1)
    .map((line) => ` <- ${line}`)
    .join('');
}

import { type Instant, toRfc3339 } from '../../kernel/clock.ts';
import type { Executor, Statement } from '../postgres/database.ts';

/**
 * A table whose rows are due work. It has the columns `attempts`, `next_attempt_at` and `last_error`; the conditions are
 * SQL over its columns.
 */
export interface DueTable {
  readonly table: string;
  readonly key: string;
  /** Rows that are still to be tried. */
  readonly isOpen: string;
  /** Rows that were tried as often as they may be, and wait for a person. */
  readonly isStuck: string;
  /** When a row came. */
  readonly since: string;
  /** The pause after each try, where it is not the usual one. */
  readonly pause?: Pause;
}

/** The pause after each try in seconds: it doubles from the first to the longest. */
export interface Pause {
  readonly first: number;
  readonly longest: number;
}

/** Five seconds, ten, twenty, and so on to ten minutes: twelve tries take about an hour. */
const PAUSE: Pause = { first: 5, longest: 600 };
/** The pause no longer grows by then, and the power stays small. */
const MAX_DOUBLINGS = 20;

/** The pause after a try as SQL, by the tries before it. */
export function pauseAfter(tries: string, { first, longest }: Pause = PAUSE): string {
  return `LEAST(${first} * power(2, LEAST(${tries}, ${MAX_DOUBLINGS})), ${longest}) * interval '1 second'`;
}

/** Takes the due rows, at most `$2` at `$1`, and counts the try; `sets` is more that a claim writes. */
export function claimDue(name: string, due: DueTable, returning: string, sets = ''): Statement {
  const { table, key, isOpen, pause } = due;
  return {
    name,
    text: `UPDATE ${table}
              SET attempts = attempts + 1, next_attempt_at = $1::timestamptz + ${pauseAfter('attempts', pause)}${sets && `, ${sets}`}
            WHERE ${key} IN (
              SELECT ${key} FROM ${table} WHERE (${isOpen}) AND next_attempt_at <= $1::timestamptz
               ORDER BY next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED)
          RETURNING ${returning}`,
  };
}

/** Keeps why the row `$1` could not be done, while it is not; `isUndone` says so. */
export function keepFailure(name: string, { table, key }: DueTable, isUndone = 'true'): Statement {
  return { name, text: `UPDATE ${table} SET last_error = $2 WHERE ${key} = $1 AND ${isUndone}` };
}

/** The stuck row `$1` is due again at `$2`, as one that was tried `tries` times. */
export function retryStuck(name: string, due: DueTable, tries: number, sets = ''): Statement {
  const { table, key, isStuck } = due;
  return {
    name,
    text: `UPDATE ${table} SET attempts = ${tries}, next_attempt_at = $2::timestamptz${sets && `, ${sets}`}
            WHERE ${key}::text = $1 AND (${isStuck}) RETURNING 1`,
  };
}

/** Work that is not done yet. */
export interface Backlog {
  readonly waiting: number;
  /** When the oldest came that is still tried. */
  readonly oldest: Instant | null;
  /** Rows that wait for a person. */
  readonly stuck: number;
}

/** A longer backlog is counted no further. */
const MAX_COUNTED = 100_000;

export function countBacklog(name: string, { table, isOpen, isStuck, since }: DueTable): Statement {
  return {
    name,
    text: `SELECT count(*) AS waiting, min(since) FILTER (WHERE NOT is_stuck) AS oldest,
                  count(*) FILTER (WHERE is_stuck) AS stuck
             FROM (SELECT ${since} AS since, (${isStuck}) AS is_stuck FROM ${table}
                    WHERE (${isOpen}) OR (${isStuck}) ORDER BY next_attempt_at LIMIT ${MAX_COUNTED}) waiting`,
  };
}

/** Runs a statement of `claimDue`. */
export function claim<Row>(executor: Executor, statement: Statement, now: Instant, limit: number): Promise<Row[]> {
  return executor.rows<Row>(statement, [toRfc3339(now), limit]);
}

/** Runs a statement of `retryStuck`; false when nothing by this id is stuck. */
export async function retry(executor: Executor, statement: Statement, id: string, at: Instant): Promise<boolean> {
  return (await executor.rows(statement, [id, toRfc3339(at)])).length > 0;
}

/** Runs a statement of `countBacklog`. */
export async function backlogOf(executor: Executor, statement: Statement): Promise<Backlog> {
  const [backlog] = await executor.rows<Backlog>(statement, []);
  return backlog ?? { waiting: 0, oldest: null, stuck: 0 };
}

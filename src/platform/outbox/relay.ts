import { type Clock, isDue, later } from '../../kernel/clock.ts';
import { AppError, reasonOf } from '../../kernel/errors.ts';
import type { EventMessage, EventPublisher, TopicNames } from '../../kernel/events.ts';
import type { OnFailure } from '../../kernel/failures.ts';
import type { Database } from '../postgres/database.ts';
import type { Leader } from '../postgres/leader.ts';
import { type Horizon, horizonAfter, NOTHING_DONE } from './horizon.rules.ts';
import {
  blockKey,
  type FoundRow,
  liftBlocks,
  markPublished,
  type OutboxRow,
  removePublished,
  unpublished,
} from './outbox.store.ts';

export interface RelayOptions {
  readonly database: Database;
  readonly leader: Pick<Leader, 'leads'>;
  readonly publisher: EventPublisher;
  readonly topics: TopicNames;
  readonly clock: Clock;
  readonly retentionMs: number;
  /** Told why each message that holds back its key could not be published; of a log that is away, the turn tells. */
  readonly onError: OnFailure;
}

/** Another replica's rows are seen within this; our own are told of by the bell. */
export const RELAY_POLL_MS = 100;
const BATCH_ROWS = 500;
/** So many keys one after the other, and none that goes through: the log is away. */
const FAILURES_THAT_MEAN_AWAY = 3;
const KEYS_AT_A_TIME = 25;
/** A look begins where all before is done with; at the beginning this often, because somebody may have a message published again. */
const LOOK_AT_ALL_EVERY_MS = 60_000;
const CLEAN_UP_EVERY_MS = 60_000;
const CLEAN_UP_ROWS = 10_000;
const DATABASE_CHECK_MS = 2_000;

/**
 * A turn at publishing the outbox: one relay among the replicas, oldest first, a batch at a time, marked after the log
 * took it. A crash between the two publishes the batch again (at least once), never in another order for a key.
 *
 * A message that cannot be published makes its key wait, a growing while, and the others go on. When a few keys in a row
 * fail the log itself is taken to be away: what was held against them is lifted with the first that goes through.
 */
export function createRelay(options: RelayOptions): () => Promise<boolean> {
  const { database, leader, clock } = options;
  let nextCleanUp = clock.now();
  let isAway = false;
  let horizon = NOTHING_DONE;
  let nextLookAtAll = clock.now();
  let isDatabaseInDoubt = false;

  async function look(): Promise<FoundRow[]> {
    const now = clock.now();
    if (isDue(now, nextLookAtAll, LOOK_AT_ALL_EVERY_MS)) {
      horizon = NOTHING_DONE;
      nextLookAtAll = later(now, LOOK_AT_ALL_EVERY_MS);
    }
    return unpublished(database, BATCH_ROWS, now, horizon.upTo);
  }

  async function publishAll(rows: readonly FoundRow[]): Promise<void> {
    try {
      const marking = await publishRows(rows, options);
      horizon = horizonBeyond(horizon, rows, marking);
    } catch (error) {
      if (isDatabaseAway(error)) throw error;
      if ((await publishKeyByKey(rows, options)) === 'away') {
        isAway = true;
        throw error;
      }
    }
    if (isAway) await liftBlocks(database, clock.now());
    isAway = false;
  }

  async function cleanUp(): Promise<void> {
    const now = clock.now();
    if (!isDue(now, nextCleanUp, CLEAN_UP_EVERY_MS)) return;
    nextCleanUp = later(now, CLEAN_UP_EVERY_MS);
    await removePublished(database, later(now, -options.retentionMs), CLEAN_UP_ROWS);
  }

  async function turn(): Promise<boolean> {
    if (!(await leader.leads())) return false;
    // What cannot be marked would be published again at each turn.
    if (isDatabaseInDoubt) await database.ping(DATABASE_CHECK_MS);
    isDatabaseInDoubt = false;
    const rows = await look();
    if (rows.length > 0) await publishAll(rows);
    await cleanUp();
    return rows.length === BATCH_ROWS;
  }

  return async () => {
    try {
      return await turn();
    } catch (error) {
      // Whatever went wrong may have been a database that gave way to one that knows less.
      horizon = NOTHING_DONE;
      isDatabaseInDoubt ||= isDatabaseAway(error);
      throw error;
    }
  };
}

function isDatabaseAway(error: unknown): boolean {
  return error instanceof AppError && error.code === 'database_unavailable';
}

function horizonBeyond(horizon: Horizon, rows: readonly FoundRow[], marking: number): Horizon {
  const last = rows.at(-1);
  if (!last) return horizon;
  return horizonAfter(horizon, {
    lastId: last.id,
    isCut: rows.length === BATCH_ROWS,
    oldestRunning: last.oldest_running,
    isAnyBlocked: last.is_any_blocked,
    marking,
  });
}

/**
 * Finds what a batch failed for; those it failed for wait from now on. Once one key has gone through, the others go
 * some at a time, and one by one only where that fails.
 */
async function publishKeyByKey(rows: readonly OutboxRow[], options: RelayOptions): Promise<'there' | 'away'> {
  const keys = [...Map.groupBy(rows, (row) => row.key).values()];
  const failures: { readonly row: OutboxRow; readonly error: unknown }[] = [];
  let isThere = false;
  let failedInRow = 0;
  while (keys.length > 0) {
    const some: OutboxRow[][] = keys.splice(0, isThere ? KEYS_AT_A_TIME : 1);
    if (some.length > 1 && (await areTaken(some.flat(), options))) continue;
    for (const ofKey of some) {
      const failed = await publishInOrder(ofKey, options);
      isThere ||= failed?.row !== ofKey[0];
      failedInRow = failed?.row === ofKey[0] ? failedInRow + 1 : 0;
      if (failed) failures.push(failed);
      if (failedInRow >= FAILURES_THAT_MEAN_AWAY) return 'away';
    }
  }
  if (isThere) {
    for (const { row, error } of failures)
      options.onError(error, { topic: options.topics[row.topic], key: row.key, messageId: row.event_id });
  }
  return isThere ? 'there' : 'away';
}

async function areTaken(rows: readonly OutboxRow[], options: RelayOptions): Promise<boolean> {
  try {
    await publishRows(rows, options);
    return true;
  } catch {
    return false;
  }
}

/** Publishes a key's messages one by one; the first that could not be, after which none is. */
async function publishInOrder(
  rows: readonly OutboxRow[],
  options: RelayOptions,
): Promise<{ readonly row: OutboxRow; readonly error: unknown } | undefined> {
  for (const row of rows) {
    try {
      await publishRows([row], options);
    } catch (error) {
      await blockKey(options.database, row.id, options.clock.now(), reasonOf(error));
      return { row, error };
    }
  }
  return undefined;
}

async function publishRows(
  rows: readonly OutboxRow[],
  { publisher, topics, database, clock }: RelayOptions,
): Promise<number> {
  await publisher.publish(rows.map((row) => toMessage(row, topics)));
  return markPublished(
    database,
    rows.map((row) => row.id),
    clock.now(),
  );
}

function toMessage(row: OutboxRow, topics: TopicNames): EventMessage {
  return {
    eventId: row.event_id,
    topic: topics[row.topic],
    key: row.key,
    value: row.value,
    committedAt: row.committed_at,
    traceparent: row.traceparent ?? undefined,
  };
}

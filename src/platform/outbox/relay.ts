import { type Clock, later } from '../../kernel/clock.ts';
import { reasonOf } from '../../kernel/errors.ts';
import type { EventMessage, EventPublisher, TopicNames } from '../../kernel/events.ts';
import type { Database } from '../postgres/database.ts';
import type { Leader } from '../postgres/leader.ts';
import {
  blockKey,
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
  /** Told of each message that could not be published, and why. */
  readonly onError: (error: unknown) => void;
}

/** Another replica's rows are seen within this; our own are told of by the bell. */
export const RELAY_POLL_MS = 100;
const BATCH_ROWS = 500;
/** So many keys one after the other, and none that goes through: the log is away. */
const FAILURES_THAT_MEAN_AWAY = 3;
const CLEAN_UP_EVERY_MS = 60_000;
const CLEAN_UP_ROWS = 10_000;

/**
 * A turn at publishing the outbox: one relay among the replicas, oldest first, a batch at a time, marked after the log
 * took it. A crash between the two publishes the batch again (at least once), never in another order for a key.
 *
 * A message that cannot be published makes its key wait, a growing while, and the others go on. When the first few keys
 * fail alike the log itself is taken to be away: what was held against them is lifted with the first that goes through.
 */
export function createRelay(options: RelayOptions): () => Promise<boolean> {
  const { database, leader, clock } = options;
  let nextCleanUp = clock.now();
  let isAway = false;

  async function publishAll(rows: readonly OutboxRow[]): Promise<void> {
    try {
      await publishRows(rows, options);
    } catch (error) {
      isAway = (await publishKeyByKey(rows, options)) === 'away';
      if (isAway) throw error;
      return;
    }
    if (isAway) await liftBlocks(database, clock.now());
    isAway = false;
  }

  async function cleanUp(): Promise<void> {
    const now = clock.now();
    if (now < nextCleanUp) return;
    nextCleanUp = later(now, CLEAN_UP_EVERY_MS);
    await removePublished(database, later(now, -options.retentionMs), CLEAN_UP_ROWS);
  }

  return async () => {
    if (!(await leader.leads())) return false;
    const rows = await unpublished(database, BATCH_ROWS, clock.now());
    if (rows.length > 0) await publishAll(rows);
    await cleanUp();
    return rows.length === BATCH_ROWS;
  };
}

/** Finds what a batch failed for; those it failed for wait from now on. */
async function publishKeyByKey(rows: readonly OutboxRow[], options: RelayOptions): Promise<'there' | 'away'> {
  let isThere = false;
  let failures = 0;
  for (const ofKey of Map.groupBy(rows, (row) => row.key).values()) {
    const failed = await publishInOrder(ofKey, options);
    isThere ||= failed !== ofKey[0];
    if (failed) failures += 1;
    if (!isThere && failures >= FAILURES_THAT_MEAN_AWAY) return 'away';
  }
  return isThere ? 'there' : 'away';
}

/** Publishes a key's messages one by one; the first that could not be, after which none is. */
async function publishInOrder(
  rows: readonly OutboxRow[],
  options: RelayOptions,
): Promise<OutboxRow | undefined> {
  for (const row of rows) {
    try {
      await publishRows([row], options);
    } catch (error) {
      await blockKey(options.database, row.id, options.clock.now(), reasonOf(error));
      options.onError(error);
      return row;
    }
  }
  return undefined;
}

async function publishRows(
  rows: readonly OutboxRow[],
  { publisher, topics, database, clock }: RelayOptions,
): Promise<void> {
  await publisher.publish(rows.map((row) => toMessage(row, topics)));
  await markPublished(
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
  };
}

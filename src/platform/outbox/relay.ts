import { type Clock, later } from '../../kernel/clock.ts';
import { reasonOf } from '../../kernel/errors.ts';
import type { EventMessage, EventPublisher, TopicNames } from '../../kernel/events.ts';
import { type Bell, type Poller, startPoller } from '../jobs/poller.ts';
import type { Database } from '../postgres/database.ts';
import type { Leader } from '../postgres/leader.ts';
import { blockKey, markPublished, type OutboxRow, removePublished, unpublished } from './outbox.store.ts';

export interface RelayOptions {
  readonly database: Database;
  readonly leader: Leader;
  readonly publisher: EventPublisher;
  readonly topics: TopicNames;
  readonly clock: Clock;
  readonly bell: Bell;
  readonly retentionMs: number;
  readonly onError: (error: unknown) => void;
}

const BATCH_ROWS = 500;
/** Another replica's rows are seen within this; our own are told of by the bell. */
const POLL_INTERVAL_MS = 100;
/** So many keys one after the other, and none that goes through: the log is away. */
const FAILURES_THAT_MEAN_AWAY = 3;
const CLEAN_UP_EVERY_MS = 60_000;
const CLEAN_UP_ROWS = 10_000;

/**
 * Publishes the outbox: one relay among the replicas, oldest first, a batch at a time, marked after the log took it.
 * A crash between the two publishes the batch again (at least once), never in another order for a key.
 */
export function startRelay(options: RelayOptions): Poller {
  const { database, leader, clock } = options;
  let nextCleanUp = clock.now();

  async function turn(): Promise<boolean> {
    if (!(await leader.leads())) return false;
    const rows = await unpublished(database, BATCH_ROWS, clock.now());
    if (rows.length > 0) await publishBatch(rows, options);
    await cleanUp();
    return rows.length === BATCH_ROWS;
  }

  async function cleanUp(): Promise<void> {
    const now = clock.now();
    if (now < nextCleanUp) return;
    nextCleanUp = later(now, CLEAN_UP_EVERY_MS);
    await removePublished(database, later(now, -options.retentionMs), CLEAN_UP_ROWS);
  }

  return startPoller({ intervalMs: POLL_INTERVAL_MS, bell: options.bell, turn, onError: options.onError });
}

async function publishBatch(rows: readonly OutboxRow[], options: RelayOptions): Promise<void> {
  try {
    await publishRows(rows, options);
  } catch (error) {
    const byKey = [...Map.groupBy(rows, (row) => row.key).values()];
    // A single key tells nothing about the others: it is tried again, as when the whole log is away.
    if (byKey.length === 1) throw error;
    await publishKeyByKey(byKey, error, options);
  }
}

/**
 * Finds what a batch failed for. Keys that fail while others go through hold a message that cannot be published: they
 * wait, and the others go on. When the first few fail alike, it is the log that is away, and nothing is held against them.
 */
async function publishKeyByKey(
  byKey: readonly (readonly OutboxRow[])[],
  cause: unknown,
  options: RelayOptions,
): Promise<void> {
  const failed: { readonly row: OutboxRow; readonly error: unknown }[] = [];
  let isLogThere = false;
  for (const rows of byKey) {
    try {
      for (const row of rows) await publishOne(row, options, failed);
      isLogThere = true;
    } catch {
      if (!isLogThere && failed.length >= FAILURES_THAT_MEAN_AWAY) throw cause;
    }
  }
  if (!isLogThere) throw cause;
  for (const { row, error } of failed) {
    await blockKey(options.database, row.id, options.clock.now(), reasonOf(error));
    options.onError(error);
  }
}

async function publishOne(
  row: OutboxRow,
  options: RelayOptions,
  failed: { row: OutboxRow; error: unknown }[],
): Promise<void> {
  try {
    await publishRows([row], options);
  } catch (error) {
    failed.push({ row, error });
    throw error;
  }
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

import { type Clock, later } from '../../kernel/clock.ts';
import type { EventMessage, EventPublisher, TopicNames } from '../../kernel/events.ts';
import { type Bell, type Poller, startPoller } from '../jobs/poller.ts';
import type { Database } from '../postgres/database.ts';
import type { Leader } from '../postgres/leader.ts';
import { markPublished, type OutboxRow, removePublished, unpublished } from './outbox.store.ts';

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
    const rows = await unpublished(database, BATCH_ROWS);
    if (rows.length > 0) {
      await options.publisher.publish(rows.map((row) => toMessage(row, options.topics)));
      await markPublished(
        database,
        rows.map((row) => row.id),
        clock.now(),
      );
    }
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

function toMessage(row: OutboxRow, topics: TopicNames): EventMessage {
  return {
    eventId: row.event_id,
    topic: topics[row.topic],
    key: row.key,
    value: row.value,
    committedAt: row.committed_at,
  };
}

import { type Instant, toRfc3339 } from '../../kernel/clock.ts';
import type { Announcement, TopicKey } from '../../kernel/events.ts';
import { pauseAfter } from '../jobs/due-work.store.ts';
import type { Executor, Transaction } from '../postgres/database.ts';

/** An unpublished message. */
export interface OutboxRow {
  readonly id: number;
  readonly event_id: string;
  readonly topic: TopicKey;
  readonly key: string;
  readonly value: string;
  readonly committed_at: Instant;
  readonly traceparent: string | null;
}

const APPEND = {
  name: 'outbox-append',
  text: `INSERT INTO outbox (topic, key, value, traceparent)
         SELECT a.topic, a.key, a.value, $4
           FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS a (topic, key, value, position)
          ORDER BY a.position`,
};

/** Stores the events of a transaction with their trace. The relay publishes them after the commit, and never after a rollback (I4). */
export async function appendToOutbox(tx: Transaction, announcements: readonly Announcement[]): Promise<void> {
  await tx.rows(APPEND, [
    announcements.map((announcement) => announcement.topic),
    announcements.map((announcement) => announcement.key),
    announcements.map((announcement) => announcement.value),
    tx.traceparent() ?? null,
  ]);
  tx.wake('relay');
}

const UNPUBLISHED = {
  name: 'outbox-unpublished',
  text: `SELECT id, event_id, topic, key, value, committed_at, traceparent,
                (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint) AS oldest_running,
                EXISTS (SELECT FROM outbox WHERE published_at IS NULL AND blocked_until IS NOT NULL) AS is_any_blocked
           FROM outbox
          WHERE published_at IS NULL AND id > $3
            AND key NOT IN (SELECT key FROM outbox WHERE published_at IS NULL AND blocked_until > $2::timestamptz)
          ORDER BY id LIMIT $1`,
};

/** A message, with the facts about the query that `horizonAfter` needs. */
export interface FoundRow extends OutboxRow {
  readonly oldest_running: number;
  readonly is_any_blocked: boolean;
}

/** The oldest unpublished messages after `afterId`, without those of blocked keys. */
export function unpublished(executor: Executor, limit: number, now: Instant, afterId: number): Promise<FoundRow[]> {
  return executor.rows<FoundRow>(UNPUBLISHED, [limit, toRfc3339(now), afterId]);
}

/** In seconds: long enough for a broker to come back, and short enough that a key is not far behind. */
const BLOCK_PAUSE = { first: 0.25, longest: 10 };

const BLOCK = {
  name: 'outbox-block',
  text: `UPDATE outbox
            SET attempts = attempts + 1, last_error = $3,
                blocked_until = $2::timestamptz + ${pauseAfter('attempts', BLOCK_PAUSE)}
          WHERE id = $1`,
};

/** Blocks the key of a message that could not be published: for 0.25 s at first, doubling up to ten seconds. */
export async function blockKey(executor: Executor, id: number, now: Instant, reason: string): Promise<void> {
  await executor.rows(BLOCK, [id, toRfc3339(now), reason]);
}

const LIFT_BLOCKS = {
  name: 'outbox-lift-blocks',
  text: `UPDATE outbox SET blocked_until = $1::timestamptz
          WHERE published_at IS NULL AND blocked_until > $1::timestamptz`,
};

/** Ends the wait of every blocked key. */
export async function liftBlocks(executor: Executor, now: Instant): Promise<void> {
  await executor.rows(LIFT_BLOCKS, [toRfc3339(now)]);
}

/** How far publishing is behind. */
export interface OutboxLag {
  /** Unpublished messages, counted up to `MAX_COUNTED`. */
  readonly waiting: number;
  /** When the oldest of them was committed. */
  readonly oldest: Instant | null;
  /** Keys that wait because one of their messages could not be published. */
  readonly blocked: number;
}

const MAX_COUNTED = 100_000;

const LAG = {
  name: 'outbox-lag',
  text: `SELECT count(*) AS waiting, min(committed_at) AS oldest,
                count(DISTINCT key) FILTER (WHERE blocked_until IS NOT NULL) AS blocked
           FROM (SELECT committed_at, key, blocked_until FROM outbox
                  WHERE published_at IS NULL ORDER BY id LIMIT ${MAX_COUNTED}) waiting`,
};

export async function lagOf(executor: Executor): Promise<OutboxLag> {
  const [lag] = await executor.rows<OutboxLag>(LAG, []);
  return lag ?? { waiting: 0, oldest: null, blocked: 0 };
}

const MARK_PUBLISHED = {
  name: 'outbox-mark-published',
  text: `WITH marked AS (UPDATE outbox SET published_at = $2::timestamptz
                         WHERE id = ANY ($1::bigint[]) AND published_at IS NULL)
         SELECT pg_current_xact_id()::text::bigint AS marking`,
};

/**
 * Marks messages as published, and returns the number of the transaction that does. The first mark stays: a relay that
 * lost its leadership while it published marks late what its successor has published again.
 */
export async function markPublished(executor: Executor, ids: readonly number[], at: Instant): Promise<number> {
  const [done] = await executor.rows<{ marking: number }>(MARK_PUBLISHED, [ids, toRfc3339(at)]);
  return done?.marking ?? 0;
}

const REMOVE_PUBLISHED = {
  name: 'outbox-remove-published',
  text: `DELETE FROM outbox WHERE published_at < $1::timestamptz AND id IN (
           SELECT id FROM outbox ORDER BY id LIMIT $2)`,
};

/** Removes the messages published before `before` among the oldest `limit`, so its cost does not grow with the outbox. */
export async function removePublished(executor: Executor, before: Instant, limit: number): Promise<void> {
  await executor.rows(REMOVE_PUBLISHED, [toRfc3339(before), limit]);
}

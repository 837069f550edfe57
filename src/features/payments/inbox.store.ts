import { type Instant, toRfc3339 } from '../../kernel/clock.ts';
import type { OrderId, PaymentIntentId } from '../../kernel/ids.ts';
import type { Executor, Writer } from '../../platform/postgres/database.ts';

/** A webhook as it is kept until its effect is done. */
export interface InboxEvent {
  readonly event_id: string;
  readonly type: string;
  readonly payment_intent_id: PaymentIntentId | null;
  readonly order_id: OrderId | null;
  readonly amount_minor: number | null;
  readonly currency: string | null;
  /** The trace of the request that brought it. */
  readonly traceparent: string | null;
}

const STORE = {
  name: 'inbox-store',
  text: `INSERT INTO stripe_inbox (event_id, type, payment_intent_id, order_id, amount_minor, currency, traceparent,
                                   received_at, next_attempt_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8::timestamptz, $8::timestamptz) ON CONFLICT (event_id) DO NOTHING`,
};

/** Keeps a webhook to be applied; one that comes again changes nothing (I7). */
export async function storeEvent(writer: Writer, event: InboxEvent, at: Instant): Promise<void> {
  await writer.rows(STORE, [
    event.event_id,
    event.type,
    event.payment_intent_id,
    event.order_id,
    event.amount_minor,
    event.currency,
    event.traceparent,
    toRfc3339(at),
  ]);
  writer.wake('webhooks');
}

/** Past this many tries a person has to look; the row says why the last one failed. */
export const MAX_APPLY_ATTEMPTS = 12;

const CLAIM = {
  name: 'inbox-claim',
  text: `UPDATE stripe_inbox
            SET attempts = attempts + 1,
                next_attempt_at = $1::timestamptz + LEAST(5 * power(2, attempts), 600) * interval '1 second'
          WHERE event_id IN (
            SELECT event_id FROM stripe_inbox
             WHERE applied_at IS NULL AND next_attempt_at <= $1::timestamptz AND attempts < ${MAX_APPLY_ATTEMPTS}
             ORDER BY next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED)
        RETURNING event_id, type, payment_intent_id, order_id, amount_minor, currency, traceparent`,
};

/** Takes webhooks to apply, for this caller alone; a failed or forgotten one comes again after a growing pause. */
export function claimEvents(executor: Executor, now: Instant, limit: number): Promise<InboxEvent[]> {
  return executor.rows<InboxEvent>(CLAIM, [toRfc3339(now), limit]);
}

const APPLIED = {
  name: 'inbox-applied',
  text: 'UPDATE stripe_inbox SET applied_at = $2::timestamptz, last_error = NULL WHERE event_id = $1',
};

export async function markApplied(executor: Executor, eventId: string, at: Instant): Promise<void> {
  await executor.rows(APPLIED, [eventId, toRfc3339(at)]);
}

const FORGET = {
  name: 'inbox-forget',
  text: `DELETE FROM stripe_inbox WHERE event_id IN (
           SELECT event_id FROM stripe_inbox WHERE applied_at < $1::timestamptz LIMIT $2) RETURNING event_id`,
};

/** Removes at most `limit` events applied before `before`; how many there were. */
export async function forgetApplied(executor: Executor, before: Instant, limit: number): Promise<number> {
  return (await executor.rows(FORGET, [toRfc3339(before), limit])).length;
}

/** Work that is not done yet. */
export interface BacklogRow {
  readonly waiting: number;
  /** When the oldest came that is still tried. */
  readonly oldest: Instant | null;
  /** Those that wait for a person. */
  readonly stuck: number;
}

const MAX_COUNTED = 100_000;

const BACKLOG = {
  name: 'inbox-backlog',
  text: `SELECT count(*) AS waiting, min(received_at) FILTER (WHERE attempts < ${MAX_APPLY_ATTEMPTS}) AS oldest,
                count(*) FILTER (WHERE attempts >= ${MAX_APPLY_ATTEMPTS}) AS stuck
           FROM (SELECT received_at, attempts FROM stripe_inbox
                  WHERE applied_at IS NULL ORDER BY next_attempt_at LIMIT ${MAX_COUNTED}) waiting`,
};

/** The webhooks not applied yet, counted up to `MAX_COUNTED`. */
export async function inboxBacklog(executor: Executor): Promise<BacklogRow> {
  const [backlog] = await executor.rows<BacklogRow>(BACKLOG, []);
  return backlog ?? { waiting: 0, oldest: null, stuck: 0 };
}

const FAILED = {
  name: 'inbox-failed',
  text: 'UPDATE stripe_inbox SET last_error = $2 WHERE event_id = $1',
};

export async function noteApplyFailure(executor: Executor, eventId: string, reason: string): Promise<void> {
  await executor.rows(FAILED, [eventId, reason]);
}

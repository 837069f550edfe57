import { type Instant, toRfc3339 } from '../../kernel/clock.ts';
import type { OrderId, PaymentIntentId } from '../../kernel/ids.ts';
import {
  type Backlog,
  backlogOf,
  claim,
  claimDue,
  countBacklog,
  type DueTable,
  keepFailure,
  retry,
  retryStuck,
} from '../../platform/jobs/due-work.store.ts';
import { MAX_TRIES } from '../../platform/jobs/due-work.ts';
import type { Executor, Writer } from '../../platform/postgres/database.ts';

/** A webhook, stored until it is applied. */
export interface InboxEvent {
  readonly eventId: string;
  readonly type: string;
  /** The trace of the request that delivered it. */
  readonly traceparent: string | undefined;
  readonly about: InboxSubject;
}

/** The subject of a stored webhook. */
export type InboxSubject =
  | {
      readonly kind: 'paid';
      readonly intentId: PaymentIntentId;
      /** The order named in the intent's metadata. */
      readonly orderId: OrderId | undefined;
      readonly amountMinor: number;
      readonly currency: string;
    }
  | { readonly kind: 'money_went_back'; readonly intentId: PaymentIntentId };

/** Webhooks, as due work. */
const APPLYING: DueTable = {
  table: 'stripe_inbox',
  key: 'event_id',
  isOpen: `applied_at IS NULL AND attempts < ${MAX_TRIES}`,
  isStuck: `applied_at IS NULL AND attempts >= ${MAX_TRIES}`,
  since: 'received_at',
};

const STORE = {
  name: 'inbox-store',
  text: `INSERT INTO stripe_inbox (event_id, type, kind, payment_intent_id, order_id, amount_minor, currency, traceparent,
                                   received_at, next_attempt_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::timestamptz, $9::timestamptz) ON CONFLICT (event_id) DO NOTHING`,
};

/** Stores a webhook to be applied; a second delivery changes nothing (I7). */
export async function storeEvent(writer: Writer, event: InboxEvent, at: Instant): Promise<void> {
  const { about } = event;
  const money = about.kind === 'paid' ? about : undefined;
  await writer.rows(STORE, [
    event.eventId,
    event.type,
    about.kind,
    about.intentId,
    money?.orderId ?? null,
    money?.amountMinor ?? null,
    money?.currency ?? null,
    event.traceparent ?? null,
    toRfc3339(at),
  ]);
  writer.wake('webhooks');
}

interface EventRow {
  readonly event_id: string;
  readonly type: string;
  readonly kind: InboxSubject['kind'];
  readonly payment_intent_id: PaymentIntentId;
  readonly order_id: OrderId | null;
  readonly amount_minor: number | null;
  readonly currency: string | null;
  readonly traceparent: string | null;
}

const CLAIM = claimDue(
  'inbox-claim',
  APPLYING,
  'event_id, type, kind, payment_intent_id, order_id, amount_minor, currency, traceparent',
);

/** Claims webhooks to apply, for this caller alone. A webhook that fails becomes due again after a growing pause. */
export async function claimEvents(executor: Executor, now: Instant, limit: number): Promise<InboxEvent[]> {
  const rows = await claim<EventRow>(executor, CLAIM, now, limit);
  return rows.map((row) => ({
    eventId: row.event_id,
    type: row.type,
    traceparent: row.traceparent ?? undefined,
    about: toSubject(row),
  }));
}

function toSubject(row: EventRow): InboxSubject {
  const { kind, payment_intent_id: intentId } = row;
  switch (kind) {
    case 'paid':
      return {
        kind,
        intentId,
        orderId: row.order_id ?? undefined,
        amountMinor: row.amount_minor ?? 0,
        currency: row.currency ?? '',
      };
    case 'money_went_back':
      return { kind, intentId };
    default:
      return kind satisfies never;
  }
}

const APPLIED = {
  name: 'inbox-applied',
  text: 'UPDATE stripe_inbox SET applied_at = $2::timestamptz, last_error = NULL WHERE event_id = $1',
};

/** Saves that a webhook was applied. */
export async function saveApplied(executor: Executor, eventId: string, at: Instant): Promise<void> {
  await executor.rows(APPLIED, [eventId, toRfc3339(at)]);
}

const FORGET = {
  name: 'inbox-forget',
  text: `DELETE FROM stripe_inbox WHERE event_id IN (
           SELECT event_id FROM stripe_inbox WHERE applied_at < $1::timestamptz LIMIT $2) RETURNING event_id`,
};

/** Deletes at most `limit` events applied before `before`, and returns how many. */
export async function deleteApplied(executor: Executor, before: Instant, limit: number): Promise<number> {
  return (await executor.rows(FORGET, [toRfc3339(before), limit])).length;
}

const BACKLOG = countBacklog('inbox-backlog', APPLYING);

/** The webhooks that are not applied yet. */
export function inboxBacklog(executor: Executor): Promise<Backlog> {
  return backlogOf(executor, BACKLOG);
}

const FAILED = keepFailure('inbox-failed', APPLYING);

/** Saves why a webhook could not be applied. */
export async function saveApplyFailure(executor: Executor, eventId: string, reason: string): Promise<void> {
  await executor.rows(FAILED, [eventId, reason]);
}

const RETRY = retryStuck('inbox-try-again', APPLYING, 0);

/** Makes a stuck webhook due again; false when there is none with this id. */
export async function retryEvent(writer: Writer, id: string, at: Instant): Promise<boolean> {
  const isStuck = await retry(writer, RETRY, id, at);
  if (isStuck) writer.wake('webhooks');
  return isStuck;
}

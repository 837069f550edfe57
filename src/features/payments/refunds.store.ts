import { type Instant, toRfc3339 } from '../../kernel/clock.ts';
import type { OrderId, PaymentIntentId, TicketId } from '../../kernel/ids.ts';
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
import type { Executor, Statement, Transaction, Writer } from '../../platform/postgres/database.ts';
import type { NewRefund, Refund, RefundState } from './refund.ts';

/** Refunds, as due work. A refund whose last try fails becomes `failed`. */
const SENDING: DueTable = {
  table: 'refunds',
  key: 'refund_id',
  isOpen: "state IN ('due', 'sent')",
  isStuck: "state IN ('failed', 'manual')",
  since: 'created_at',
};

const INSERT = {
  name: 'refund-insert',
  text: `INSERT INTO refunds (refund_id, payment_intent_id, amount_minor, origin, reason, requested_by, created_at,
                              provider_id, next_attempt_at, ticket_id, state, paid_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7::timestamptz, $8, $7::timestamptz, $9, $10, $11)
         ON CONFLICT (provider_id) DO NOTHING
         RETURNING refund_id`,
};

/** Inserts a refund. False when the provider's refund was recorded before. */
export async function insertRefund(
  tx: Transaction,
  refundId: string,
  refund: NewRefund,
  at: Instant,
): Promise<boolean> {
  const written = await tx.rows(INSERT, [
    refundId,
    refund.intentId,
    refund.amountMinor,
    refund.origin,
    refund.reason,
    refund.requestedBy ?? null,
    toRfc3339(at),
    refund.state === 'done' ? refund.providerId : null,
    refund.ticketId ?? null,
    refund.state,
    refund.state === 'done' ? refund.paidBy : null,
  ]);
  tx.wake('refunds');
  return written.length > 0;
}

interface RefundRow {
  readonly refund_id: string;
  readonly amount_minor: number;
  readonly origin: Refund['origin'];
  readonly state: RefundState;
  readonly provider_id: string | null;
  readonly paid_by: 'provider' | 'person' | null;
  readonly ticket_id: TicketId | null;
  readonly ticket_unclear: boolean;
}

const OF_PAYMENT = {
  name: 'refunds-of-payment',
  text: `SELECT refund_id, amount_minor, origin, state, provider_id, paid_by, ticket_id, ticket_unclear FROM refunds
          WHERE payment_intent_id = $1 ORDER BY created_at, refund_id`,
};

/** All refunds of a payment, oldest first. */
export async function refundsOf(executor: Executor, intentId: PaymentIntentId): Promise<Refund[]> {
  return (await executor.rows<RefundRow>(OF_PAYMENT, [intentId])).map(toRefund);
}

function toRefund(row: RefundRow): Refund {
  const facts = {
    refundId: row.refund_id,
    amountMinor: row.amount_minor,
    origin: row.origin,
    ticketId: row.ticket_id ?? undefined,
    isTicketUnclear: row.ticket_unclear,
  };
  if (row.state !== 'done') return { ...facts, state: row.state };
  if (row.provider_id === null || row.paid_by === null) throw new Error(`refund ${row.refund_id} is half done`);
  return { ...facts, state: row.state, providerId: row.provider_id, paidBy: row.paid_by };
}

const REMOVE = {
  name: 'refunds-remove',
  text: 'DELETE FROM refunds WHERE refund_id = ANY ($1::uuid[]) RETURNING amount_minor',
};

/** Deletes refunds and returns their total in minor units. */
export async function deleteRefunds(tx: Transaction, refundIds: readonly string[]): Promise<number> {
  const deleted = await tx.rows<Pick<RefundRow, 'amount_minor'>>(REMOVE, [refundIds]);
  return deleted.reduce((total, row) => total + row.amount_minor, 0);
}

/** A refund to send. */
export interface DueRefund {
  readonly refundId: string;
  readonly intentId: PaymentIntentId;
  readonly amountMinor: number;
  /** Whether it was never sent to Stripe before. */
  readonly isFirstTry: boolean;
}

const CLAIM = claimDue(
  'refunds-claim',
  SENDING,
  'refund_id, payment_intent_id, amount_minor, attempts',
  `state = CASE WHEN attempts + 1 < ${MAX_TRIES} THEN 'sent' ELSE 'failed' END`,
);

interface ClaimedRow {
  readonly refund_id: string;
  readonly payment_intent_id: PaymentIntentId;
  readonly amount_minor: number;
  readonly attempts: number;
}

/** Claims due refunds for this caller alone. A refund that fails becomes due again after a growing pause. */
export async function claimRefunds(executor: Executor, now: Instant, limit: number): Promise<DueRefund[]> {
  const rows = await claim<ClaimedRow>(executor, CLAIM, now, limit);
  return rows.map((row) => ({
    refundId: row.refund_id,
    intentId: row.payment_intent_id,
    amountMinor: row.amount_minor,
    isFirstTry: row.attempts === 1,
  }));
}

const CARRIED_OUT = {
  name: 'refund-carried-out',
  text: `UPDATE refunds SET state = 'done', provider_id = $2, paid_by = 'provider', last_error = NULL
          WHERE refund_id = $1 AND state <> 'done' RETURNING refund_id`,
};

/** Saves that the provider accepted the refund under this id; false when that was saved before. */
export async function saveRefundSent(tx: Transaction, refundId: string, providerId: string): Promise<boolean> {
  return (await tx.rows(CARRIED_OUT, [refundId, providerId])).length > 0;
}

const PAID = {
  name: 'refund-paid-by-person',
  text: `UPDATE refunds SET state = 'done', provider_id = $2, paid_by = 'person', last_error = NULL
          WHERE refund_id = $1 AND state IN ('failed', 'manual') RETURNING refund_id`,
};

/** Saves that a person paid the refund; false when it does not wait for a person to pay it. */
export async function saveRefundPaid(tx: Transaction, refundId: string, reference: string): Promise<boolean> {
  return (await tx.rows(PAID, [refundId, reference])).length > 0;
}

const IS_OPEN = { name: 'refund-is-due', text: "SELECT FROM refunds WHERE refund_id = $1 AND state <> 'done'" };

/** Whether a refund is still to be paid. */
export async function isRefundOpen(executor: Executor, refundId: string): Promise<boolean> {
  return (await executor.rows(IS_OPEN, [refundId])).length > 0;
}

const STUCK = `
  SELECT payment_intent_id, p.order_id, r.amount_minor, r.state FROM refunds r JOIN payments p USING (payment_intent_id)
   WHERE r.refund_id = $1 AND (r.state IN ('failed', 'manual') OR (r.state = 'done' AND r.ticket_unclear))`;
const FIND_STUCK = { name: 'refund-find-stuck', text: STUCK };
const LOCK_STUCK = { name: 'refund-lock-stuck', text: `${STUCK} FOR UPDATE OF r` };

/** A refund that waits for a person: to be paid, or, when it is `done`, to have its ticket named. */
export interface StuckRefund {
  readonly intentId: PaymentIntentId;
  readonly orderId: OrderId;
  readonly amountMinor: number;
  readonly state: RefundState;
}

/** The refund if it waits for a person; undefined otherwise. */
export function findStuckRefund(executor: Executor, refundId: string): Promise<StuckRefund | undefined> {
  return stuckRefund(executor, FIND_STUCK, refundId);
}

/** The same, locked. The caller has locked its order and its payment before. */
export function lockStuckRefund(tx: Transaction, refundId: string): Promise<StuckRefund | undefined> {
  return stuckRefund(tx, LOCK_STUCK, refundId);
}

async function stuckRefund(
  executor: Executor,
  statement: Statement,
  refundId: string,
): Promise<StuckRefund | undefined> {
  type Row = Pick<RefundRow, 'amount_minor' | 'state'> & Pick<ClaimedRow, 'payment_intent_id'> & { order_id: OrderId };
  const [row] = await executor.rows<Row>(statement, [refundId]);
  if (!row) return undefined;
  const { payment_intent_id: intentId, order_id: orderId, amount_minor: amountMinor, state } = row;
  return { intentId, orderId, amountMinor, state };
}

const FAILED = keepFailure('refund-failed', SENDING, "state <> 'done'");

/** Saves why a refund could not be sent. */
export async function saveRefundFailure(executor: Executor, refundId: string, reason: string): Promise<void> {
  await executor.rows(FAILED, [refundId, reason]);
}

/** The refund stays `sent`, because Stripe may have accepted it: its account is read before the next try. */
const RETRY = retryStuck('refund-try-again', SENDING, 1, "state = 'sent'");

/** Makes a stuck refund due again; false when there is none with this id. */
export async function retryRefund(writer: Writer, id: string, at: Instant): Promise<boolean> {
  const isStuck = await retry(writer, RETRY, id, at);
  if (isStuck) writer.wake('refunds');
  return isStuck;
}

const BOUNCED = {
  name: 'refund-bounced',
  text: `UPDATE refunds SET state = 'failed', provider_id = NULL, paid_by = NULL, last_error = $2
          WHERE refund_id = $1 AND origin <> 'dispute'`,
};

/** Saves that a bank rejected the refund, wherever it was made: a person has to pay it. */
export async function saveRefundBounced(tx: Transaction, refundId: string, reason: string): Promise<void> {
  await tx.rows(BOUNCED, [refundId, reason]);
}

const UNCLEAR = {
  name: 'refund-ticket-unclear',
  text: 'UPDATE refunds SET ticket_unclear = true WHERE provider_id = ANY ($1::text[])',
};

/** Saves that refunds made at Stripe fit more than one choice of tickets: a person has to name the ticket. */
export async function saveTicketUnclear(tx: Transaction, providerIds: readonly string[]): Promise<void> {
  await tx.rows(UNCLEAR, [providerIds]);
}

const NAMED = {
  name: 'refund-ticket-named',
  text: `UPDATE refunds r SET ticket_unclear = false,
                ticket_id = CASE WHEN EXISTS (SELECT FROM refunds o WHERE o.ticket_id = $2) THEN r.ticket_id ELSE $2 END
          WHERE provider_id = $1`,
};

/** Saves the ticket that a refund made at Stripe was for. A ticket that has a refund of its own keeps that one. */
export async function saveTicketNamed(tx: Transaction, providerId: string, ticketId: TicketId): Promise<void> {
  await tx.rows(NAMED, [providerId, ticketId]);
}

const CLEARED = {
  name: 'refund-ticket-cleared',
  text: 'UPDATE refunds SET ticket_unclear = false WHERE refund_id = $1 AND ticket_unclear RETURNING refund_id',
};

/** Saves that nothing is left to say about the tickets of a refund; false when nothing was asked. */
export async function saveTicketCleared(tx: Transaction, refundId: string): Promise<boolean> {
  return (await tx.rows(CLEARED, [refundId])).length > 0;
}

/** Moot when nothing pays for the order any more. */
const WAITS_FOR_TICKET = `ticket_unclear AND EXISTS (
  SELECT FROM payments p WHERE p.payment_intent_id = refunds.payment_intent_id AND p.state = 'applied')`;
const BACKLOG = countBacklog('refunds-backlog', { ...SENDING, isStuck: `${SENDING.isStuck} OR ${WAITS_FOR_TICKET}` });

/** The refunds that are not paid yet, or wait for a person. */
export function refundBacklog(executor: Executor): Promise<Backlog> {
  return backlogOf(executor, BACKLOG);
}

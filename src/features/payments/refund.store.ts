import { type Instant, toRfc3339 } from '../../kernel/clock.ts';
import type { OrderId, PaymentIntentId, TicketId, UserId } from '../../kernel/ids.ts';
import type { Executor, Transaction } from '../../platform/postgres/database.ts';
import type { BacklogRow } from './inbox.store.ts';
import type { Refund } from './payment.rules.ts';

/** A refund as it is first written down. */
export interface NewRefund {
  readonly refundId: string;
  readonly intentId: PaymentIntentId;
  readonly amountMinor: number;
  readonly origin: Refund['origin'];
  readonly reason: string;
  readonly requestedBy?: UserId;
  /** The provider's id of one that is done already. */
  readonly providerId?: string;
  /** Only a person can carry it out. */
  readonly isManual?: boolean;
  /** The ticket whose money it is. */
  readonly ticketId?: TicketId;
}

/** Past this many tries a person has to look; the row says why the last one failed. */
export const MAX_REFUND_ATTEMPTS = 12;

const INSERT = {
  name: 'refund-insert',
  text: `INSERT INTO refunds (refund_id, payment_intent_id, amount_minor, origin, reason, requested_by, created_at,
                              provider_id, attempts, next_attempt_at, ticket_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7::timestamptz, $8, $9, $7::timestamptz, $10)
         ON CONFLICT (provider_id) DO NOTHING
         RETURNING refund_id`,
};

/** Writes a refund down; one that has no `providerId` is due from now on. False when the provider's was known already. */
export async function insertRefund(tx: Transaction, refund: NewRefund, at: Instant): Promise<boolean> {
  const written = await tx.rows(INSERT, [
    refund.refundId,
    refund.intentId,
    refund.amountMinor,
    refund.origin,
    refund.reason,
    refund.requestedBy ?? null,
    toRfc3339(at),
    refund.providerId ?? null,
    refund.isManual ? MAX_REFUND_ATTEMPTS : 0,
    refund.ticketId ?? null,
  ]);
  tx.wake('refunds');
  return written.length > 0;
}

interface RefundRow {
  readonly refund_id: string;
  readonly amount_minor: number;
  readonly origin: Refund['origin'];
  readonly provider_id: string | null;
  readonly ticket_id: TicketId | null;
}

const OF_PAYMENT = {
  name: 'refunds-of-payment',
  text: `SELECT refund_id, amount_minor, origin, provider_id, ticket_id FROM refunds
          WHERE payment_intent_id = $1 ORDER BY created_at, refund_id`,
};

/** All refunds of a payment, oldest first. */
export async function refundsOf(executor: Executor, intentId: PaymentIntentId): Promise<Refund[]> {
  const rows = await executor.rows<RefundRow>(OF_PAYMENT, [intentId]);
  return rows.map((row) => ({
    refundId: row.refund_id,
    amountMinor: row.amount_minor,
    origin: row.origin,
    providerId: row.provider_id ?? undefined,
    ticketId: row.ticket_id ?? undefined,
  }));
}

const REMOVE = {
  name: 'refunds-remove',
  text: 'DELETE FROM refunds WHERE refund_id = ANY ($1::uuid[]) RETURNING amount_minor',
};

/** Takes refunds away that are not to be carried out any more, or that the provider took back; minor units they were. */
export async function removeRefunds(tx: Transaction, refundIds: readonly string[]): Promise<number> {
  const removed = await tx.rows<Pick<RefundRow, 'amount_minor'>>(REMOVE, [refundIds]);
  return removed.reduce((total, row) => total + row.amount_minor, 0);
}

/** A refund to carry out. */
export interface DueRefund {
  /** Counting this one. */
  readonly attempts: number;
  readonly refundId: string;
  readonly intentId: PaymentIntentId;
  readonly amountMinor: number;
}

const CLAIM = {
  name: 'refunds-claim',
  text: `UPDATE refunds
            SET attempts = attempts + 1,
                next_attempt_at = $1::timestamptz + LEAST(5 * power(2, attempts), 600) * interval '1 second'
          WHERE refund_id IN (
            SELECT refund_id FROM refunds
             WHERE provider_id IS NULL AND next_attempt_at <= $1::timestamptz AND attempts < ${MAX_REFUND_ATTEMPTS}
             ORDER BY next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED)
        RETURNING refund_id, payment_intent_id, amount_minor, attempts`,
};

interface ClaimedRow extends RefundRow {
  readonly payment_intent_id: PaymentIntentId;
  readonly attempts: number;
}

/** Takes due refunds for this caller alone; a failed or forgotten one comes again after a growing pause. */
export async function claimRefunds(executor: Executor, now: Instant, limit: number): Promise<DueRefund[]> {
  const rows = await executor.rows<ClaimedRow>(CLAIM, [toRfc3339(now), limit]);
  return rows.map((row) => ({
    attempts: row.attempts,
    refundId: row.refund_id,
    intentId: row.payment_intent_id,
    amountMinor: row.amount_minor,
  }));
}

const CARRIED_OUT = {
  name: 'refund-carried-out',
  text: `UPDATE refunds SET provider_id = $2, last_error = NULL
          WHERE refund_id = $1 AND provider_id IS NULL RETURNING refund_id`,
};

/** It has gone back, under this id; false when that was known already. */
export async function markCarriedOut(
  tx: Transaction,
  refundId: string,
  providerId: string,
): Promise<boolean> {
  return (await tx.rows(CARRIED_OUT, [refundId, providerId])).length > 0;
}

const IS_DUE = {
  name: 'refund-is-due',
  text: 'SELECT FROM refunds WHERE refund_id = $1 AND provider_id IS NULL',
};

/** Whether a refund is still to be carried out. */
export async function isDue(executor: Executor, refundId: string): Promise<boolean> {
  return (await executor.rows(IS_DUE, [refundId])).length > 0;
}

const FIND_STUCK = {
  name: 'refund-find-stuck',
  text: `SELECT payment_intent_id, p.order_id, r.amount_minor FROM refunds r JOIN payments p USING (payment_intent_id)
          WHERE r.refund_id = $1 AND r.provider_id IS NULL AND r.attempts >= ${MAX_REFUND_ATTEMPTS}`,
};

/** A refund that waits for a person. */
export interface StuckRefund {
  readonly intentId: PaymentIntentId;
  readonly orderId: OrderId;
  readonly amountMinor: number;
}

/** Whose money a refund is that waits for a person; undefined when it does not wait. */
export async function findStuckRefund(
  executor: Executor,
  refundId: string,
): Promise<StuckRefund | undefined> {
  type Row = Pick<ClaimedRow, 'payment_intent_id' | 'amount_minor'> & { readonly order_id: OrderId };
  const [row] = await executor.rows<Row>(FIND_STUCK, [refundId]);
  return row && { intentId: row.payment_intent_id, orderId: row.order_id, amountMinor: row.amount_minor };
}

const FAILED = {
  name: 'refund-failed',
  text: 'UPDATE refunds SET last_error = $2 WHERE refund_id = $1 AND provider_id IS NULL',
};

export async function noteRefundFailure(executor: Executor, refundId: string, reason: string): Promise<void> {
  await executor.rows(FAILED, [refundId, reason]);
}

const BOUNCED = {
  name: 'refund-bounced',
  text: `UPDATE refunds SET provider_id = NULL, attempts = ${MAX_REFUND_ATTEMPTS}, last_error = $2
          WHERE refund_id = $1 AND origin = 'service'`,
};

/** The provider could not give it back after all: it is due again, and a person has to look. */
export async function markBounced(tx: Transaction, refundId: string, reason: string): Promise<void> {
  await tx.rows(BOUNCED, [refundId, reason]);
}

const MAX_COUNTED = 100_000;

const BACKLOG = {
  name: 'refunds-backlog',
  text: `SELECT count(*) AS waiting, min(created_at) FILTER (WHERE attempts < ${MAX_REFUND_ATTEMPTS}) AS oldest,
                count(*) FILTER (WHERE attempts >= ${MAX_REFUND_ATTEMPTS}) AS stuck
           FROM (SELECT created_at, attempts FROM refunds
                  WHERE provider_id IS NULL ORDER BY next_attempt_at LIMIT ${MAX_COUNTED}) waiting`,
};

/** The refunds not carried out yet, counted up to `MAX_COUNTED`. */
export async function refundBacklog(executor: Executor): Promise<BacklogRow> {
  const [backlog] = await executor.rows<BacklogRow>(BACKLOG, []);
  return backlog ?? { waiting: 0, oldest: null, stuck: 0 };
}

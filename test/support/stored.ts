import { randomUUID } from 'node:crypto';
import { type OrderRef, orderIdOf } from './people/requests.ts';
import { until } from './servers.ts';
import type { TestApp } from './test-app.ts';

interface StoredState {
  readonly status: string;
  readonly cancel_reason: string | null;
}

export interface StoredPayment {
  readonly payment_intent_id: string;
  readonly amount_minor: number;
  readonly currency: string;
  readonly state: string;
}

export interface StoredRefund {
  readonly payment_intent_id: string;
  readonly amount_minor: number;
  readonly origin: string;
  readonly reason: string;
  readonly ticket_id: string | null;
  readonly requested_by: string | null;
  readonly provider_id: string | null;
}

/** The database's state of an order that no answer shows. */
export type Stored = ReturnType<typeof storedIn>;

export function storedIn({ sql }: Pick<TestApp, 'sql'>) {
  /** The payments, oldest first. */
  const payments = (order: OrderRef) =>
    sql<StoredPayment>(
      `SELECT payment_intent_id, amount_minor::int, currency, state FROM payments
        WHERE order_id = $1 ORDER BY received_at, payment_intent_id`,
      [orderIdOf(order)],
    );
  async function state(order: OrderRef): Promise<StoredState | undefined> {
    const [row] = await sql<StoredState>('SELECT status, cancel_reason FROM orders WHERE order_id = $1', [
      orderIdOf(order),
    ]);
    return row;
  }
  return {
    state,
    payments,
    /** Seats of its valid tickets, sorted. */
    async liveSeats(order: OrderRef) {
      const rows = await sql<{ seat_id: string }>(
        'SELECT seat_id FROM tickets WHERE order_id = $1 AND voided_at IS NULL ORDER BY seat_id',
        [orderIdOf(order)],
      );
      return rows.map((row) => row.seat_id);
    },
    /** Refunds of its payments, oldest first. */
    refunds: (order: OrderRef) =>
      sql<StoredRefund>(
        `SELECT payment_intent_id, r.amount_minor::int, origin, reason, ticket_id, requested_by, provider_id
           FROM refunds r JOIN payments USING (payment_intent_id) WHERE order_id = $1 ORDER BY r.created_at`,
        [orderIdOf(order)],
      ),
    /** Waits until it has a status, for any reason. */
    async untilStatus(order: OrderRef, status: string) {
      await until(`the order is ${status}`, async () => (await state(order))?.status === status);
    },
    async untilState(order: OrderRef, status: string, reason: string | null = null) {
      await until(`the order is ${status} (${reason})`, async () => {
        const now = await state(order);
        return now?.status === status && now.cancel_reason === reason;
      });
    },
    /** Waits until its only payment is in a state. */
    async untilPayment(order: OrderRef, wanted: string) {
      await until(`the payment is ${wanted}`, async () => (await payments(order))[0]?.state === wanted);
    },
    /** Ends its hold without any part of the service noticing yet. */
    async endHold(order: OrderRef) {
      await sql("UPDATE orders SET expires_at = now() - interval '1 second' WHERE order_id = $1", [orderIdOf(order)]);
    },
    /** Waits until the event of a webhook is applied; fails when applying it did. */
    async untilApplied(eventId: string) {
      await until(`event ${eventId} is applied`, async () => {
        const [row] = await sql<{ applied_at: Date | null; last_error: string | null }>(
          'SELECT applied_at, last_error FROM stripe_inbox WHERE event_id = $1',
          [eventId],
        );
        if (row?.last_error) throw new Error(row.last_error);
        return row !== undefined && row.applied_at !== null;
      });
    },
  };
}

/** Inserts a due refund of an order that used up its attempts; returns its id. */
export async function insertStuckRefund(
  { sql }: Pick<TestApp, 'sql'>,
  orderId: string,
  amountMinor: number,
): Promise<string> {
  const refundId = randomUUID();
  await sql(
    `WITH counted AS (
       INSERT INTO money_by_session (organization_id, event_id, session_id, currency, taken_minor, refunded_minor)
       SELECT organization_id, event_id, session_id, 'lkr', 0, $3 FROM orders WHERE order_id = $2)
     INSERT INTO refunds (refund_id, payment_intent_id, amount_minor, origin, reason, created_at, attempts, next_attempt_at)
     SELECT $1, payment_intent_id, $3, 'service', 'a test', now(), 12, now() FROM payments WHERE order_id = $2`,
    [refundId, orderId, amountMinor],
  );
  return refundId;
}

import { type Instant, toRfc3339 } from '../../kernel/clock.ts';
import type { EventId, OrderId, SessionId, TicketId, UserId } from '../../kernel/ids.ts';
import type { Executor, Transaction } from '../../platform/postgres/database.ts';
import type { AuditAction, AuditEntry, AuditState, WrittenEntry } from './entry.ts';

const INSERT = {
  name: 'audit-insert',
  text: `INSERT INTO audit_trail (at, actor, action, event_id, session_id, order_id, ticket_id, before, after)
         VALUES ($1::timestamptz, $2, $3, $4, $5, $6, $7, $8::jsonb, $9::jsonb)`,
};

/** Writes an entry in the transaction of its action. */
export async function insertEntry(tx: Transaction, entry: AuditEntry, at: Instant): Promise<void> {
  await tx.rows(INSERT, [
    toRfc3339(at),
    entry.actor,
    entry.action,
    entry.about.eventId,
    entry.about.sessionId,
    entry.about.orderId ?? null,
    entry.ticketId ?? null,
    entry.before === undefined ? null : JSON.stringify(entry.before),
    JSON.stringify(entry.after),
  ]);
}

interface EntryRow {
  readonly entry_id: number;
  readonly at: Instant;
  readonly actor: UserId;
  readonly action: AuditAction;
  readonly event_id: EventId;
  readonly session_id: SessionId;
  readonly order_id: OrderId | null;
  readonly ticket_id: TicketId | null;
  readonly before: AuditState | null;
  readonly after: AuditState;
}

const OF_EVENT = {
  name: 'audit-of-event',
  text: `SELECT entry_id, at, actor, action, event_id, session_id, order_id, ticket_id, before, after FROM audit_trail
          WHERE event_id = $1 AND entry_id < COALESCE($2::bigint, 9223372036854775807)
          ORDER BY entry_id DESC LIMIT $3`,
};

/** Entries about an event, newest first: at most `limit`, and only those before the entry `before` if it is given. */
export async function entriesOf(
  executor: Executor,
  eventId: EventId,
  before: number | undefined,
  limit: number,
): Promise<WrittenEntry[]> {
  const rows = await executor.rows<EntryRow>(OF_EVENT, [eventId, before ?? null, limit]);
  return rows.map((row) => ({
    entryId: row.entry_id,
    at: row.at,
    actor: row.actor,
    action: row.action,
    about: { eventId: row.event_id, sessionId: row.session_id, orderId: row.order_id ?? undefined },
    ticketId: row.ticket_id ?? undefined,
    before: row.before ?? undefined,
    after: row.after,
  }));
}

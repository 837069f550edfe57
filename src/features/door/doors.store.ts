import { type Instant, toRfc3339 } from '../../kernel/clock.ts';
import type { SessionId, TicketId, UserId } from '../../kernel/ids.ts';
import type { Executor, Transaction } from '../../platform/postgres/database.ts';
import { TICKET_COLUMNS, type Ticket, type TicketRow, toTicket } from '../tickets/index.ts';

const UNDO = {
  name: 'ticket-undo-check-in',
  text: `
    WITH undone AS (
      UPDATE tickets t SET checked_in = false, checked_in_time = NULL, checked_in_by = NULL, checked_in_gate = NULL,
                           checked_in_device = NULL, left_at = NULL
        FROM orders o
       WHERE t.ticket_id = $1 AND t.checked_in AND t.left_at IS NULL AND o.order_id = t.order_id
      RETURNING o.order_id, o.session_id, ${TICKET_COLUMNS}
    ), kept AS (
      INSERT INTO scans (session_id, ticket_id, direction, outcome, scanned_at, received_at, scanned_by)
      SELECT session_id, ticket_id, 'undo', 'undone', $2::timestamptz, $2::timestamptz, $3::uuid FROM undone
    )
    SELECT * FROM undone`,
};

/** Undoes a check-in, so that the ticket admits again. Undefined if the ticket is not inside. */
export async function undoCheckIn(
  tx: Transaction,
  ticketId: TicketId,
  at: Instant,
  by: UserId,
): Promise<Ticket | undefined> {
  const [row] = await tx.rows<TicketRow>(UNDO, [ticketId, toRfc3339(at), by]);
  return row && toTicket(row);
}

const ALLOW_REENTRY = {
  name: 'session-doors-allow-reentry',
  text: `WITH before AS (SELECT allows_reentry FROM session_doors WHERE session_id = $1)
         INSERT INTO session_doors (session_id, allows_reentry) VALUES ($1, $2)
         ON CONFLICT (session_id) DO UPDATE SET allows_reentry = EXCLUDED.allows_reentry
          WHERE session_doors.allows_reentry <> EXCLUDED.allows_reentry
         RETURNING COALESCE((SELECT allows_reentry FROM before), false) <> $2 AS is_change`,
};

/** Saves whether a session admits people again after they were scanned out. Returns whether the setting changed. */
export async function saveReentry(executor: Executor, sessionId: SessionId, isAllowed: boolean): Promise<boolean> {
  const [row] = await executor.rows<{ is_change: boolean }>(ALLOW_REENTRY, [sessionId, isAllowed]);
  return row?.is_change ?? false;
}

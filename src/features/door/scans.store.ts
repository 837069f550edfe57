import { type Instant, toRfc3339 } from '../../kernel/clock.ts';
import type { TicketId } from '../../kernel/ids.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import { isUniqueViolation } from '../../platform/postgres/sqlstate.ts';
import { TICKET_COLUMNS, type Ticket, type TicketRow, toTicket } from '../tickets/index.ts';
import { type Direction, type Refusal, type RefusalCode, type Scan, type TicketAtDoor, toAdmission } from './scan.ts';

const NONCE_IS_NEW = `NOT EXISTS (
           SELECT FROM scans s WHERE s.session_id = $2 AND s.nonce = $9
              AND COALESCE(s.device_id, s.scanned_by::text) = COALESCE($8, $6::uuid::text))`;

const KEPT_COLUMNS = `
        session_id, ticket_id, direction, outcome, scanned_at, received_at, is_offline, scanned_by, gate, device_id, nonce`;

/**
 * One statement decides whether a ticket admits (I5) and writes the scan. It locks only the ticket's row and reads the
 * order without a lock, so no scan waits for another ticket.
 */
const CHECK_IN = {
  name: 'ticket-check-in',
  text: `
    WITH passed AS (
      UPDATE tickets t SET checked_in = true, checked_in_time = $3::timestamptz, checked_in_by = $6,
                           checked_in_gate = $7, checked_in_device = $8, left_at = NULL
        FROM orders o
       WHERE t.ticket_id = $1 AND t.session_id = $2
         AND (NOT t.checked_in OR t.left_at <= $3::timestamptz) AND t.voided_at IS NULL
         AND o.order_id = t.order_id AND o.status = 'completed'
         AND ${NONCE_IS_NEW}
      RETURNING o.order_id, o.session_id, ${TICKET_COLUMNS}
    ), kept AS (
      INSERT INTO scans (${KEPT_COLUMNS})
      SELECT session_id, ticket_id, 'entry', 'admitted', $3, $4::timestamptz, $5::boolean, $6::uuid, $7, $8, $9 FROM passed
    )
    SELECT * FROM passed`,
};
const CHECK_OUT = {
  name: 'ticket-check-out',
  text: `
    WITH passed AS (
      UPDATE tickets t SET left_at = $3::timestamptz
        FROM orders o
       WHERE t.ticket_id = $1 AND t.session_id = $2
         AND t.checked_in AND t.left_at IS NULL AND t.checked_in_time <= $3::timestamptz
         AND o.order_id = t.order_id
         AND EXISTS (SELECT FROM session_doors d WHERE d.session_id = $2 AND d.allows_reentry)
         AND ${NONCE_IS_NEW}
      RETURNING o.order_id, o.session_id, ${TICKET_COLUMNS}
    ), kept AS (
      INSERT INTO scans (${KEPT_COLUMNS})
      SELECT session_id, ticket_id, 'exit', 'left', $3, $4::timestamptz, $5::boolean, $6::uuid, $7, $8, $9 FROM passed
    )
    SELECT * FROM passed`,
};
const PASS = { entry: CHECK_IN, exit: CHECK_OUT } as const;

/**
 * Records the entry or exit and its scan, or changes nothing and returns undefined. Throws an error that `isNonceTaken`
 * recognises if another scan with the same nonce was written at the same moment.
 */
export async function pass(executor: Executor, scan: Scan): Promise<Ticket | undefined> {
  const [row] = await executor.rows<TicketRow>(PASS[scan.direction], valuesOf(scan));
  return row && toTicket(row);
}

/** Whether the unique index on nonces refused the scan. */
export function isNonceTaken(error: unknown): boolean {
  return isUniqueViolation(error, 'scans_nonce');
}

function valuesOf(scan: Scan): readonly unknown[] {
  return [
    scan.ticketId,
    scan.sessionId,
    toRfc3339(scan.at),
    toRfc3339(scan.receivedAt),
    scan.isOffline,
    scan.by,
    scan.gate ?? null,
    scan.deviceId ?? null,
    scan.nonce ?? null,
  ];
}

interface AtDoorRow extends TicketRow {
  readonly order_status: TicketAtDoor['orderStatus'];
  readonly checked_in_gate: string | null;
  readonly checked_in_device: string | null;
  readonly left_at: Instant | null;
  readonly allows_reentry: boolean;
}

const FIND_AT_DOOR = {
  name: 'ticket-find-at-door',
  text: `SELECT o.order_id, o.session_id, ${TICKET_COLUMNS}, o.status AS order_status, t.checked_in_gate,
                t.checked_in_device, t.left_at, COALESCE(d.allows_reentry, false) AS allows_reentry
           FROM tickets t JOIN orders o USING (order_id) LEFT JOIN session_doors d ON d.session_id = o.session_id
          WHERE t.ticket_id = $1`,
};

/** A ticket with the facts that decide whether it admits. */
export async function findAtDoor(executor: Executor, ticketId: TicketId): Promise<TicketAtDoor | undefined> {
  const [row] = await executor.rows<AtDoorRow>(FIND_AT_DOOR, [ticketId]);
  return (
    row && {
      ticket: toTicket(row),
      orderStatus: row.order_status,
      admission: toAdmission(row.checked_in_time, row.checked_in_gate, row.checked_in_device),
      leftAt: row.left_at ?? undefined,
      allowsReentry: row.allows_reentry,
    }
  );
}

/** A stored scan with its first answer. */
export interface KeptScan {
  readonly ticket: Ticket;
  readonly direction: Direction;
  readonly at: Instant;
  readonly verdict: { readonly outcome: 'admitted' | 'left' } | Refusal;
}

interface KeptScanRow extends TicketRow {
  readonly direction: Direction;
  readonly outcome: 'admitted' | 'left' | 'refused';
  readonly refusal: RefusalCode | null;
  readonly scanned_at: Instant;
  readonly first_at: Instant | null;
  readonly first_gate: string | null;
  readonly first_device: string | null;
}

const FIND_BY_NONCE = {
  name: 'scan-find-by-nonce',
  text: `SELECT o.order_id, o.session_id, ${TICKET_COLUMNS}, s.direction, s.outcome, s.refusal, s.scanned_at, s.first_at,
                s.first_gate, s.first_device
           FROM scans s JOIN tickets t USING (ticket_id) JOIN orders o USING (order_id)
          WHERE s.session_id = $1 AND s.nonce = $2
            AND COALESCE(s.device_id, s.scanned_by::text) = COALESCE($3, $4::uuid::text)`,
};

/** The stored scan of this device with this nonce. */
export async function findByNonce(
  executor: Executor,
  { sessionId, nonce, deviceId, by }: Scan,
): Promise<KeptScan | undefined> {
  if (nonce === undefined) return undefined;
  const [row] = await executor.rows<KeptScanRow>(FIND_BY_NONCE, [sessionId, nonce, deviceId ?? null, by]);
  if (!row) return undefined;
  const first = toAdmission(row.first_at, row.first_gate, row.first_device);
  const verdict =
    row.outcome === 'refused'
      ? { outcome: row.outcome, code: row.refusal ?? 'ticket_cancelled', first }
      : { outcome: row.outcome };
  return { ticket: toTicket(row), direction: row.direction, at: row.scanned_at, verdict };
}

const KEEP_REFUSAL = {
  name: 'scan-keep-refusal',
  text: `INSERT INTO scans (session_id, ticket_id, direction, outcome, refusal, scanned_at, received_at, is_offline,
                            scanned_by, gate, device_id, nonce, first_at, first_gate, first_device)
         VALUES ($2, $1, $10, 'refused', $11, $3::timestamptz, $4::timestamptz, $5, $6, $7, $8, $9, $12::timestamptz,
                 $13, $14)
         ON CONFLICT (session_id, nonce, COALESCE(device_id, scanned_by::text)) WHERE nonce IS NOT NULL DO NOTHING
         RETURNING scan_id`,
};

/** Writes a refused scan. Returns false if a scan with the same nonce was written first. */
export async function keepRefusal(executor: Executor, scan: Scan, refusal: Refusal): Promise<boolean> {
  const { first } = refusal;
  const rows = await executor.rows(KEEP_REFUSAL, [
    ...valuesOf(scan),
    scan.direction,
    refusal.code,
    first ? toRfc3339(first.at) : null,
    first?.gate ?? null,
    first?.deviceId ?? null,
  ]);
  return rows.length > 0;
}

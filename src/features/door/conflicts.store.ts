import type { Instant } from '../../kernel/clock.ts';
import type { SessionId, UserId } from '../../kernel/ids.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import type { Ticket, TicketRow } from '../tickets/index.ts';
import { type Admission, type Direction, type RefusalCode, type Scan, toAdmission } from './scan.ts';

/** An offline scan of a ticket that a device admitted and this service would have refused. */
export interface Conflict
  extends Pick<Ticket, 'ticketId' | 'seatLabel' | 'tierName'>,
    Pick<Scan, 'direction' | 'at' | 'receivedAt' | 'by' | 'gate' | 'deviceId'> {
  readonly scanId: number;
  readonly code: RefusalCode;
  readonly nonce: string;
  /** The earlier admission that it conflicts with. */
  readonly first: Admission | undefined;
}

interface ConflictRow extends Pick<TicketRow, 'ticket_id' | 'seat_label' | 'tier_name'> {
  readonly scan_id: number;
  readonly direction: Direction;
  readonly refusal: RefusalCode;
  readonly scanned_at: Instant;
  readonly received_at: Instant;
  readonly scanned_by: UserId;
  readonly gate: string | null;
  readonly device_id: string | null;
  readonly nonce: string;
  readonly first_at: Instant | null;
  readonly first_gate: string | null;
  readonly first_device: string | null;
}

const CONFLICTS = {
  name: 'scans-conflicts',
  text: `SELECT s.scan_id, s.ticket_id, t.seat_label, t.tier_name, s.direction, s.refusal, s.scanned_at, s.received_at,
                s.scanned_by, s.gate, s.device_id, s.nonce, s.first_at, s.first_gate, s.first_device
           FROM scans s JOIN tickets t USING (ticket_id)
          WHERE s.session_id = $1 AND s.is_offline AND s.outcome = 'refused'
            AND s.scan_id < COALESCE($2::bigint, 9223372036854775807)
          ORDER BY s.scan_id DESC LIMIT $3`,
};

/** Conflicts of a session, newest first: at most `limit`, and only those before the scan `before` if it is given. */
export async function conflictsOf(
  executor: Executor,
  sessionId: SessionId,
  before: number | undefined,
  limit: number,
): Promise<Conflict[]> {
  const rows = await executor.rows<ConflictRow>(CONFLICTS, [sessionId, before ?? null, limit]);
  return rows.map((row) => ({
    scanId: row.scan_id,
    ticketId: row.ticket_id,
    seatLabel: row.seat_label,
    tierName: row.tier_name,
    direction: row.direction,
    code: row.refusal,
    at: row.scanned_at,
    receivedAt: row.received_at,
    by: row.scanned_by,
    gate: row.gate ?? undefined,
    deviceId: row.device_id ?? undefined,
    nonce: row.nonce,
    first: toAdmission(row.first_at, row.first_gate, row.first_device),
  }));
}

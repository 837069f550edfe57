import { type Instant, later, MS_PER_DAY } from '../../kernel/clock.ts';
import type { SessionId, TicketId, UserId } from '../../kernel/ids.ts';
import type { Ticket } from '../tickets/index.ts';

/**
 * Whether the bearer of a ticket is inside. Every transition is one conditional update, which decides all races, and adds a
 * row to `scans`.
 *
 * | from    | what happens                            | to      | who decides                       |
 * |---------|-----------------------------------------|---------|-----------------------------------|
 * | outside | entry; ticket live, order completed     | inside  | statement `ticket-check-in`       |
 * | inside  | exit, where the session allows re-entry | outside | statement `ticket-check-out`      |
 * | inside  | the organiser undoes the check-in       | outside | statement `ticket-undo-check-in`  |
 * | any     | any other scan                          | unchanged | `refusalFor` gives the reason   |
 */
export type Direction = 'entry' | 'exit';

/** A genuine code, read by a scanner of its session. */
export interface Scan {
  readonly ticketId: TicketId;
  /** The session that the code was sealed for. */
  readonly sessionId: SessionId;
  readonly direction: Direction;
  /** When it was scanned; `receivedAt` is when this service received it. */
  readonly at: Instant;
  readonly receivedAt: Instant;
  /** Whether the device decided without this service. */
  readonly isOffline: boolean;
  readonly by: UserId;
  readonly gate: string | undefined;
  readonly deviceId: string | undefined;
  /** Identifies the scan on its device, or for its scanner if no device is named. A repeated nonce means the same scan. */
  readonly nonce: string | undefined;
}

/** When and where a ticket admitted. */
export interface Admission {
  readonly at: Instant;
  readonly gate: string | undefined;
  readonly deviceId: string | undefined;
}

/** An admission from its stored columns, or undefined if there was none. */
export function toAdmission(at: Instant | null, gate: string | null, deviceId: string | null): Admission | undefined {
  return at === null ? undefined : { at, gate: gate ?? undefined, deviceId: deviceId ?? undefined };
}

/** The facts that decide whether a ticket admits. */
export interface TicketAtDoor {
  readonly ticket: Ticket;
  readonly orderStatus: 'pending' | 'completed' | 'cancelled';
  /** The latest admission. The bearer may have left since. */
  readonly admission: Admission | undefined;
  readonly leftAt: Instant | undefined;
  readonly allowsReentry: boolean;
}

export type RefusalCode =
  | 'ticket_forged'
  | 'ticket_cancelled'
  | 'ticket_not_paid'
  | 'ticket_too_early'
  | 'ticket_too_late'
  | 'already_checked_in'
  | 'not_checked_in'
  | 'reentry_not_allowed';

export interface Refusal {
  readonly outcome: 'refused';
  readonly code: RefusalCode;
  /** The earlier admission, for `already_checked_in`. */
  readonly first?: Admission | undefined;
}

export type Verdict = { readonly outcome: 'admitted' | 'left'; readonly ticket: Ticket } | Refusal;

/** Whether an offline scan admitted a ticket that had already been admitted. */
export function isConflict(verdict: Verdict): verdict is Refusal {
  return verdict.outcome === 'refused' && verdict.code === 'already_checked_in';
}

/** Whether a session's doors are open. */
export type Doors = 'open' | 'ticket_too_early' | 'ticket_too_late';

/** How long before and after a session the doors are open. Undefined means no limit. */
export interface DoorHours {
  readonly openMsBefore: number | undefined;
  readonly closeMsAfter: number | undefined;
}

/** Whether the doors are open at a moment. They are open if the session's times are unknown. */
export function doorsAt(
  now: Instant,
  times: { readonly startsAt: Instant; readonly endsAt: Instant | undefined } | undefined,
  { openMsBefore, closeMsAfter }: DoorHours,
): Doors {
  if (!times) return 'open';
  if (openMsBefore !== undefined && now < later(times.startsAt, -openMsBefore)) return 'ticket_too_early';
  if (closeMsAfter !== undefined && times.endsAt !== undefined && now > later(times.endsAt, closeMsAfter)) {
    return 'ticket_too_late';
  }
  return 'open';
}

/**
 * Why a scan did not pass, by the same conditions as its statement. Undefined if the scan would pass now; the caller then
 * tries again.
 */
export function refusalFor(seen: TicketAtDoor | undefined, scan: Scan, doors: Doors): Refusal | undefined {
  if (seen?.ticket.sessionId !== scan.sessionId) return refused('ticket_forged');
  return scan.direction === 'entry' ? entryRefusal(seen, scan, doors) : exitRefusal(seen, scan);
}

function entryRefusal(seen: TicketAtDoor, scan: Scan, doors: Doors): Refusal | undefined {
  const { ticket, orderStatus, admission, leftAt } = seen;
  if (ticket.voidedAt !== undefined || orderStatus === 'cancelled') return refused('ticket_cancelled');
  if (orderStatus === 'pending') return refused('ticket_not_paid');
  const isOutside = admission === undefined || (leftAt !== undefined && leftAt <= scan.at);
  if (!isOutside) return { outcome: 'refused', code: 'already_checked_in', first: admission };
  return doors === 'open' ? undefined : refused(doors);
}

function exitRefusal({ admission, leftAt, allowsReentry }: TicketAtDoor, scan: Scan): Refusal | undefined {
  if (!allowsReentry) return refused('reentry_not_allowed');
  const isInside = admission !== undefined && leftAt === undefined && admission.at <= scan.at;
  return isInside ? undefined : refused('not_checked_in');
}

function refused(code: RefusalCode): Refusal {
  return { outcome: 'refused', code };
}

/** Maximum time that a device's clock may be ahead of ours. */
export const MAX_CLOCK_AHEAD_MS = 300_000;
/** Maximum age of an uploaded scan. */
export const MAX_SCAN_AGE_MS = 14 * MS_PER_DAY;

/** The time to store for an offline scan, never in the future. Undefined if the claimed time cannot be right. */
export function believableTime(claimed: Instant, now: Instant): Instant | undefined {
  if (!(claimed <= later(now, MAX_CLOCK_AHEAD_MS) && claimed >= later(now, -MAX_SCAN_AGE_MS))) return undefined;
  return claimed < now ? claimed : now;
}

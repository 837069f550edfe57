import { type Instant, later } from '../../kernel/clock.ts';
import type { SessionId, TicketId, UserId } from '../../kernel/ids.ts';
import type { Ticket } from '../tickets/index.ts';

/**
 * Where the bearer of a ticket is. Every step is one conditional update, the judge of all races, and a row of `scans`.
 *
 * | from    | what happens                            | to      | who decides                       |
 * |---------|-----------------------------------------|---------|-----------------------------------|
 * | outside | entry; ticket live, order completed     | inside  | statement `ticket-check-in`       |
 * | inside  | exit, where the session allows re-entry | outside | statement `ticket-check-out`      |
 * | inside  | the organiser undoes the check-in       | outside | statement `ticket-undo-check-in`  |
 * | any     | any other scan                          | as it was | `refusalFor` says why           |
 */
export type Direction = 'entry' | 'exit';

/** A genuine code, read by a scanner of its session. */
export interface Scan {
  readonly ticketId: TicketId;
  /** The session that the code was sealed for. */
  readonly sessionId: SessionId;
  readonly direction: Direction;
  /** When it was scanned, and when this service received it. */
  readonly at: Instant;
  readonly receivedAt: Instant;
  /** Decided on at the door, without this service. */
  readonly isOffline: boolean;
  readonly by: UserId;
  readonly gate: string | undefined;
  readonly deviceId: string | undefined;
  /** The device's name for this scan, or the scanner's where no device is named: sent again, it is the same scan. */
  readonly nonce: string | undefined;
}

/** When and where a ticket admitted. */
export interface Admission {
  readonly at: Instant;
  readonly gate: string | undefined;
  readonly deviceId: string | undefined;
}

/** An admission from its parts as they are stored; undefined when there was none. */
export function toAdmission(
  at: Instant | null,
  gate: string | null,
  deviceId: string | null,
): Admission | undefined {
  return at === null ? undefined : { at, gate: gate ?? undefined, deviceId: deviceId ?? undefined };
}

/** A ticket at the door: what decides whether it admits. */
export interface TicketAtDoor {
  readonly ticket: Ticket;
  readonly orderStatus: 'pending' | 'completed' | 'cancelled';
  /** The newest admission; its bearer may have left since. */
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
  /** The admission in the way, for `already_checked_in`. */
  readonly first?: Admission | undefined;
}

export type Verdict = { readonly outcome: 'admitted' | 'left'; readonly ticket: Ticket } | Refusal;

/** Whether a scan without a network let in a ticket that had admitted before. */
export function isConflict(verdict: Verdict): verdict is Refusal {
  return verdict.outcome === 'refused' && verdict.code === 'already_checked_in';
}

/** Whether a session's doors are open. */
export type Doors = 'open' | 'ticket_too_early' | 'ticket_too_late';

/** How long doors are open around a session; undefined: at any time. */
export interface DoorHours {
  readonly openMsBefore: number | undefined;
  readonly closeMsAfter: number | undefined;
}

/** Whether doors are open at a moment; a session of unknown times has open ones. */
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
 * The refusal of a scan that did not pass, from the same facts that its statement asks for; undefined when it would pass by
 * now, so that it is worth another try.
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

/** How far a device's clock may be ahead of ours. */
export const MAX_CLOCK_AHEAD_MS = 300_000;
/** How long a device may keep a scan to itself. */
export const MAX_SCAN_AGE_MS = 14 * 86_400_000;

/** The moment of an offline scan as it is kept, never in our future; undefined when the claimed one cannot be right. */
export function believableTime(claimed: Instant, now: Instant): Instant | undefined {
  if (!(claimed <= later(now, MAX_CLOCK_AHEAD_MS) && claimed >= later(now, -MAX_SCAN_AGE_MS)))
    return undefined;
  return claimed < now ? claimed : now;
}

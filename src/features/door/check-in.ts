import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { SessionId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { EarlierCodes, Ticket, TicketInQr, TicketSealer } from '../tickets/index.ts';
import { toError } from './refusal.ts';
import { type Direction, type DoorHours, type Doors, doorsAt } from './scan.ts';
import type { IsScanner } from './scanner.service.ts';
import type { TimesOf } from './session-times.ts';
import type { Turnstile } from './turnstile.ts';

/** What a device says of a scan beside the code. */
export interface ScanRequest {
  readonly qrText: string;
  /** The session that this door is for, where the device says it. */
  readonly door: SessionId | undefined;
  readonly direction: Direction;
  readonly gate: string | undefined;
  readonly deviceId: string | undefined;
  readonly nonce: string | undefined;
}

/**
 * Lets the bearer of a QR text in, once, or out. Throws `ticket_forged`, `ticket_superseded`, `ticket_wrong_session`,
 * `ticket_cancelled`, `ticket_not_paid`, `ticket_too_early`, `ticket_too_late`, `already_checked_in`; for an exit `not_checked_in` and
 * `reentry_not_allowed`; `idempotency_key_reused` for a nonce of another scan.
 */
export type CheckIn = (request: ScanRequest, who: Principal) => Promise<Ticket>;

export interface CheckInOptions {
  readonly readTicket: ReadTicket;
  readonly doorsOf: (sessionId: SessionId) => Promise<Doors>;
  readonly turnstile: Turnstile;
  readonly clock: Clock;
}

export function createCheckIn({ readTicket, doorsOf, turnstile, clock }: CheckInOptions): CheckIn {
  return async (request, who) => {
    const { qrText, door, direction, gate, deviceId, nonce } = request;
    const { ticketId, sessionId } = await readTicket(qrText, door, who);
    const doors = await doorsOf(sessionId);
    const at = clock.now();
    const by = who.userId;
    const scan = {
      ticketId,
      sessionId,
      direction,
      at,
      receivedAt: at,
      isOffline: false,
      by,
      gate,
      deviceId,
      nonce,
    };
    const verdict = await turnstile(scan, doors);
    if (verdict.outcome === 'refused') throw toError(verdict);
    return verdict.ticket;
  };
}

/**
 * The ticket of a QR text, ours or the earlier service's, for a scanner of its session. Throws `ticket_forged`,
 * `ticket_wrong_session`, `ticket_superseded`, `seating_unavailable`.
 */
export type ReadTicket = (qrText: string, door: SessionId | undefined, who: Principal) => Promise<TicketInQr>;

const FORGED = {
  not_a_ticket: 'This is not one of our QR codes. Do not admit.',
  unknown_key: 'This QR code was made with a key that is no longer good. Send the holder to the box office.',
  forged: 'This QR code is forged or damaged. Do not admit.',
  unread:
    'This QR code is not known, and those that the earlier service sold are still being read. Scan it again in a few minutes; do not admit until then.',
} as const;

const SUPERSEDED =
  'A newer QR code was issued for this ticket. Do not admit with this one; ask for the new one.';

export interface ReadTicketOptions {
  readonly sealer: Pick<TicketSealer, 'open'>;
  readonly findEarlier: EarlierCodes['find'];
  readonly isScanner: IsScanner;
}

export function createReadTicket({ sealer, findEarlier, isScanner }: ReadTicketOptions): ReadTicket {
  async function open(qrText: string): Promise<TicketInQr & { readonly isWithdrawn: boolean }> {
    const opened = await sealer.open(qrText);
    if (opened.outcome === 'opened') return { ...opened, isWithdrawn: false };
    if (opened.reason !== 'not_a_ticket') throw new AppError('ticket_forged', FORGED[opened.reason]);
    const earlier = await findEarlier(qrText);
    if (earlier.outcome === 'known') return earlier;
    throw new AppError('ticket_forged', FORGED[earlier.outcome === 'unread' ? 'unread' : 'not_a_ticket']);
  }

  return async (qrText, door, who) => {
    const opened = await open(qrText);
    if (door !== undefined && door !== opened.sessionId) {
      throw new AppError(
        'ticket_wrong_session',
        'This ticket is for another session. Send the holder to the right door.',
      );
    }
    if (!(await isScanner(opened.sessionId, who.userId))) {
      throw new AppError('ticket_wrong_session', 'This ticket is for a session that you do not scan for.');
    }
    if (opened.isWithdrawn) throw new AppError('ticket_superseded', SUPERSEDED);
    return opened;
  };
}

/** Whether a session's doors are open now. */
export function createDoorsOf(timesOf: TimesOf, hours: DoorHours, clock: Clock): CheckInOptions['doorsOf'] {
  const areAlwaysOpen = hours.openMsBefore === undefined && hours.closeMsAfter === undefined;
  return async (sessionId) =>
    areAlwaysOpen ? 'open' : doorsAt(clock.now(), await timesOf(sessionId), hours);
}

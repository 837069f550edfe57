import { toRfc3339 } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Admission, Refusal, RefusalCode } from './scan.ts';

/** What the person at the door should do. */
const WORDS: Readonly<Record<Exclude<RefusalCode, 'already_checked_in'>, string>> = {
  ticket_forged: 'This QR code does not belong to a ticket of this session. Do not admit.',
  ticket_cancelled: 'This ticket was cancelled. Do not admit; send the holder to the box office.',
  ticket_not_paid: 'This ticket is not paid for. Do not admit; the holder can still pay.',
  ticket_too_early: 'The doors are not open yet. Ask the holder to come back later.',
  ticket_too_late: 'The doors are closed. Do not admit.',
  not_checked_in: 'This ticket is not checked in, so it cannot be scanned out.',
  reentry_not_allowed: 'This session does not allow re-entry, so tickets are not scanned out.',
};

/** A refusal as an error with a message for the scanner. */
export function toError({ code, first }: Refusal): AppError {
  if (code !== 'already_checked_in') return new AppError(code, WORDS[code]);
  if (!first) return new AppError(code, 'Already checked in. Do not admit again.');
  const { gate } = first;
  const checkedInTime = toRfc3339(first.at);
  const detail = `Already checked in at ${checkedInTime}${placeOf(first)}. Do not admit again.`;
  return new AppError(code, detail, { checkedInTime, ...(gate === undefined ? {} : { checkedInGate: gate }) });
}

function placeOf({ gate, deviceId }: Admission): string {
  if (gate !== undefined) return `, gate ${gate}`;
  return deviceId === undefined ? '' : `, device ${deviceId}`;
}

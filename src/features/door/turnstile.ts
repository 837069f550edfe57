import { AppError } from '../../kernel/errors.ts';
import type { Currency } from '../../kernel/money.ts';
import type { Database } from '../../platform/postgres/database.ts';
import type { Ticket } from '../tickets/index.ts';
import { type Doors, type Scan, type Verdict, whyNot } from './scan.ts';
import { findAtDoor, findByNonce, isNonceTaken, type KeptScan, keepRefusal, pass } from './scans.store.ts';

/**
 * Decides on a scan, once: the same nonce gets the first verdict again. The answer is kept with the check-in. Throws
 * `idempotency_key_reused` when the nonce was another scan's.
 */
export type Turnstile = (scan: Scan, doors: Doors) => Promise<Verdict>;

export interface TurnstileOptions {
  readonly database: Database;
  readonly currency: Currency;
}

/** Each look sees what won the race before it; a ticket does not change so often while it is held to a device. */
const MAX_LOOKS = 5;

export function createTurnstile({ database }: TurnstileOptions): Turnstile {
  async function tryToPass(scan: Scan): Promise<Ticket | undefined> {
    try {
      if (!database.isKeyed()) return await pass(database, scan);
      return await database.transaction(async (tx) => {
        const ticket = await pass(tx, scan);
        if (ticket) tx.keepAnswer(ticket);
        return ticket;
      });
    } catch (error) {
      if (isNonceTaken(error)) return undefined;
      throw error;
    }
  }

  return async (scan, doors) => {
    for (let look = 0; look < MAX_LOOKS; look += 1) {
      const isEntryClosed = scan.direction === 'entry' && doors !== 'open';
      const passed = isEntryClosed ? undefined : await tryToPass(scan);
      if (passed) return { outcome: scan.direction === 'entry' ? 'admitted' : 'left', ticket: passed };
      const kept = await findByNonce(database, scan);
      if (kept) return repeated(kept, scan);
      const seen = await findAtDoor(database, scan.ticketId);
      const refusal = whyNot(seen, scan, doors);
      // Of a ticket that there is not, nothing is written down.
      const isFinal =
        refusal && (refusal.code === 'ticket_forged' || (await keepRefusal(database, scan, refusal)));
      if (isFinal) return refusal;
    }
    throw new AppError('request_in_flight', 'This ticket is being scanned elsewhere, too. Scan it again.');
  };
}

function repeated({ ticket, direction, at, verdict }: KeptScan, scan: Scan): Verdict {
  if (ticket.ticketId !== scan.ticketId || direction !== scan.direction) {
    throw new AppError(
      'idempotency_key_reused',
      'This device sent this nonce with another scan before. Use a new one for each.',
    );
  }
  return verdict.outcome === 'refused' ? verdict : { ...verdict, ticket: { ...ticket, checkedInAt: at } };
}

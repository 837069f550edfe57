import { AppError } from '../../kernel/errors.ts';
import type { Database } from '../../platform/postgres/database.ts';
import type { Ticket } from '../tickets/index.ts';
import { type Doors, refusalFor, type Scan, type Verdict } from './scan.ts';
import { findAtDoor, findByNonce, isNonceTaken, type KeptScan, keepRefusal, pass } from './scans.store.ts';

/** Each look sees what won the race before it; a ticket does not change so often while it is held to a device. */
const MAX_LOOKS = 5;

/** Decides on scans. */
export class Turnstile {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Decides on a scan, once: the same nonce gets the first verdict again. The answer is kept with the check-in. Throws
   * `idempotency_key_reused` when the nonce was another scan's.
   */
  async decide(scan: Scan, doors: Doors): Promise<Verdict> {
    for (let look = 0; look < MAX_LOOKS; look += 1) {
      const isEntryClosed = scan.direction === 'entry' && doors !== 'open';
      const passed = isEntryClosed ? undefined : await this.#tryToPass(scan);
      if (passed) return { outcome: scan.direction === 'entry' ? 'admitted' : 'left', ticket: passed };
      const kept = await findByNonce(this.#database, scan);
      if (kept) return repeated(kept, scan);
      const seen = await findAtDoor(this.#database, scan.ticketId);
      const refusal = refusalFor(seen, scan, doors);
      // Of a ticket that does not exist nothing is written.
      const isFinal =
        refusal && (refusal.code === 'ticket_forged' || (await keepRefusal(this.#database, scan, refusal)));
      if (isFinal) return refusal;
    }
    throw new AppError('request_in_flight', 'This ticket is being scanned elsewhere, too. Scan it again.');
  }

  async #tryToPass(scan: Scan): Promise<Ticket | undefined> {
    try {
      if (!this.#database.isKeyed()) return await pass(this.#database, scan);
      return await this.#database.transaction(async (tx) => {
        const ticket = await pass(tx, scan);
        if (ticket) tx.keepAnswer(ticket);
        return ticket;
      });
    } catch (error) {
      if (isNonceTaken(error)) return undefined;
      throw error;
    }
  }
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

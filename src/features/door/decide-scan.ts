import { AppError } from '../../kernel/errors.ts';
import type { Database } from '../../platform/postgres/database.ts';
import type { Ticket } from '../tickets/index.ts';
import { type Doors, refusalFor, type Scan, type Verdict } from './scan.ts';
import { findAtDoor, findByNonce, isNonceTaken, type KeptScan, keepRefusal, pass } from './scans.store.ts';

/** Each attempt sees the scan that won the race before it. A ticket does not change more often within one scan. */
const MAX_ATTEMPTS = 5;

/**
 * Decides a scan once; a repeated nonce gets the first verdict again. The answer for an `Idempotency-Key` is saved in the
 * same transaction. Throws `idempotency_key_reused` if the nonce belongs to another scan, and `request_in_flight`.
 */
export async function decideScan(database: Database, scan: Scan, doors: Doors): Promise<Verdict> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const isEntryClosed = scan.direction === 'entry' && doors !== 'open';
    const passed = isEntryClosed ? undefined : await tryToPass(database, scan);
    if (passed) return { outcome: scan.direction === 'entry' ? 'admitted' : 'left', ticket: passed };
    const kept = await findByNonce(database, scan);
    if (kept) return repeated(kept, scan);
    const refusal = refusalFor(await findAtDoor(database, scan.ticketId), scan, doors);
    // A ticket that does not exist leaves no row.
    const isFinal = refusal && (refusal.code === 'ticket_forged' || (await keepRefusal(database, scan, refusal)));
    if (isFinal) return refusal;
  }
  throw new AppError(
    'request_in_flight',
    'This ticket is being scanned at another door at the same time. Scan it again.',
  );
}

async function tryToPass(database: Database, scan: Scan): Promise<Ticket | undefined> {
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

function repeated({ ticket, direction, at, verdict }: KeptScan, scan: Scan): Verdict {
  if (ticket.ticketId !== scan.ticketId || direction !== scan.direction) {
    throw new AppError(
      'idempotency_key_reused',
      'This device already used this nonce for another scan. Use a new nonce for each scan.',
    );
  }
  return verdict.outcome === 'refused' ? verdict : { ...verdict, ticket: { ...ticket, checkedInAt: at } };
}

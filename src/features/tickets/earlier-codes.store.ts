import { type Instant, later, MS_PER_MINUTE, toRfc3339 } from '../../kernel/clock.ts';
import type { SessionId, TicketId } from '../../kernel/ids.ts';
import type { Executor } from '../../platform/postgres/database.ts';

/**
 * The state of a QR code that the earlier service sold: one row of `earlier_codes` for each picture it stored.
 *
 * | from          | what happens                                              | to         | who decides                 |
 * |---------------|-----------------------------------------------------------|------------|-----------------------------|
 * | -             | the database is taken over                                | waiting    | migration 12                |
 * | waiting       | its picture is read                                       | good       | statement `earlier-codes-save` |
 * | waiting       | it holds no text, or reading failed too often             | unreadable | statement `earlier-codes-save` |
 * | waiting, good | a new code is issued for the ticket                       | withdrawn  | statement `earlier-codes-withdraw` |
 */
export interface ClaimedPicture {
  readonly ticketId: TicketId;
  /** Number of attempts to read it, including this one. */
  readonly attempts: number;
  /** Null if it is too large to come from the earlier service. */
  readonly picture: Buffer | null;
}

/** Other processes may claim the pictures of a crashed process after this long. */
const CLAIM_MS = MS_PER_MINUTE;
/** Pictures of the earlier service have about 2 kB. */
const MAX_PICTURE_BYTES = 65_536;

const HAS_DUE = {
  name: 'earlier-codes-has-due',
  text: `SELECT EXISTS (SELECT FROM earlier_codes
                         WHERE state = 'waiting' AND (claimed_until IS NULL OR claimed_until <= $1::timestamptz)) AS has_due`,
};

/** Whether an unread picture is free to claim. */
export async function hasDue(executor: Executor, now: Instant): Promise<boolean> {
  const [row] = await executor.rows<{ has_due: boolean }>(HAS_DUE, [toRfc3339(now)]);
  return row?.has_due ?? false;
}

const CLAIM = {
  name: 'earlier-codes-claim',
  text: `WITH due AS (
           SELECT ticket_id FROM earlier_codes
            WHERE state = 'waiting' AND (attempts > 0) = $1 AND (claimed_until IS NULL OR claimed_until <= $2::timestamptz)
            ORDER BY ticket_id LIMIT $3 FOR UPDATE SKIP LOCKED)
         UPDATE earlier_codes c SET attempts = c.attempts + 1, claimed_until = $4::timestamptz
           FROM due JOIN tickets t USING (ticket_id)
          WHERE c.ticket_id = due.ticket_id
         RETURNING c.ticket_id, c.attempts,
                   CASE WHEN octet_length(t.qr_code) <= ${MAX_PICTURE_BYTES} THEN t.qr_code END AS picture`,
};

type ClaimedRow = Omit<ClaimedPicture, 'ticketId'> & { readonly ticket_id: TicketId };

/** Claims at most `limit` pictures for this process: either pictures never tried or pictures tried before. */
export async function claimPictures(
  executor: Executor,
  which: 'untried' | 'tried',
  now: Instant,
  limit: number,
): Promise<ClaimedPicture[]> {
  const values = [which === 'tried', toRfc3339(now), limit, toRfc3339(later(now, CLAIM_MS))];
  const rows = await executor.rows<ClaimedRow>(CLAIM, values);
  return rows.map(({ ticket_id: ticketId, attempts, picture }) => ({ ticketId, attempts, picture }));
}

/** The result of reading a ticket's picture. The hash is undefined if the picture holds no usable text. */
export interface ReadCode {
  readonly ticketId: TicketId;
  readonly hash: Uint8Array | undefined;
}

const SAVE = {
  name: 'earlier-codes-save',
  text: `UPDATE earlier_codes c
            SET state = CASE WHEN found.hash IS NULL THEN 'unreadable' ELSE 'good' END, text_hash = found.hash,
                claimed_until = NULL
           FROM (SELECT r.ticket_id, CASE WHEN k.ticket_id IS NULL THEN r.hash END AS hash
                   FROM unnest($1::uuid[], $2::bytea[]) AS r (ticket_id, hash)
                   LEFT JOIN earlier_codes k ON k.text_hash = r.hash) AS found
          WHERE c.ticket_id = found.ticket_id AND c.state = 'waiting'
         RETURNING c.ticket_id`,
};

/** Saves the results. If two pictures hold the same text, it stays the code of the ticket that was saved first. */
export async function saveRead(executor: Executor, codes: readonly ReadCode[]): Promise<void> {
  const hashes = codes.map(({ hash }) => (hash ? Buffer.from(hash) : null));
  await executor.rows(SAVE, [codes.map(({ ticketId }) => ticketId), hashes]);
}

const WITHDRAW = {
  name: 'earlier-codes-withdraw',
  text: `UPDATE earlier_codes SET state = 'withdrawn', claimed_until = NULL
          WHERE ticket_id = ANY ($1::uuid[]) AND state IN ('waiting', 'good')
         RETURNING ticket_id`,
};

/** Withdraws the earlier codes of tickets that have a new code, so that only the new code admits. Returns their number. */
export async function withdrawEarlierCodes(executor: Executor, ticketIds: readonly TicketId[]): Promise<number> {
  return (await executor.rows(WITHDRAW, [ticketIds])).length;
}

/** The ticket that an earlier code was sold for. */
export interface EarlierCode {
  readonly ticketId: TicketId;
  readonly sessionId: SessionId;
  readonly isWithdrawn: boolean;
}

const FIND = {
  name: 'earlier-codes-find',
  text: `SELECT c.ticket_id, t.session_id, c.state = 'withdrawn' AS is_withdrawn
           FROM earlier_codes c JOIN tickets t USING (ticket_id) WHERE c.text_hash = $1`,
};

/** The earlier code with this hash. */
export async function findByHash(executor: Executor, hash: Uint8Array): Promise<EarlierCode | undefined> {
  const [row] = await executor.rows<{ ticket_id: TicketId; session_id: SessionId; is_withdrawn: boolean }>(FIND, [
    Buffer.from(hash),
  ]);
  return row && { ticketId: row.ticket_id, sessionId: row.session_id, isWithdrawn: row.is_withdrawn };
}

const HAS_WAITING = {
  name: 'earlier-codes-has-waiting',
  text: `SELECT EXISTS (SELECT FROM earlier_codes WHERE state = 'waiting') AS has_waiting`,
};

/** Whether any picture is unread, claimed or not. */
export async function hasWaiting(executor: Executor): Promise<boolean> {
  const [row] = await executor.rows<{ has_waiting: boolean }>(HAS_WAITING, []);
  return row?.has_waiting ?? false;
}

const COUNT_WAITING = {
  name: 'earlier-codes-count-waiting',
  text: `SELECT count(*) AS waiting FROM earlier_codes WHERE state = 'waiting'`,
};

/** Number of unread pictures. */
export async function countWaiting(executor: Executor): Promise<number> {
  const [row] = await executor.rows<{ waiting: number }>(COUNT_WAITING, []);
  return row?.waiting ?? 0;
}

/** Number of codes in each final state. */
export interface EarlierCodeCounts {
  readonly good: number;
  readonly unreadable: number;
  readonly withdrawn: number;
}

const COUNT = {
  name: 'earlier-codes-count',
  text: `SELECT count(*) FILTER (WHERE state = 'good') AS good, count(*) FILTER (WHERE state = 'unreadable') AS unreadable,
                count(*) FILTER (WHERE state = 'withdrawn') AS withdrawn
           FROM earlier_codes`,
};

/** Counts the codes by state. */
export async function countByState(executor: Executor): Promise<EarlierCodeCounts> {
  const [row] = await executor.rows<EarlierCodeCounts>(COUNT, []);
  return row ?? { good: 0, unreadable: 0, withdrawn: 0 };
}

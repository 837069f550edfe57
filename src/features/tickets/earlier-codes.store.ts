import { type Instant, later, toRfc3339 } from '../../kernel/clock.ts';
import type { SessionId, TicketId } from '../../kernel/ids.ts';
import type { Executor } from '../../platform/postgres/database.ts';

/**
 * A code that the earlier service sold, one for each picture it stored (table `earlier_codes`):
 *
 * | from          | what happens                                              | to         | who decides                 |
 * |---------------|-----------------------------------------------------------|------------|-----------------------------|
 * | -             | the database is taken over                                | waiting    | migration 12                |
 * | waiting       | its picture is read                                       | good       | statement `earlier-codes-save` |
 * | waiting       | there is no text in it, or reading failed too often       | unreadable | the same                    |
 * | waiting, good | a new code is issued for the ticket                       | withdrawn  | statement `earlier-codes-withdraw` |
 */
export interface ClaimedPicture {
  readonly ticketId: TicketId;
  /** How often reading was begun, this time included. */
  readonly attempts: number;
  /** Null: too large to be one of the earlier service's. */
  readonly picture: Buffer | null;
}

/** A process that died leaves its pictures to others after this. */
const CLAIM_MS = 60_000;
/** The earlier service's pictures have 2 kB. */
const MAX_PICTURE_BYTES = 65_536;

const HAS_DUE = {
  name: 'earlier-codes-has-due',
  text: `SELECT EXISTS (SELECT FROM earlier_codes
                         WHERE state = 'waiting' AND (claimed_until IS NULL OR claimed_until <= $1::timestamptz)) AS has_due`,
};

/** Whether a picture waits that no reader has claimed. */
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

/** Pictures that this process alone reads for a while: `limit` of those never tried, or of those tried before. */
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

/** What was read from the picture of a ticket; no hash: nothing. */
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

/** Keeps what was read. A text that another ticket's picture has, too, stays that ticket's. */
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

/** From now on the earlier codes of these tickets admit nobody: a new code was issued. Returns how many there were. */
export async function withdrawEarlierCodes(
  executor: Executor,
  ticketIds: readonly TicketId[],
): Promise<number> {
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
  const [row] = await executor.rows<{ ticket_id: TicketId; session_id: SessionId; is_withdrawn: boolean }>(
    FIND,
    [Buffer.from(hash)],
  );
  return row && { ticketId: row.ticket_id, sessionId: row.session_id, isWithdrawn: row.is_withdrawn };
}

const HAS_WAITING = {
  name: 'earlier-codes-has-waiting',
  text: `SELECT EXISTS (SELECT FROM earlier_codes WHERE state = 'waiting') AS has_waiting`,
};

/** Whether a picture is still to be read, or is being read. */
export async function hasWaiting(executor: Executor): Promise<boolean> {
  const [row] = await executor.rows<{ has_waiting: boolean }>(HAS_WAITING, []);
  return row?.has_waiting ?? false;
}

const COUNT_WAITING = {
  name: 'earlier-codes-count-waiting',
  text: `SELECT count(*) AS waiting FROM earlier_codes WHERE state = 'waiting'`,
};

/** How many pictures are still to be read. */
export async function countWaiting(executor: Executor): Promise<number> {
  const [row] = await executor.rows<{ waiting: number }>(COUNT_WAITING, []);
  return row?.waiting ?? 0;
}

/** What became of the pictures. */
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

/** Counts the codes by their state. */
export async function countByState(executor: Executor): Promise<EarlierCodeCounts> {
  const [row] = await executor.rows<EarlierCodeCounts>(COUNT, []);
  return row ?? { good: 0, unreadable: 0, withdrawn: 0 };
}

import type { SessionId } from '../../kernel/ids.ts';
import type { Executor } from '../../platform/postgres/database.ts';

/** A session's tickets as scanners receive them, and the change up to which they are complete. */
export interface TicketList {
  /**
   * JSON array of `[ticket id, seat label, tier name, state]`, with the short hash of a good earlier code as a fifth
   * element. PostgreSQL writes the text, so no process parses 50,000 rows.
   */
  readonly tickets: string;
  /** The list contains all changes of transactions before this number. */
  readonly through: string;
  /** The server and timeline that the number belongs to. It is not comparable with numbers of another one. */
  readonly server: string;
  readonly allowsReentry: boolean;
}

interface ListRow extends Omit<TicketList, 'allowsReentry'> {
  readonly allows_reentry: boolean;
}

/**
 * Transaction numbers do not follow the order of commits. So the list counts as complete up to the oldest transaction that
 * was still running: its changes come with the next list, and later changes of other transactions come twice.
 */
const LIST = (columns: string) => `
  SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS through,
         (SELECT system_identifier FROM pg_control_system()) || '.' ||
         (SELECT timeline_id FROM pg_control_checkpoint()) AS server,
         EXISTS (SELECT FROM session_doors d WHERE d.session_id = $1 AND d.allows_reentry) AS allows_reentry,
         ${columns}`;
const ENTRIES = `
  COALESCE(json_agg(array_remove(ARRAY[t.ticket_id::text, t.seat_label, t.tier_name,
    CASE WHEN t.voided_at IS NOT NULL OR o.status <> 'completed' THEN 'void'
         WHEN NOT t.checked_in THEN 'valid'
         WHEN t.left_at IS NULL THEN 'inside'
         ELSE 'left' END,
    rtrim(translate(encode(substring(c.text_hash FROM 1 FOR 16), 'base64'), '+/', '-_'), '=')], NULL)), '[]')::text`;
const OF_TICKETS = `
  tickets t JOIN orders o USING (order_id)
            LEFT JOIN earlier_codes c ON c.ticket_id = t.ticket_id AND c.state = 'good'`;

const LIST_ALL = {
  name: 'bundle-list-all',
  text: LIST(`
         (SELECT ${ENTRIES} FROM ${OF_TICKETS}
           WHERE t.session_id = $1 AND t.voided_at IS NULL AND o.status = 'completed') AS tickets`),
};

/** Every good ticket of a session. */
export async function listAll(executor: Executor, sessionId: SessionId): Promise<TicketList> {
  return toList(await executor.rows<ListRow>(LIST_ALL, [sessionId]));
}

const LIST_CHANGED = {
  name: 'bundle-list-changed',
  text: LIST(`
         (SELECT ${ENTRIES} FROM ${OF_TICKETS}
           WHERE o.status <> 'pending' AND t.ticket_id IN (
             SELECT ticket_id FROM tickets WHERE session_id = $1 AND changed_in >= $2::text::xid8
             UNION
             SELECT c.ticket_id FROM orders e JOIN tickets c USING (order_id)
              WHERE e.session_id = $1 AND e.status <> 'pending' AND e.ended_in >= $2::text::xid8
             UNION
             SELECT k.ticket_id FROM earlier_codes k JOIN tickets s USING (ticket_id)
              WHERE s.session_id = $1 AND k.changed_in >= $2::text::xid8)) AS tickets`),
};

/** A session's tickets, void ones included, that changed, or whose earlier code changed, in transaction `since` or later. */
export async function listChanged(executor: Executor, sessionId: SessionId, since: string): Promise<TicketList> {
  return toList(await executor.rows<ListRow>(LIST_CHANGED, [sessionId, since]));
}

function toList([row]: readonly ListRow[]): TicketList {
  if (!row) throw new Error('the bundle query returned no row');
  const { tickets, through, server, allows_reentry: allowsReentry } = row;
  return { tickets, through, server, allowsReentry };
}

import type { SessionId } from '../../kernel/ids.ts';
import type { Executor } from '../../platform/postgres/database.ts';

const FIND = {
  name: 'calendar-revision-find',
  text: 'SELECT revision FROM calendar_revisions WHERE session_id = $1 AND content_hash = $2',
};
const SAVE = {
  name: 'calendar-revision-save',
  text: `INSERT INTO calendar_revisions AS r (session_id, content_hash, revision) VALUES ($1, $2, 1)
         ON CONFLICT (session_id) DO UPDATE SET content_hash = EXCLUDED.content_hash,
           revision = r.revision + (r.content_hash <> EXCLUDED.content_hash)::integer
         RETURNING revision`,
};

/**
 * The number of what calendar files say of a session, from 1: the same as before for the latest content, and the next one
 * for any other. Concurrent calls with one content get one number.
 */
export async function revisionOf(executor: Executor, sessionId: SessionId, contentHash: Buffer): Promise<number> {
  const values = [sessionId, contentHash];
  const [known] = await executor.rows<{ revision: number }>(FIND, values);
  const [row] = known ? [known] : await executor.rows<{ revision: number }>(SAVE, values);
  if (!row) throw new Error('the revision of a calendar file was not saved');
  return row.revision;
}

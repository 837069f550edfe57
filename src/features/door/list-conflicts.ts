import type { SessionId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import type { Access } from '../access/index.ts';
import { type Conflict, conflictsOf } from './conflicts.store.ts';

/** Lists offline scans that this service would have refused. */
export class ListConflicts {
  readonly #database: Executor;
  readonly #access: Access;

  constructor(database: Executor, access: Access) {
    this.#database = database;
    this.#access = access;
  }

  /**
   * Newest first: at most `limit`, after the conflict with the id `before` if it is given. For the organiser and
   * administrators. Throws `forbidden`, `seating_unavailable`.
   */
  async list(sessionId: SessionId, before: number | undefined, limit: number, who: Principal): Promise<Conflict[]> {
    await this.#access.require('door.conflicts', who, { session: sessionId });
    return conflictsOf(this.#database, sessionId, before, limit);
  }
}

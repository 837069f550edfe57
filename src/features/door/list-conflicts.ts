import type { SessionId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import type { Access } from '../access/index.ts';
import { type Conflict, conflictsOf } from './conflicts.store.ts';

export interface ConflictsPage {
  readonly limit: number;
  /** The `scan_id` of the last conflict on the previous page. */
  readonly before: number | undefined;
}

/** Lists offline scans that this service would have refused. */
export class ListConflicts {
  readonly #database: Executor;
  readonly #access: Access;

  constructor(database: Executor, access: Access) {
    this.#database = database;
    this.#access = access;
  }

  /** Newest first; for the organiser and administrators. Throws `forbidden`, `seating_unavailable`. */
  async list(sessionId: SessionId, { limit, before }: ConflictsPage, who: Principal): Promise<Conflict[]> {
    await this.#access.require('door.conflicts', who, { session: sessionId });
    return conflictsOf(this.#database, sessionId, before, limit);
  }
}

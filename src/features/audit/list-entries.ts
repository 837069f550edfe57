import type { EventId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import type { Access } from '../access/index.ts';
import { entriesOf } from './entries.store.ts';
import type { WrittenEntry } from './entry.ts';

/** A page of the trail, newest first. */
export interface AuditPage {
  readonly entries: readonly WrittenEntry[];
  /** The cursor of the next page; undefined on the last page. */
  readonly nextCursor: number | undefined;
}

export interface AuditPageRequest {
  readonly limit: number;
  /** `nextCursor` of the previous page. */
  readonly cursor: number | undefined;
}

/** Lists what organisers and administrators did about an event. */
export class ListEntries {
  readonly #database: Executor;
  readonly #access: Access;

  constructor(database: Executor, access: Access) {
    this.#database = database;
    this.#access = access;
  }

  /** For the event's organiser and administrators. Throws `forbidden`, `seating_unavailable`. */
  async list(eventId: EventId, { limit, cursor }: AuditPageRequest, who: Principal): Promise<AuditPage> {
    await this.#access.require('audit.event', who, { event: eventId });
    // One entry more than the page holds shows whether there is a next page.
    const found = await entriesOf(this.#database, eventId, cursor, limit + 1);
    const entries = found.slice(0, limit);
    return { entries, nextCursor: found.length > limit ? entries.at(-1)?.entryId : undefined };
  }
}

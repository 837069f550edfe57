import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { EventId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Executor, Transaction } from '../../platform/postgres/database.ts';
import type { SeatingServices } from '../seats/index.ts';
import { entriesOf, insertEntry } from './entries.store.ts';
import type { AuditEntry, WrittenEntry } from './entry.ts';

/** Port: writes a deed down in the caller's transaction, so that it is there exactly when the deed is. */
export type RecordAction = (tx: Transaction, entry: AuditEntry) => Promise<void>;

export function createRecordAction(clock: Clock): RecordAction {
  return (tx, entry) => insertEntry(tx, entry, clock.now());
}

/** A page of the trail, newest first. */
export interface AuditPage {
  readonly entries: readonly WrittenEntry[];
  /** What to ask for the page after; undefined when this is the last one. */
  readonly nextCursor: number | undefined;
}

export interface AuditService {
  /** What was done about an event, for its owner and admins. Throws `forbidden`. */
  list(eventId: EventId, page: PageWish, who: Principal): Promise<AuditPage>;
}

export interface PageWish {
  readonly limit: number;
  /** `nextCursor` of the page before. */
  readonly cursor: number | undefined;
}

export interface AuditServiceOptions {
  readonly database: Executor;
  readonly seating: Pick<SeatingServices, 'ownsEvent'>;
}

export function createAuditService({ database, seating }: AuditServiceOptions): AuditService {
  return {
    async list(eventId, { limit, cursor }, who) {
      if (!who.isAdmin && !(await seating.ownsEvent(eventId, who.userId))) {
        throw new AppError('forbidden', 'This event is not yours.');
      }
      // One more than is shown tells whether there are more.
      const found = await entriesOf(database, eventId, cursor, limit + 1);
      const entries = found.slice(0, limit);
      return { entries, nextCursor: found.length > limit ? entries.at(-1)?.entryId : undefined };
    },
  };
}

import { AppError } from '../../kernel/errors.ts';
import type { SessionId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Database } from '../../platform/postgres/database.ts';
import type { Access } from '../access/index.ts';
import type { RecordAction } from '../audit/index.ts';
import type { Catalogue } from '../catalogue/index.ts';
import { saveReentry } from './doors.store.ts';

export interface AllowReentryNeeds {
  readonly database: Database;
  readonly access: Access;
  readonly catalogue: Catalogue;
  readonly recordAction: RecordAction;
}

/** Sets whether a session admits people again after they were scanned out. */
export class AllowReentry {
  readonly #needs: AllowReentryNeeds;

  constructor(needs: AllowReentryNeeds) {
    this.#needs = needs;
  }

  /** For the organiser and administrators. Throws `forbidden`, `not_found`, `seating_unavailable`. */
  async allow(sessionId: SessionId, isAllowed: boolean, who: Principal): Promise<void> {
    await this.#needs.access.require('door.set-up', who, { session: sessionId });
    const session = await this.#needs.catalogue.session(sessionId);
    if (!session) throw new AppError('not_found', 'The catalogue has no session with this id.');
    const { eventId } = session;
    await this.#needs.database.transaction(async (tx) => {
      if (await saveReentry(tx, sessionId, isAllowed)) {
        await this.#needs.recordAction(tx, {
          actor: who.userId,
          action: 'door.changed',
          about: { eventId, sessionId },
          before: { allows_reentry: !isAllowed },
          after: { allows_reentry: isAllowed },
        });
      }
      tx.keepAnswer(undefined);
    });
  }
}

import type { SessionId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import type { Access } from '../access/index.ts';
import type { ReadingKeyTexts, TicketSealer } from '../tickets/index.ts';
import { listAll, listChanged, type TicketList } from './bundle.store.ts';
import type { SessionTimes, SessionTimesCache } from './session-times.ts';

/** The data that a session's scanner needs to decide without a network. */
export interface Bundle extends Pick<TicketList, 'tickets' | 'allowsReentry'> {
  readonly version: string;
  /** False if the bundle holds only the changes since the requested version. */
  readonly isComplete: boolean;
  readonly keys: readonly ReadingKeyTexts[];
  readonly times: SessionTimes | undefined;
}

export interface MakeBundleNeeds {
  readonly database: Executor;
  readonly access: Access;
  readonly sealer: Pick<TicketSealer, 'readingKeys'>;
  readonly times: SessionTimesCache;
}

export class MakeBundle {
  readonly #needs: MakeBundleNeeds;

  constructor(needs: MakeBundleNeeds) {
    this.#needs = needs;
  }

  /**
   * For scanners of the session. If `since` is not a version of this database, the bundle is complete. Throws `forbidden`,
   * `seating_unavailable`.
   */
  async make(sessionId: SessionId, since: string | undefined, who: Principal): Promise<Bundle> {
    await this.#needs.access.require('door.bundle', who, { scannedAt: sessionId });
    const [keys, times] = await Promise.all([
      this.#needs.sealer.readingKeys(sessionId),
      this.#needs.times.of(sessionId),
    ]);
    const { isComplete, server, through, ...list } = await this.#listSince(sessionId, since);
    return { ...list, version: `${server}.${through}.${shortOf(sessionId)}`, isComplete, keys, times };
  }

  /**
   * The changes since a version, if this server issued it for this session, else the complete list. A number above the
   * server's own comes from before a restore and is treated as unknown.
   */
  async #listSince(sessionId: SessionId, since: string | undefined): Promise<TicketList & { isComplete: boolean }> {
    const [, server, through, session] = /^(\d+\.\d+)\.(\d{1,19})\.([\da-f]{8})$/.exec(since ?? '') ?? [];
    if (through !== undefined && session === shortOf(sessionId)) {
      const list = await listChanged(this.#needs.database, sessionId, through);
      if (list.server === server && BigInt(through) <= BigInt(list.through)) return { ...list, isComplete: false };
    }
    return { ...(await listAll(this.#needs.database, sessionId)), isComplete: true };
  }
}

/** Part of the version, so that the version of another session is recognised. With it a scanner would miss tickets. */
function shortOf(sessionId: SessionId): string {
  return sessionId.slice(0, 8);
}

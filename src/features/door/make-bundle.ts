import type { SessionId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import type { Access } from '../access/index.ts';
import type { ReadingKeyTexts, TicketSealer } from '../tickets/index.ts';
import { listAll, listChanged, type TicketList } from './bundle.store.ts';
import type { SessionTimes, SessionTimesCache } from './session-times.ts';

/** What a scanner of a session needs to decide without a network. */
export interface Bundle {
  readonly version: string;
  /** False: only what changed since the version asked for. */
  readonly isComplete: boolean;
  readonly keys: readonly ReadingKeyTexts[];
  readonly times: SessionTimes | undefined;
  readonly allowsReentry: boolean;
  /** JSON, as the store gives it. */
  readonly tickets: string;
}

export interface MakeBundleNeeds {
  readonly database: Executor;
  readonly access: Access;
  readonly sealer: Pick<TicketSealer, 'readingKeys'>;
  readonly times: SessionTimesCache;
}

/** Makes bundles for scanners. */
export class MakeBundle {
  readonly #database: Executor;
  readonly #access: Access;
  readonly #sealer: Pick<TicketSealer, 'readingKeys'>;
  readonly #times: SessionTimesCache;

  constructor({ database, access, sealer, times }: MakeBundleNeeds) {
    this.#database = database;
    this.#access = access;
    this.#sealer = sealer;
    this.#times = times;
  }

  /**
   * For scanners of the session. A `since` that this database did not give is answered with everything. Throws
   * `forbidden`, `seating_unavailable`.
   */
  async make(sessionId: SessionId, since: string | undefined, who: Principal): Promise<Bundle> {
    await this.#access.require('door.bundle', who, { scannedAt: sessionId });
    const [keys, times] = await Promise.all([this.#sealer.readingKeys(sessionId), this.#times.of(sessionId)]);
    const { list, isComplete } = await this.#listSince(sessionId, since);
    return {
      version: `${list.server}.${list.through}.${shortOf(sessionId)}`,
      isComplete,
      keys,
      times,
      allowsReentry: list.allowsReentry,
      tickets: list.tickets,
    };
  }

  /** What changed, if the same server gave the version, for this session; a number that it has not reached yet is of a past that was undone. */
  async #listSince(
    sessionId: SessionId,
    since: string | undefined,
  ): Promise<{ list: TicketList; isComplete: boolean }> {
    const [, server, through, session] = /^(\d+\.\d+)\.(\d{1,19})\.([\da-f]{8})$/.exec(since ?? '') ?? [];
    if (through !== undefined && session === shortOf(sessionId)) {
      const list = await listChanged(this.#database, sessionId, through);
      if (list.server === server && BigInt(through) <= BigInt(list.through))
        return { list, isComplete: false };
    }
    return { list: await listAll(this.#database, sessionId), isComplete: true };
  }
}

/** Enough to know another session's version: a scanner that mixed them up would miss what it never had. */
function shortOf(sessionId: SessionId): string {
  return sessionId.slice(0, 8);
}

import { AppError } from '../../kernel/errors.ts';
import type { SessionId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import type { ReadingKeyTexts, TicketSealer } from '../tickets/index.ts';
import { listAll, listChanged, type TicketList } from './bundle.store.ts';
import type { SessionTimes } from './door.ports.ts';
import type { IsScanner } from './scanner.service.ts';
import type { TimesOf } from './session-times.ts';

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

/**
 * For scanners of the session. A `since` that this database did not give is answered with everything. Throws
 * `forbidden`, `seating_unavailable`.
 */
export type MakeBundle = (sessionId: SessionId, since: string | undefined, who: Principal) => Promise<Bundle>;

export interface BundleOptions {
  readonly database: Executor;
  readonly sealer: Pick<TicketSealer, 'readingKeys'>;
  readonly isScanner: IsScanner;
  readonly timesOf: TimesOf;
}

export function createMakeBundle({ database, sealer, isScanner, timesOf }: BundleOptions): MakeBundle {
  return async (sessionId, since, who) => {
    if (!(await isScanner(sessionId, who.userId))) {
      throw new AppError('forbidden', 'You do not scan for this session.');
    }
    const [keys, times] = await Promise.all([sealer.readingKeys(sessionId), timesOf(sessionId)]);
    const { list, isComplete } = await listSince(database, sessionId, since);
    return {
      version: `${list.server}.${list.through}.${shortOf(sessionId)}`,
      isComplete,
      keys,
      times,
      allowsReentry: list.allows_reentry,
      tickets: list.tickets,
    };
  };
}

/** What changed, if the same server gave the version, for this session; a number that it has not reached yet is of a past that was undone. */
async function listSince(
  database: Executor,
  sessionId: SessionId,
  since: string | undefined,
): Promise<{ list: TicketList; isComplete: boolean }> {
  const [, server, through, session] = /^(\d+\.\d+)\.(\d{1,19})\.([\da-f]{8})$/.exec(since ?? '') ?? [];
  if (through !== undefined && session === shortOf(sessionId)) {
    const list = await listChanged(database, sessionId, through);
    if (list.server === server && BigInt(through) <= BigInt(list.through)) return { list, isComplete: false };
  }
  return { list: await listAll(database, sessionId), isComplete: true };
}

/** Enough to know another session's version: a scanner that mixed them up would miss what it never had. */
function shortOf(sessionId: SessionId): string {
  return sessionId.slice(0, 8);
}

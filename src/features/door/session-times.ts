import { LRUCache } from 'lru-cache';
import { type Clock, type Instant, later } from '../../kernel/clock.ts';
import type { SessionId } from '../../kernel/ids.ts';
import type { AskTimes, SessionTimes } from './door.ports.ts';

/** When a session takes place, or undefined: not known, or not soon enough. Never rejects. */
export type TimesOf = (sessionId: SessionId) => Promise<SessionTimes | undefined>;

/** How long the line waits for a catalogue of which nothing is known yet. */
const MAX_WAIT_MS = 300;
/** What is known is used for as long, and after that until the catalogue says something newer. */
const FRESH_MS = 60_000;
const MAX_SESSIONS = 1_000;

interface Known {
  readonly times: SessionTimes | undefined;
  readonly askedAt: Instant;
}

/**
 * The times of sessions for a door where nobody may wait: what was known once is used at once, and renewed beside it; a
 * catalogue that is away or slow stops nobody.
 */
export function createTimesOf(ask: AskTimes, clock: Clock): TimesOf {
  const known = new LRUCache<SessionId, Known>({ max: MAX_SESSIONS });
  const asking = new Map<SessionId, Promise<SessionTimes | undefined>>();

  function renew(sessionId: SessionId): Promise<SessionTimes | undefined> {
    const running = asking.get(sessionId);
    if (running) return running;
    const askedAt = clock.now();
    const before = known.get(sessionId)?.times;
    const remember = (times: SessionTimes | undefined) => {
      known.set(sessionId, { times, askedAt });
      return times;
    };
    const asked = ask(sessionId)
      .then(remember, () => remember(before))
      .finally(() => asking.delete(sessionId));
    asking.set(sessionId, asked);
    return asked;
  }

  return async (sessionId) => {
    const found = known.get(sessionId);
    if (!found) return soonEnough(renew(sessionId));
    if (clock.now() >= later(found.askedAt, FRESH_MS)) void renew(sessionId);
    return found.times;
  };
}

async function soonEnough(asked: Promise<SessionTimes | undefined>): Promise<SessionTimes | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<undefined>((done) => {
    timer = setTimeout(done, MAX_WAIT_MS, undefined);
  });
  return Promise.race([asked, tooLate]).finally(() => clearTimeout(timer));
}

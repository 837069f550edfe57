import { LRUCache } from 'lru-cache';
import { type Clock, type Instant, later } from '../../kernel/clock.ts';
import type { SessionId } from '../../kernel/ids.ts';
import type { SessionInfo } from '../catalogue/index.ts';

/** When a session takes place; without an end where the catalogue has none. */
export type SessionTimes = Pick<SessionInfo, 'startsAt' | 'endsAt'>;

/** The part of the catalogue that knows them. */
interface TimesSource {
  session(sessionId: SessionId): Promise<SessionTimes | undefined>;
}

/** How long the line waits for a catalogue of which nothing is known yet. */
const MAX_WAIT_MS = 300;
/** Known times are used for as long, and after that until the catalogue says something newer. */
const FRESH_MS = 60_000;
const MAX_SESSIONS = 1_000;

interface Known {
  readonly times: SessionTimes | undefined;
  readonly askedAt: Instant;
}

/**
 * The times of sessions for a door where nobody may wait: known times are used at once, and renewed in the background; a
 * catalogue that is unavailable or slow stops nobody.
 */
export class SessionTimesCache {
  readonly #catalogue: TimesSource;
  readonly #clock: Clock;
  readonly #known: LRUCache<SessionId, Known>;

  constructor(catalogue: TimesSource, clock: Clock) {
    this.#catalogue = catalogue;
    this.#clock = clock;
    this.#known = new LRUCache<SessionId, Known>({
      max: MAX_SESSIONS,
      ignoreFetchAbort: true,
      fetchMethod: (sessionId, known) => this.#ask(sessionId, known),
    });
  }

  /** When a session takes place; undefined: not known, or not soon enough. Never rejects. */
  async of(sessionId: SessionId): Promise<SessionTimes | undefined> {
    const known = this.#known.get(sessionId);
    if (!known) return soonEnough(this.#renew(sessionId));
    if (this.#clock.now() >= later(known.askedAt, FRESH_MS)) void this.#renew(sessionId);
    return known.times;
  }

  /** One question at a time for each session. */
  async #renew(sessionId: SessionId): Promise<SessionTimes | undefined> {
    return (await this.#known.fetch(sessionId, { forceRefresh: true }))?.times;
  }

  async #ask(sessionId: SessionId, known: Known | undefined): Promise<Known> {
    const askedAt = this.#clock.now();
    try {
      return { times: await this.#catalogue.session(sessionId), askedAt };
    } catch {
      return { times: known?.times, askedAt };
    }
  }
}

async function soonEnough(asked: Promise<SessionTimes | undefined>): Promise<SessionTimes | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<undefined>((done) => {
    timer = setTimeout(done, MAX_WAIT_MS, undefined);
  });
  return Promise.race([asked, tooLate]).finally(() => clearTimeout(timer));
}

import { LRUCache } from 'lru-cache';
import { type Clock, type Instant, later, MS_PER_MINUTE } from '../../kernel/clock.ts';
import type { SessionId } from '../../kernel/ids.ts';
import { withTimeLimit } from '../../kernel/time-limit.ts';
import type { SessionInfo } from '../catalogue/index.ts';

/** When a session takes place. The end is undefined if the catalogue has none. */
export type SessionTimes = Pick<SessionInfo, 'startsAt' | 'endsAt'>;

/** The part of the catalogue that gives session times. */
interface TimesSource {
  session(sessionId: SessionId): Promise<SessionTimes | undefined>;
}

/** Maximum time that the first scan of a session waits for the catalogue. */
const MAX_WAIT_MS = 300;
/** After this long, cached times are refreshed in the background and used until the answer arrives. */
const FRESH_MS = MS_PER_MINUTE;
const MAX_SESSIONS = 1_000;

interface Known {
  readonly times: SessionTimes | undefined;
  readonly askedAt: Instant;
}

/**
 * Session times for the door, where scans must not wait. Cached times are used at once and refreshed in the background, so
 * a slow or unavailable catalogue holds up no scan.
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

  /** When a session takes place. Undefined if that is unknown or the catalogue is too slow. Never rejects. */
  async of(sessionId: SessionId): Promise<SessionTimes | undefined> {
    const known = this.#known.get(sessionId);
    if (!known) return withTimeLimit(MAX_WAIT_MS, this.#renew(sessionId), () => undefined);
    if (this.#clock.now() >= later(known.askedAt, FRESH_MS)) void this.#renew(sessionId);
    return known.times;
  }

  /** Asks the catalogue, with one request at a time for each session. */
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

import { setTimeout } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import { type Clock, type Instant, later, MS_PER_SECOND } from '../../kernel/clock.ts';
import { singleFlight } from '../../kernel/concurrency.ts';
import { OK } from '../../kernel/http-status.ts';
import { identityUnavailable } from '../errors.ts';
import type { SharedToken, SharedTokens } from './shared-tokens.ts';

interface M2mNeeds {
  readonly http: Dispatcher;
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly clock: Clock;
  /** Where replicas share their token; undefined: each has its own. */
  readonly shared?: SharedTokens | undefined;
}

interface HeldToken extends SharedToken {
  readonly refreshAt: Instant;
}

const REFRESH_BEFORE_END_MS = 60_000;
/** After a failure the issuer is not asked again for this long. */
const PAUSE_AFTER_FAILURE_MS = 500;
const REQUEST_TIMEOUT_MS = 5_000;
/** A replica that crashes while it fetches a token blocks the others for at most this long. */
const CLAIM_MS = 6_000;
/** How often this replica looks for the token that another replica is fetching, before it fetches its own. */
const MAX_LOOKS_FOR_OTHERS = 40;
const LOOK_EVERY_MS = 50;
const SCOPE = 'internal-api';

/**
 * Machine-to-machine access tokens by client credentials. It keeps one token and fetches the next one 60 s before the token
 * expires, or after half of its life when that is shorter than two minutes. There is one request at a time for all callers,
 * and no caller waits while the old token is valid. Replicas with shared tokens fetch one token for all of them.
 */
export class M2mTokens {
  readonly #needs: M2mNeeds;
  readonly #form: string;
  #held: HeldToken | undefined;
  #refused: string | undefined;
  #pausedUntil: Instant | undefined;
  readonly #refresh = singleFlight(() => this.#fetchNext());

  constructor(needs: M2mNeeds) {
    this.#needs = needs;
    this.#form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: needs.clientId,
      client_secret: needs.clientSecret,
      scope: SCOPE,
    }).toString();
  }

  /** A valid token. Throws `identity_unavailable` when there is none. */
  async get(): Promise<string> {
    const now = this.#needs.clock.now();
    const held = this.#held;
    if (held && now < held.refreshAt) return held.token;
    const isPaused = this.#pausedUntil !== undefined && now < this.#pausedUntil;
    if (!held || now >= held.expiresAt) {
      if (isPaused) throw identityUnavailable(new Error('the last request failed a moment ago'));
      return (await this.#refresh()).token;
    }
    if (!isPaused) this.#refresh().catch(() => undefined);
    return held.token;
  }

  /** Forgets a token that was refused, so that the next call fetches another one. */
  discard(token: string): void {
    if (this.#held?.token !== token) return;
    this.#held = undefined;
    this.#refused = token;
    void this.#needs.shared?.forget(token);
  }

  async #fetchNext(): Promise<HeldToken> {
    try {
      const { shared } = this.#needs;
      this.#held = await (shared ? this.#fetchShared(shared) : this.#fetch());
      return this.#held;
    } catch (error) {
      this.#pausedUntil = later(this.#needs.clock.now(), PAUSE_AFTER_FAILURE_MS);
      throw error;
    }
  }

  /** The token that another replica has fetched, or a new one that is then shared. */
  async #fetchShared(shared: SharedTokens): Promise<HeldToken> {
    const found = await this.#look(shared);
    if (found) return found;
    for (let looks = 1; !(await shared.claim(CLAIM_MS)) && looks <= MAX_LOOKS_FOR_OTHERS; looks += 1) {
      await setTimeout(LOOK_EVERY_MS);
      const others = await this.#look(shared);
      if (others) return others;
    }
    try {
      const others = await this.#look(shared);
      if (others) return others;
      const fetched = await this.#fetch();
      await shared.keep(fetched);
      return fetched;
    } finally {
      await shared.unclaim();
    }
  }

  /** The shared token, if it lives longer than the one held here and was not refused. */
  async #look(shared: SharedTokens): Promise<HeldToken | undefined> {
    const stored = await shared.read();
    const now = this.#needs.clock.now();
    const isBetter =
      stored && stored.token !== this.#refused && stored.expiresAt > Math.max(now, this.#held?.expiresAt ?? 0);
    return isBetter ? hold(stored, now) : undefined;
  }

  async #fetch(): Promise<HeldToken> {
    const askedAt = this.#needs.clock.now();
    const answer = await post(this.#needs.http, new URL(this.#needs.tokenUrl), this.#form);
    const { access_token: token, expires_in: seconds } = answer;
    if (typeof token !== 'string' || typeof seconds !== 'number' || !(seconds > 0))
      throw identityUnavailable('an answer without a token');
    return hold({ token, expiresAt: later(askedAt, seconds * MS_PER_SECOND) }, askedAt);
  }
}

function hold({ token, expiresAt }: SharedToken, now: Instant): HeldToken {
  const lifeMs = expiresAt - now;
  return { token, expiresAt, refreshAt: later(now, Math.max(lifeMs - REFRESH_BEFORE_END_MS, lifeMs / 2)) };
}

async function post(http: Dispatcher, tokenUrl: URL, body: string): Promise<Record<string, unknown>> {
  const { origin, pathname } = tokenUrl;
  try {
    const response = await http.request({
      origin,
      path: pathname,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body,
      // It includes the wait for a connection, and is below `CLAIM_MS`, so that no other replica fetches at the same time.
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    const answer = (await response.body.json()) as Record<string, unknown>;
    if (response.statusCode === OK) return answer;
    throw new Error(`status ${response.statusCode}, ${String(answer.error)}`);
  } catch (error) {
    throw identityUnavailable(error);
  }
}

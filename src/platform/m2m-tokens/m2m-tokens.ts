import { setTimeout } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import { type Clock, type Instant, later, MS_PER_SECOND } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { SharedToken, SharedTokens } from './shared-tokens.ts';

/** Machine-to-machine access tokens by client credentials. */
export interface M2mTokens {
  /** A token that is good for now. Throws `identity_unavailable` when there is none to be had. */
  get(): Promise<string>;
  /** Forgets a token that was refused, so that the next call fetches another. */
  discard(token: string): void;
}

export interface M2mTokensOptions {
  readonly http: Dispatcher;
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly clock: Clock;
  /** Where replicas share their token; without it this process has its own. */
  readonly shared?: SharedTokens | undefined;
}

interface HeldToken extends SharedToken {
  readonly refreshAt: Instant;
}

const REFRESH_BEFORE_END_MS = 60_000;
/** After a failure the issuer is left alone for so long. */
const REST_AFTER_FAILURE_MS = 500;
const REQUEST_TIMEOUT_MS = 5_000;
/** A replica that died while it fetched keeps the others from it for so long. */
const CLAIM_MS = 6_000;
/** How long the token that another replica fetches is waited for; then this one fetches its own. */
const MAX_LOOKS_FOR_OTHERS = 40;
const LOOK_EVERY_MS = 50;
const HTTP_OK = 200;
const SCOPE = 'internal-api';

/**
 * Keeps one token and fetches the next 60 s before it ends (half-way through, when it lives shorter): one request at
 * a time however many wait, and none waits while the old one is still good. Replicas that share tokens fetch one
 * between them.
 */
export function createM2mTokens(options: M2mTokensOptions): M2mTokens {
  const { clock, shared } = options;
  let held: HeldToken | undefined;
  let refused: string | undefined;
  let fetching: Promise<HeldToken> | undefined;
  let restUntil: Instant | undefined;

  function refresh(): Promise<HeldToken> {
    const isBetter = ({ token, expiresAt }: SharedToken) =>
      token !== refused && expiresAt > Math.max(clock.now(), held?.expiresAt ?? 0);
    fetching ??= (shared ? fetchShared(shared, isBetter, options) : fetchToken(options))
      .then((token) => {
        held = token;
        return token;
      })
      .catch((error: unknown) => {
        restUntil = later(clock.now(), REST_AFTER_FAILURE_MS);
        throw error;
      })
      .finally(() => {
        fetching = undefined;
      });
    return fetching;
  }

  return {
    async get() {
      const now = clock.now();
      if (held && now < held.refreshAt) return held.token;
      const isResting = restUntil !== undefined && now < restUntil;
      if (!held || now >= held.expiresAt) {
        if (isResting) throw unavailable(new Error('the last request failed just now'));
        return (await refresh()).token;
      }
      if (!isResting) refresh().catch(() => undefined);
      return held.token;
    },
    discard(token) {
      if (held?.token !== token) return;
      held = undefined;
      refused = token;
      void shared?.forget(token);
    },
  };
}

/** The token that another replica fetched, or one fetched for all of them. */
async function fetchShared(
  shared: SharedTokens,
  isBetter: (token: SharedToken) => boolean,
  options: M2mTokensOptions,
): Promise<HeldToken> {
  const look = async (): Promise<HeldToken | undefined> => {
    const kept = await shared.read();
    return kept && isBetter(kept) ? hold(kept, options.clock.now()) : undefined;
  };
  const kept = await look();
  if (kept) return kept;
  for (let looks = 1; !(await shared.claim(CLAIM_MS)) && looks <= MAX_LOOKS_FOR_OTHERS; looks += 1) {
    await setTimeout(LOOK_EVERY_MS);
    const others = await look();
    if (others) return others;
  }
  try {
    const others = await look();
    if (others) return others;
    const fetched = await fetchToken(options);
    await shared.keep(fetched);
    return fetched;
  } finally {
    await shared.unclaim();
  }
}

function hold({ token, expiresAt }: SharedToken, now: Instant): HeldToken {
  const lifeMs = expiresAt - now;
  return {
    token,
    expiresAt,
    refreshAt: later(now, Math.max(lifeMs - REFRESH_BEFORE_END_MS, lifeMs / 2)),
  };
}

async function fetchToken(options: M2mTokensOptions): Promise<HeldToken> {
  const { clock, tokenUrl, clientId, clientSecret } = options;
  const askedAt = clock.now();
  const form = {
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: clientSecret,
    scope: SCOPE,
  };
  const answer = await post(options.http, tokenUrl, new URLSearchParams(form).toString());
  const { access_token: token, expires_in: seconds } = answer;
  if (typeof token !== 'string' || typeof seconds !== 'number' || !(seconds > 0))
    throw unavailable('an answer without a token');
  return hold({ token, expiresAt: later(askedAt, seconds * MS_PER_SECOND) }, askedAt);
}

async function post(http: Dispatcher, tokenUrl: string, body: string): Promise<Record<string, unknown>> {
  const { origin, pathname } = new URL(tokenUrl);
  try {
    const response = await http.request({
      origin,
      path: pathname,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body,
      // With the wait for a connection, and below `CLAIM_MS`: nobody else fetches meanwhile.
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    const answer = (await response.body.json()) as Record<string, unknown>;
    if (response.statusCode === HTTP_OK) return answer;
    throw new Error(`status ${response.statusCode}, ${String(answer.error)}`);
  } catch (error) {
    throw unavailable(error);
  }
}

function unavailable(cause: unknown): AppError {
  return new AppError(
    'identity_unavailable',
    'The identity provider cannot be reached right now. Try again shortly.',
    { cause },
  );
}

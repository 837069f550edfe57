import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { type Clock, later, MS_PER_SECOND } from '../../kernel/clock.ts';
import { onceSucceeded, singleFlight } from '../../kernel/concurrency.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { identityUnavailable } from '../errors.ts';
import { PLATFORM, principalIn, type Refusal, type Trust } from './access-token.ts';

/** Signatures by key pairs only: `none` and shared secrets prove no identity. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
/** Codes of jose for keys that could not be fetched or read. */
const ISSUER_FAILURES = ['ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID', 'ERR_JOSE_GENERIC'];
const LEEWAY_S = 60;
const JWKS_TIMEOUT_MS = 3_000;
/**
 * The keys are fetched at most this often for tokens with unknown key ids. Such a token waits for the next fetch, so that one
 * with a new key is accepted also while a stranger sends invented key ids.
 */
const JWKS_PACE_MS = 1_000;
/** After a failed refresh in the background, the next one is tried after this. */
const JWKS_RETRY_MS = 5_000;
/** Keys are fetched again after this; until then, and while that fails, the known keys are used. */
const JWKS_REFRESH_MS = 600_000;
/** Known keys are used for at most this long while the issuer is unavailable. It limits the life of a withdrawn key. */
const JWKS_MAX_AGE_MS = 3_600_000;
const MAX_CACHED_TOKENS = 20_000;
/** A verified token is not verified again for this long, also when its signing key is withdrawn. */
const CACHED_TOKEN_MS = 60_000;
const MAX_FOREIGN_TOKENS = 10;
const REPORT_AGAIN_MS = 60_000;
const MAX_TOKEN_CHARS = 16_384;

const PROBLEMS: Readonly<Record<Refusal['reason'], string>> = {
  kind: 'This is not an access token.',
  user: 'The access token names no user.',
  client: 'The access token was issued to a client that this service does not know.',
  audience: 'The access token is for another service.',
};

/** The claim for which a token of the issuer is not for this service. */
export type ForeignClaim = 'iss' | 'client' | 'audience';

interface VerifierNeeds {
  /** `iss` of every token; it must be equal. */
  readonly issuer: string;
  /** Address of the issuer's keys; undefined: from its discovery document, otherwise Keycloak's path. */
  readonly jwksUrl: string | undefined;
  readonly clock: Clock;
  /** Undefined: the clients of the platform. */
  readonly trust?: Trust;
  /**
   * Called at most once a minute for each `iss`, client and audience that tokens signed by the issuer name and this service
   * refuses: the configuration may be wrong.
   */
  readonly onForeignToken?: (claim: ForeignClaim, found: string) => void;
}

/** Verifies access tokens. It fetches the issuer's keys when they are first needed, and caches verified tokens. */
export class TokenVerifier {
  readonly #needs: VerifierNeeds;
  readonly #keys: JWTVerifyGetKey;
  readonly #verified: LRUCache<string, Principal>;
  readonly #foreign: LRUCache<string, true>;

  constructor(needs: VerifierNeeds) {
    this.#needs = needs;
    const times = { perf: { now: () => needs.clock.now() }, ttlResolution: 0 };
    this.#keys = keysOf(needs.issuer, needs.jwksUrl, needs.clock);
    this.#verified = new LRUCache({ max: MAX_CACHED_TOKENS, ttl: CACHED_TOKEN_MS, ...times });
    this.#foreign = new LRUCache({ max: MAX_FOREIGN_TOKENS, ttl: REPORT_AGAIN_MS, ...times });
  }

  /**
   * The user of the token. Throws `unauthenticated` for an invalid token, and `identity_unavailable` when the issuer's keys
   * cannot be fetched: a token is never accepted unverified.
   */
  async verify(token: string): Promise<Principal> {
    if (token.length > MAX_TOKEN_CHARS) throw unauthenticated('The access token is too long.');
    // The cache contains digests only, so a dump of the memory contains no usable tokens.
    const digest = createHash('sha256').update(token).digest('base64');
    const known = this.#verified.get(digest);
    if (known && this.#needs.clock.now() < known.expiresAt + LEEWAY_S * MS_PER_SECOND) return known;
    const principal = await this.#verifySignature(token);
    this.#verified.set(digest, principal);
    return principal;
  }

  async #verifySignature(token: string): Promise<Principal> {
    try {
      const { payload, protectedHeader } = await jwtVerify(token, this.#keys, {
        issuer: this.#needs.issuer,
        algorithms: ALGORITHMS,
        clockTolerance: LEEWAY_S,
        currentDate: new Date(this.#needs.clock.now()),
        requiredClaims: ['sub', 'exp'],
      });
      const found = principalIn(protectedHeader, payload, this.#needs.trust ?? PLATFORM);
      if (!('reason' in found)) return found;
      if ('found' in found) this.#reportForeign(found.reason, found.found);
      throw unauthenticated(PROBLEMS[found.reason]);
    } catch (error) {
      // Claims are checked after the signature, so a forged token cannot fill the log.
      if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'iss')
        this.#reportForeign('iss', String(error.payload.iss));
      throw toAppError(error);
    }
  }

  #reportForeign(claim: ForeignClaim, found: string): void {
    const key = `${claim} ${found}`;
    if (!this.#foreign.has(key)) this.#needs.onForeignToken?.(claim, found);
    this.#foreign.set(key, true);
  }
}

/** The issuer's keys. Their address is looked up once, when the keys are first needed. */
function keysOf(issuer: string, jwksUrl: string | undefined, clock: Clock): JWTVerifyGetKey {
  const keys = onceSucceeded(async () => {
    const url = new URL(jwksUrl ?? (await discover(issuer)));
    const remote = createRemoteJWKSet(url, {
      timeoutDuration: JWKS_TIMEOUT_MS,
      // `paced` fetches the keys again for an unknown key id.
      cooldownDuration: Number.POSITIVE_INFINITY,
      cacheMaxAge: JWKS_MAX_AGE_MS,
    });
    return paced(remote, refreshed(remote, clock));
  });
  return async (header, token) => (await keys())(header, token);
}

/** Fetches the keys again in the background, so that no request waits for a slow or unavailable issuer. */
function refreshed(keys: ReturnType<typeof createRemoteJWKSet>, clock: Clock): JWTVerifyGetKey {
  let refreshAt = later(clock.now(), JWKS_REFRESH_MS);
  return (header, token) => {
    if (clock.now() >= refreshAt) {
      refreshAt = later(clock.now(), JWKS_RETRY_MS);
      keys.reload().then(
        () => {
          refreshAt = later(clock.now(), JWKS_REFRESH_MS);
        },
        () => undefined,
      );
    }
    return keys(header, token);
  };
}

/** Looks an unknown key id up in the keys of the next fetch, for which all such tokens wait together. */
function paced(remote: ReturnType<typeof createRemoteJWKSet>, keys: JWTVerifyGetKey): JWTVerifyGetKey {
  let nextAtMs = 0;
  const fetchNext = singleFlight(async () => {
    await pause(Math.max(0, nextAtMs - performance.now()));
    nextAtMs = performance.now() + JWKS_PACE_MS;
    await remote.reload();
  });
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await fetchNext();
      return keys(header, token);
    }
  };
}

/** https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig */
async function discover(issuer: string): Promise<string> {
  const address = `${issuer}/.well-known/openid-configuration`;
  const response = await fetch(address, { signal: AbortSignal.timeout(JWKS_TIMEOUT_MS) });
  const document: unknown = await response.json().catch(() => undefined);
  const isObject = typeof document === 'object' && document !== null;
  if (isObject && 'jwks_uri' in document && typeof document.jwks_uri === 'string') return document.jwks_uri;
  return `${issuer}/protocol/openid-connect/certs`;
}

/** A token that jose refuses is the caller's error; any other error means that the issuer is unavailable. */
function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof errors.JWTExpired) return unauthenticated('The access token has expired. Sign in again.');
  if (!(error instanceof errors.JOSEError) || ISSUER_FAILURES.includes(error.code)) return identityUnavailable(error);
  if (error instanceof errors.JWTClaimValidationFailed)
    return unauthenticated(`The access token is not for this service (${error.claim}).`);
  return unauthenticated('The access token is not valid.');
}

function unauthenticated(detail: string): AppError {
  return new AppError('unauthenticated', detail);
}

import { createHash } from 'node:crypto';
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { type Clock, instant, later, MS_PER_SECOND } from '../../kernel/clock.ts';
import { onceSucceeded } from '../../kernel/concurrency.ts';
import { AppError } from '../../kernel/errors.ts';
import { as, toUuid, type UserId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { identityUnavailable } from '../errors.ts';

/** Signatures by key pairs only: `none` and shared secrets prove no identity. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
/** Codes of jose for keys that could not be fetched or read. */
const ISSUER_FAILURES = ['ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID', 'ERR_JOSE_GENERIC'];
const LEEWAY_S = 60;
const JWKS_TIMEOUT_MS = 3_000;
/** After the keys have been fetched, tokens with unknown key ids are refused for this long without another request. */
const JWKS_COOLDOWN_MS = 5_000;
/** Keys are fetched again after this; until then, and while that fails, the known keys are used. */
const JWKS_REFRESH_MS = 600_000;
/** Known keys are used for at most this long while the issuer is unavailable. It limits the life of a withdrawn key. */
const JWKS_MAX_AGE_MS = 3_600_000;
const MAX_CACHED_TOKENS = 20_000;
/** A verified token is not verified again for this long, also when its signing key is withdrawn. */
const CACHED_TOKEN_MS = 60_000;
const MAX_OTHER_ISSUERS = 10;
const REPORT_AGAIN_MS = 60_000;
const MAX_TOKEN_CHARS = 16_384;
const ADMIN_GROUP = '/Permissions/Users/System Admins';

interface VerifierNeeds {
  /** `iss` of every token; it must be equal. */
  readonly issuer: string;
  /** Address of the issuer's keys; undefined: from its discovery document, otherwise Keycloak's path. */
  readonly jwksUrl: string | undefined;
  readonly clock: Clock;
  /** Called at most once a minute for each other `iss` in tokens signed by the issuer: a wrong OIDC_ISSUER. */
  readonly onOtherIssuer: (found: string) => void;
}

/** Verifies access tokens. It fetches the issuer's keys when they are first needed, and caches verified tokens. */
export class TokenVerifier {
  readonly #needs: VerifierNeeds;
  readonly #keys: JWTVerifyGetKey;
  readonly #verified: LRUCache<string, Principal>;
  readonly #otherIssuers: LRUCache<string, true>;

  constructor(needs: VerifierNeeds) {
    this.#needs = needs;
    const perf = { now: () => needs.clock.now() };
    this.#keys = keysOf(needs.issuer, needs.jwksUrl, needs.clock);
    this.#verified = new LRUCache({ max: MAX_CACHED_TOKENS, ttl: CACHED_TOKEN_MS, perf });
    this.#otherIssuers = new LRUCache({ max: MAX_OTHER_ISSUERS, ttl: REPORT_AGAIN_MS, perf });
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
      const { payload } = await jwtVerify(token, this.#keys, {
        issuer: this.#needs.issuer,
        algorithms: ALGORITHMS,
        clockTolerance: LEEWAY_S,
        currentDate: new Date(this.#needs.clock.now()),
        requiredClaims: ['sub', 'exp'],
      });
      return toPrincipal(payload);
    } catch (error) {
      // Claims are checked after the signature, so a forged token cannot fill the log.
      if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'iss')
        this.#reportIssuer(String(error.payload.iss));
      throw toAppError(error);
    }
  }

  #reportIssuer(found: string): void {
    if (!this.#otherIssuers.has(found)) this.#needs.onOtherIssuer(found);
    this.#otherIssuers.set(found, true);
  }
}

/** The issuer's keys. Their address is looked up once, when the keys are first needed. */
function keysOf(issuer: string, jwksUrl: string | undefined, clock: Clock): JWTVerifyGetKey {
  const keys = onceSucceeded(async () => {
    const url = new URL(jwksUrl ?? (await discover(issuer)));
    const remote = createRemoteJWKSet(url, {
      timeoutDuration: JWKS_TIMEOUT_MS,
      cooldownDuration: JWKS_COOLDOWN_MS,
      cacheMaxAge: JWKS_MAX_AGE_MS,
    });
    return refreshed(remote, clock);
  });
  return async (header, token) => (await keys())(header, token);
}

/** Fetches the keys again in the background, so that no request waits for a slow or unavailable issuer. */
function refreshed(keys: ReturnType<typeof createRemoteJWKSet>, clock: Clock): JWTVerifyGetKey {
  let refreshAt = later(clock.now(), JWKS_REFRESH_MS);
  return (header, token) => {
    if (clock.now() >= refreshAt) {
      refreshAt = later(clock.now(), JWKS_COOLDOWN_MS);
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

/** https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig */
async function discover(issuer: string): Promise<string> {
  const address = `${issuer}/.well-known/openid-configuration`;
  const response = await fetch(address, { signal: AbortSignal.timeout(JWKS_TIMEOUT_MS) });
  const document: unknown = await response.json().catch(() => undefined);
  const isObject = typeof document === 'object' && document !== null;
  if (isObject && 'jwks_uri' in document && typeof document.jwks_uri === 'string') return document.jwks_uri;
  return `${issuer}/protocol/openid-connect/certs`;
}

function toPrincipal(claims: JWTPayload): Principal {
  // Keycloak writes the kind of a token into `typ`: ID and refresh tokens are not access tokens.
  if (claims.typ !== undefined && claims.typ !== 'Bearer') throw unauthenticated('This is not an access token.');
  const userId = claims.sub === undefined ? undefined : toUuid(claims.sub);
  if (userId === undefined) throw unauthenticated('The access token names no user.');
  return {
    userId: as<UserId>(userId),
    isAdmin: Array.isArray(claims.user_groups) && claims.user_groups.includes(ADMIN_GROUP),
    scopes: typeof claims.scope === 'string' ? claims.scope.split(' ') : [],
    expiresAt: instant((claims.exp ?? 0) * MS_PER_SECOND),
  };
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

import { createHash } from 'node:crypto';
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { type Clock, instant, later, MS_PER_SECOND } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { as, toUuid, type UserId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';

/** Turns access tokens into principals. */
export interface TokenVerifier {
  /**
   * Who the token speaks for. Throws `unauthenticated` for a token that is not good and `identity_unavailable` when
   * the issuer's keys cannot be had: never an open door.
   */
  verify(token: string): Promise<Principal>;
}

export interface TokenVerifierOptions {
  /** `iss` of every token, compared letter by letter. */
  readonly issuer: string;
  /** Where the issuer's keys are. Unset, its discovery document says so, or else Keycloak's path is taken. */
  readonly jwksUrl: string | undefined;
  readonly clock: Clock;
  /** Told of another `iss` in a token that the issuer's own keys signed, once a minute for each: a matter of settings. */
  readonly onOtherIssuer: (found: string) => void;
}

/** Signatures by key pairs only: `none` and shared secrets are no identity. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const LEEWAY_S = 60;
const JWKS_TIMEOUT_MS = 3_000;
/** After fetching the keys, unknown key ids are refused for this long without asking again. */
const JWKS_COOLDOWN_MS = 5_000;
/** Keys are fetched anew after this, while the ones in hand still serve … */
const JWKS_REFRESH_MS = 600_000;
/** … for so long, when the issuer is away: good tokens outlive it, and a withdrawn key not by much. */
const JWKS_MAX_AGE_MS = 3_600_000;
const MAX_CACHED_TOKENS = 20_000;
/** How long a withdrawn signing key can still pass for tokens seen before. */
const CACHED_TOKEN_MS = 60_000;
const MAX_OTHER_ISSUERS = 10;
const TELL_AGAIN_MS = 60_000;
const MAX_TOKEN_CHARS = 16_384;
const ADMIN_GROUP = '/Permissions/Users/System Admins';

/** A verifier that fetches the issuer's keys when it needs them and remembers tokens it has verified, within bounds. */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const perf = { now: () => options.clock.now() };
  const keys = keysOf(options);
  const verified = new LRUCache<string, Principal>({ max: MAX_CACHED_TOKENS, ttl: CACHED_TOKEN_MS, perf });
  const told = new LRUCache<string, true>({ max: MAX_OTHER_ISSUERS, ttl: TELL_AGAIN_MS, perf });
  const tellOf = (issuer: string) => {
    if (!told.has(issuer)) options.onOtherIssuer(issuer);
    told.set(issuer, true);
  };

  return {
    async verify(token) {
      if (token.length > MAX_TOKEN_CHARS) throw unauthenticated('The access token is too long.');
      // Only a digest is kept: a copy of the cache is no bunch of keys.
      const digest = createHash('sha256').update(token).digest('base64');
      const known = verified.get(digest);
      if (known && options.clock.now() < known.expiresAt + LEEWAY_S * MS_PER_SECOND) return known;
      const principal = await verifyAfresh(token, keys, options, tellOf);
      verified.set(digest, principal);
      return principal;
    },
  };
}

/** The issuer's keys; where they are is asked once, when they are first needed. */
function keysOf({ issuer, jwksUrl, clock }: TokenVerifierOptions): JWTVerifyGetKey {
  let found: Promise<JWTVerifyGetKey> | undefined;
  return async (header, token) => {
    found ??= (jwksUrl === undefined ? discover(issuer) : Promise.resolve(jwksUrl)).then((url) =>
      refreshed(
        createRemoteJWKSet(new URL(url), {
          timeoutDuration: JWKS_TIMEOUT_MS,
          cooldownDuration: JWKS_COOLDOWN_MS,
          cacheMaxAge: JWKS_MAX_AGE_MS,
        }),
        clock,
      ),
    );
    found.catch(() => {
      found = undefined;
    });
    return (await found)(header, token);
  };
}

/** Fetches keys anew beside the work and not before it: nobody waits for an issuer that is slow, or away for a while. */
function refreshed(keys: ReturnType<typeof createRemoteJWKSet>, clock: Clock): JWTVerifyGetKey {
  let askAt = later(clock.now(), JWKS_REFRESH_MS);
  return (header, token) => {
    if (clock.now() >= askAt) {
      askAt = later(clock.now(), JWKS_COOLDOWN_MS);
      keys.reload().then(
        () => {
          askAt = later(clock.now(), JWKS_REFRESH_MS);
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

async function verifyAfresh(
  token: string,
  keys: JWTVerifyGetKey,
  { issuer, clock }: TokenVerifierOptions,
  tellOf: (issuer: string) => void,
): Promise<Principal> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      algorithms: ALGORITHMS,
      clockTolerance: LEEWAY_S,
      currentDate: new Date(clock.now()),
      requiredClaims: ['sub', 'exp'],
    });
    return toPrincipal(payload);
  } catch (error) {
    // Claims are looked at only after the signature: nobody else can fill the log.
    if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'iss')
      tellOf(String(error.payload.iss));
    throw explain(error);
  }
}

function toPrincipal(claims: JWTPayload): Principal {
  // Keycloak names the kind of its tokens: an ID or refresh token must not pass for an access token.
  if (claims.typ !== undefined && claims.typ !== 'Bearer')
    throw unauthenticated('This is not an access token.');
  const userId = claims.sub === undefined ? undefined : toUuid(claims.sub);
  if (userId === undefined) throw unauthenticated('The access token names no user.');
  return {
    userId: as<UserId>(userId),
    isAdmin: Array.isArray(claims.user_groups) && claims.user_groups.includes(ADMIN_GROUP),
    scopes: typeof claims.scope === 'string' ? claims.scope.split(' ') : [],
    expiresAt: instant((claims.exp ?? 0) * MS_PER_SECOND),
  };
}

/** What jose refuses a token for is the caller's fault; anything else is the issuer being away. */
function explain(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof errors.JWTExpired)
    return unauthenticated('The access token has expired. Sign in again.');
  if (
    error instanceof errors.JWKSTimeout ||
    error instanceof errors.JWKSInvalid ||
    !(error instanceof errors.JOSEError)
  ) {
    return unavailable(error);
  }
  if (error.code === 'ERR_JOSE_GENERIC') return unavailable(error);
  if (error instanceof errors.JWTClaimValidationFailed)
    return unauthenticated(`The access token is not for this service (${error.claim}).`);
  return unauthenticated('The access token is not valid.');
}

function unauthenticated(detail: string): AppError {
  return new AppError('unauthenticated', detail);
}

function unavailable(cause: unknown): AppError {
  return new AppError(
    'identity_unavailable',
    'The identity provider cannot be reached right now. Try again shortly.',
    { cause },
  );
}

import type { FastifyRequest } from 'fastify';
import { AppError } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { TokenVerifier } from '../oidc/token-verifier.ts';
import type { HttpServer } from './server.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A route of the API without this needs an access token. */
    readonly access?: 'public';
    /** Accepts the token in `?access_token=` as well, for requests that a browser makes without headers (event streams). */
    readonly tokenInQuery?: true;
    /** Accepts tokens of services (client credentials) as well as those of users. */
    readonly machines?: true;
  }
}

const NO_TOKEN = 'Sign in and send the access token as a bearer token.';
const FOR_USERS = 'This access token is of a service. Send the access token of a user.';
const principals = new WeakMap<FastifyRequest, Principal>();

/**
 * Makes every route of this scope require an access token before its body is read, except routes marked public. A route that
 * is not public and has no permission stops the start.
 */
export function requireAuthentication(scope: HttpServer, verifier: Pick<TokenVerifier, 'verify'>): void {
  scope.addHook('onRoute', ({ method, url, config }) => {
    if (config?.access !== 'public' && config?.permission === undefined)
      throw new Error(`${method} ${url} names no permission and is not public`);
  });
  scope.addHook('onRequest', async (request) => {
    // Fastify makes the options of a route for each time that they are read.
    const { access, tokenInQuery = false, machines = false } = request.routeOptions.config;
    if (access === 'public') return;
    const principal = await verifier.verify(bearerToken(request, tokenInQuery));
    if (principal.isMachine && !machines) throw new AppError('forbidden', FOR_USERS);
    principals.set(request, principal);
  });
}

/** The caller. Throws `unauthenticated` on a public route, where no token is checked. */
export function principalOf(request: FastifyRequest): Principal {
  const principal = principals.get(request);
  if (!principal) throw new AppError('unauthenticated', NO_TOKEN);
  return principal;
}

/** The caller of a request that may have been refused before its token was checked. */
export function knownPrincipalOf(request: FastifyRequest): Principal | undefined {
  return principals.get(request);
}

const BEARER = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i;

/** RFC 6750 section 2.1. Section 2.3 applies only to routes that allow it, because addresses end up in logs and histories. */
function bearerToken(request: FastifyRequest, mayBeInQuery: boolean): string {
  const { authorization } = request.headers;
  const inQuery = mayBeInQuery ? queryToken(request) : undefined;
  if (authorization !== undefined && inQuery !== undefined) {
    throw new AppError('invalid_request', 'Send the access token once: as a bearer token or in the address.');
  }
  const [, token] = BEARER.exec(authorization ?? (inQuery === undefined ? '' : `Bearer ${inQuery}`)) ?? [];
  if (!token) throw new AppError('unauthenticated', NO_TOKEN);
  return token;
}

/** The token in `?access_token=`; empty, and so refused, when it is given more than once. */
function queryToken({ query }: FastifyRequest): string | undefined {
  const isQuery = typeof query === 'object' && query !== null && 'access_token' in query;
  if (!isQuery) return undefined;
  return typeof query.access_token === 'string' ? query.access_token : '';
}

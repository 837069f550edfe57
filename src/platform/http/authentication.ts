import type { FastifyRequest } from 'fastify';
import { AppError } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { TokenVerifier } from '../oidc/token-verifier.ts';
import type { HttpServer } from './server.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Without it a route of the API needs an access token. */
    readonly access?: 'public';
    /** Takes the token from `?access_token=`, too: for what a browser opens by itself, without headers. */
    readonly tokenInQuery?: true;
  }
}

const NO_TOKEN = 'Sign in and send the access token as a bearer token.';
const principals = new WeakMap<FastifyRequest, Principal>();

/**
 * Makes every route of this scope ask for an access token before its body is read, but for those marked public:
 * a route that is neither public nor names a permission stops the start.
 */
export function requireAuthentication(scope: HttpServer, verifier: TokenVerifier): void {
  scope.addHook('onRoute', ({ method, url, config }) => {
    if (config?.access !== 'public' && config?.permission === undefined)
      throw new Error(`${method} ${url} names no permission and is not public`);
  });
  scope.addHook('onRequest', async (request) => {
    // Fastify makes the options of a route for each time that they are read.
    const { access, tokenInQuery = false } = request.routeOptions.config;
    if (access === 'public') return;
    principals.set(request, await verifier.verify(bearerToken(request, tokenInQuery)));
  });
}

/** Who is calling. Throws `unauthenticated` on a public route, where nobody was asked. */
export function principalOf(request: FastifyRequest): Principal {
  const principal = principals.get(request);
  if (!principal) throw new AppError('unauthenticated', NO_TOKEN);
  return principal;
}

/** The same of a request that may have been refused before anybody was known. */
export function knownPrincipalOf(request: FastifyRequest): Principal | undefined {
  return principals.get(request);
}

const BEARER = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i;

/** RFC 6750 section 2.1; section 2.3 only where a route says so, because addresses end up in logs and histories. */
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

/** `?access_token=`, given once. */
function queryToken({ query }: FastifyRequest): string | undefined {
  const isQuery = typeof query === 'object' && query !== null && 'access_token' in query;
  if (!isQuery) return undefined;
  return typeof query.access_token === 'string' ? query.access_token : '';
}

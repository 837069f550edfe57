import type { FastifyRequest } from 'fastify';
import { AppError } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { TokenVerifier } from '../oidc/token-verifier.ts';
import type { HttpServer } from './server.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Without it a route of the API needs an access token. */
    readonly access?: 'public';
  }
}

const principals = new WeakMap<FastifyRequest, Principal>();

/**
 * Makes every route of this scope ask for an access token before its body is read, but for those marked public:
 * a route that says nothing is closed.
 */
export function requireAuthentication(scope: HttpServer, verifier: TokenVerifier): void {
  scope.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.access === 'public') return;
    principals.set(request, await verifier.verify(bearerToken(request)));
  });
}

/** Who is calling. Throws `unauthenticated` on a public route, where nobody was asked. */
export function principalOf(request: FastifyRequest): Principal {
  const principal = principals.get(request);
  if (!principal)
    throw new AppError('unauthenticated', 'Sign in and send the access token as a bearer token.');
  return principal;
}

const BEARER = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i;

/** RFC 6750 section 2.1; the other two ways of that page are not offered. */
function bearerToken(request: FastifyRequest): string {
  const [, token] = BEARER.exec(request.headers.authorization ?? '') ?? [];
  if (!token) throw new AppError('unauthenticated', 'Sign in and send the access token as a bearer token.');
  return token;
}

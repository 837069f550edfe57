import type { IncomingMessage } from 'node:http';
import { OK } from '../../kernel/http-status.ts';
import type { Shed } from './server.ts';

const MAX_AGE_S = 3_600;

/** The headers are the same on preflights and on other answers. */
const ALLOWED: readonly (readonly [string, string])[] = [
  ['access-control-allow-credentials', 'true'],
  ['access-control-allow-methods', 'GET, POST, PUT, DELETE, OPTIONS'],
  ['access-control-allow-headers', 'Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-Admission-Token'],
  // Every header that a route adds for its caller; a page of another origin can read no others.
  [
    'access-control-expose-headers',
    'Retry-After, X-Request-Id, Content-Disposition, X-Total-Count, X-Next-Cursor, Idempotent-Replayed, Allow, WWW-Authenticate',
  ],
  ['access-control-max-age', String(MAX_AGE_S)],
];

/** Paths of the embedded identity provider, which allows the origins of its clients, as Keycloak does. */
const LEFT_OUT = ['/realms/'];

/**
 * Lets pages of these origins call the API (contract section 1, https://fetch.spec.whatwg.org/#http-cors-protocol).
 * It answers preflights, and sets the headers on the plain response before any other code handles the request, so that
 * every answer has them: routes, errors, event streams, and requests shed before the routes. The service reads no cookie,
 * so requests of other origins are not refused; only their answers lack the headers.
 */
export function allowOrigins(origins: readonly string[]): Shed {
  if (origins.length === 0) return () => false;
  const allowed: ReadonlySet<string | undefined> = new Set(origins);
  return (request, response) => {
    if (LEFT_OUT.some((prefix) => request.url?.startsWith(prefix))) return false;
    const { origin } = request.headers;
    response.setHeader('vary', 'Origin');
    if (origin === undefined || !allowed.has(origin)) return false;
    response.setHeader('access-control-allow-origin', origin);
    for (const [name, value] of ALLOWED) response.setHeader(name, value);
    if (!isPreflight(request)) return false;
    response.writeHead(OK, { 'content-length': '0' }).end();
    return true;
  };
}

/** Whether this is a preflight: https://fetch.spec.whatwg.org/#cors-preflight-request */
export function isPreflight({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
}

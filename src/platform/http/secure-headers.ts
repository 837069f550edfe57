import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

const HSTS_S = 31_536_000;

/** The Content-Security-Policy of a page that needs more than nothing; its `sources` name what it loads and where it posts. */
export function pagePolicy(sources: string): string {
  return `default-src 'none'; ${sources}; base-uri 'none'; frame-ancestors 'none'`;
}

/** The source of an inline script or style with exactly this text in a Content-Security-Policy. */
export function sourceHash(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/**
 * The headers of every answer, errors included: https://owasp.org/www-project-secure-headers/. A route that may be cached, and
 * a page, which loads something, replace theirs.
 */
export const SECURE_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': pagePolicy("form-action 'none'"),
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-permitted-cross-domain-policies': 'none',
} as const;

/**
 * Sets the headers on the plain response, before any other code handles the request. `isHttpsOnly`: browsers are told to use
 * nothing but HTTPS for this host from then on.
 */
export function setSecureHeaders(isHttpsOnly: boolean): (request: IncomingMessage, response: ServerResponse) => void {
  const ofHttps = isHttpsOnly ? { 'strict-transport-security': `max-age=${HSTS_S}` } : {};
  const headers: readonly [string, string][] = Object.entries({ ...SECURE_HEADERS, ...ofHttps });
  return (_request, response) => {
    for (const [name, value] of headers) response.setHeader(name, value);
  };
}

import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { NO_CONTENT } from '../../kernel/http-status.ts';
import type { WebOrigins } from './web-origins.ts';

const FORBIDDEN = 403;
const PREFLIGHT_S = 3_600;

/** The source of an inline script or style with exactly this text in a Content-Security-Policy. */
export function sourceHash(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/**
 * Sets the headers of every answer of the provider. Its pages load nothing from other origins, cannot be framed, and post to
 * themselves; a form's answer may redirect to a listed origin. Only listed origins may call the provider, with cookies.
 */
export function protect(scope: FastifyInstance, origins: WebOrigins, styleHash: string): void {
  const policy = [
    "default-src 'none'",
    `style-src ${styleHash}`,
    // The library adds the hash of its own script to pages that submit themselves.
    'script-src',
    `form-action 'self' ${origins.list.join(' ')}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
  scope.addHook('onRequest', async (request, reply) => {
    const { raw } = reply;
    raw.setHeader('content-security-policy', policy);
    raw.setHeader('x-content-type-options', 'nosniff');
    raw.setHeader('referrer-policy', 'no-referrer');
    raw.setHeader('vary', 'Origin');
    const { origin } = request.headers;
    const isAllowed = origins.includes(origin);
    if (isAllowed && origin !== undefined) {
      raw.setHeader('access-control-allow-origin', origin);
      raw.setHeader('access-control-allow-credentials', 'true');
      raw.setHeader('access-control-expose-headers', 'WWW-Authenticate');
    }
    const isPreflight = request.headers['access-control-request-method'] !== undefined;
    if (request.method !== 'OPTIONS' || !isPreflight) return;
    if (!isAllowed) return reply.code(FORBIDDEN).send();
    return reply
      .code(NO_CONTENT)
      .headers({
        'access-control-allow-methods': 'GET, POST, OPTIONS',
        'access-control-allow-headers': 'Authorization, Content-Type',
        'access-control-max-age': PREFLIGHT_S,
      })
      .send();
  });
}

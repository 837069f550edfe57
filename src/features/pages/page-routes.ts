import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { HttpServer } from '../../platform/http/server.ts';
import { contentPolicy, type PageKind } from './content-policy.ts';
import type { PageSettings } from './schemas.ts';

export interface BuiltPages {
  /** The folder with an `index.html` for each entry, and `assets`. */
  readonly folder: string;
}

/** Addresses of the buyers' pages (contract section 12); a page reads its ids from the address. */
const BUYER_PAGES: Readonly<Record<string, PageKind>> = {
  '/': 'page',
  '/events/:eventId': 'page',
  '/sessions/:sessionId': 'page',
  '/orders/:orderId': 'payment',
  '/tickets': 'page',
  '/signed-in': 'page',
};
const YEAR_MS = 31_536_000_000;

/** Serves the pages, and the files that they load. The names of files change with their content, so browsers keep them. */
export function pageRoutes(site: HttpServer, { folder }: BuiltPages, settings: PageSettings): void {
  site.register(fastifyStatic, {
    root: join(folder, 'assets'),
    prefix: '/assets/',
    preCompressed: true,
    immutable: true,
    maxAge: YEAR_MS,
    decorateReply: false,
    index: false,
  });
  const buyer = pageOf(join(folder, 'buyer', 'index.html'), settings);
  for (const [url, kind] of Object.entries(BUYER_PAGES)) {
    site.get(url, { schema: { hide: true } }, async (request, reply) => buyer(request, reply, kind));
  }
  site.onNothing((request, reply) => {
    if (!isFromPerson(request)) return false;
    buyer(request, reply.code(404), 'page');
    return true;
  });
}

/** Sends an `index.html` with the policy of its page. Browsers ask each time whether it has changed. */
function pageOf(file: string, settings: PageSettings) {
  const html = readFileSync(file);
  const etag = `"${createHash('sha256').update(html).digest('base64url')}"`;
  return (request: FastifyRequest, reply: FastifyReply, kind: PageKind): FastifyReply => {
    reply.headers({
      'content-security-policy': contentPolicy(kind, settings),
      'cache-control': 'no-cache',
      etag,
    });
    if (request.headers['if-none-match'] === etag && reply.statusCode !== 404) return reply.code(304).send();
    return reply.type('text/html; charset=utf-8').send(html);
  };
}

/** Whether a browser navigates to the address; programs and addresses of the API get a problem document. */
function isFromPerson({ method, url, headers }: FastifyRequest): boolean {
  const wantsHtml = headers.accept?.includes('text/html') ?? false;
  return method === 'GET' && wantsHtml && !url.startsWith('/api/');
}

import type { FastifyRequest } from 'fastify';
import type { HttpServer } from '../http/server.ts';
import type { RequestSpan, Tracing } from './tracing.ts';

/** Asked every few seconds, and of nobody's interest. */
const NOT_TRACED: ReadonlySet<string> = new Set(['/healthz', '/metrics', '/api/order/health']);

/** Has every request of the server answered within a span of its own. */
export function traceRequests(server: HttpServer, tracing: Tracing): void {
  const spans = new WeakMap<FastifyRequest, RequestSpan>();
  server.addHook('onRequest', (request, _reply, done) => {
    if (NOT_TRACED.has(request.routeOptions.url ?? '')) return done();
    const span = tracing.request(request.method, request.headers);
    spans.set(request, span);
    span.run(done);
  });
  // A body is read in the context of its connection.
  server.addHook('preValidation', (request, _reply, done) => {
    const span = spans.get(request);
    if (span) span.run(done);
    else done();
  });
  server.addHook('onResponse', async (request, reply) => {
    spans.get(request)?.end(request.routeOptions.url ?? 'none', reply.statusCode);
  });
}

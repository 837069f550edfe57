import type { FastifyRequest } from 'fastify';
import type { HttpServer } from '../http/server.ts';
import type { RequestSpan, Tracing } from './tracing.ts';

/** Routes that are requested every few seconds, and whose traces are of no interest. */
const NOT_TRACED: ReadonlySet<string> = new Set(['/healthz', '/metrics', '/api/order/health']);

/** Adds a span to every request of the server. */
export function traceRequests(server: HttpServer, tracing: Tracing): void {
  const spans = new WeakMap<FastifyRequest, RequestSpan>();
  server.addHook('onRequest', (request, _reply, done) => {
    if (NOT_TRACED.has(request.routeOptions.url ?? '')) return done();
    const span = tracing.request(request.method, request.headers);
    spans.set(request, span);
    span.run(done);
  });
  // Body parsing continues in the context of the connection, so the span's context is entered again.
  server.addHook('preValidation', (request, _reply, done) => {
    const span = spans.get(request);
    if (span) span.run(done);
    else done();
  });
  server.addHook('onResponse', async (request, reply) => {
    spans.get(request)?.end(request.routeOptions.url ?? 'none', reply.statusCode);
  });
}

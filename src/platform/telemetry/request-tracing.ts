import { BlockList, isIPv6 } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { HttpServer } from '../http/server.ts';
import type { RequestSpan, Tracing } from './tracing.ts';

/** Routes that are requested every few seconds, and whose traces are of no interest. */
const NOT_TRACED: ReadonlySet<string> = new Set(['/healthz', '/metrics', '/api/order/health']);

/**
 * Adds a span to every request of the server, in the caller's trace if the connection comes from one of the networks. A
 * stranger's trace would decide what is sampled, and would be passed on to other services.
 */
export function traceRequests(
  server: HttpServer,
  tracing: Pick<Tracing, 'request'>,
  trustedNetworks: readonly string[] = [],
): void {
  const isTrusted = isAmong(trustedNetworks);
  const spans = new WeakMap<FastifyRequest, RequestSpan>();
  server.addHook('onRequest', (request, _reply, done) => {
    if (NOT_TRACED.has(request.routeOptions.url ?? '')) return done();
    const span = tracing.request(request.method, isTrusted(request.socket.remoteAddress) ? request.headers : {});
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

function isAmong(networks: readonly string[]): (address: string | undefined) => boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  // An IPv4 address that a socket for both families writes as `::ffff:10.0.0.1` matches, too.
  return (address) => address !== undefined && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

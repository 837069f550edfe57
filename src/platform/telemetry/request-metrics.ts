import { MS_PER_SECOND } from '../../kernel/clock.ts';
import type { HttpServer } from '../http/server.ts';
import type { Metrics } from './metrics.ts';

/** Routes of event streams, whose duration says nothing about the speed of the service. */
const STREAM = '/sse/';

/** Measures every request of the server by the pattern of its route, and counts requests in progress. */
export function measureRequests(server: HttpServer, metrics: Pick<Metrics, 'request' | 'underWay'>): void {
  server.addHook('onRequest', (_request, reply, done) => {
    metrics.underWay(1);
    // The one event that every response emits, also when its client has disconnected.
    reply.raw.once('close', () => metrics.underWay(-1));
    done();
  });
  server.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none';
    if (!route.includes(STREAM) || reply.statusCode >= 400) {
      const seconds = reply.elapsedTime / MS_PER_SECOND;
      metrics.request({ method: request.method, route, status: reply.statusCode, seconds });
    }
    done();
  });
}

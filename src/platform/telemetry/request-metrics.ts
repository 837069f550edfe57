import { MS_PER_SECOND } from '../../kernel/clock.ts';
import type { HttpServer } from '../http/server.ts';
import type { Metrics } from './metrics.ts';

/** How long a stream was open says nothing of how quickly it was answered. */
const STREAM = '/sse/';

/** Counts every request of the server, with its route's pattern, and those under way. */
export function measureRequests(server: HttpServer, metrics: Pick<Metrics, 'request' | 'underWay'>): void {
  server.addHook('onRequest', (_request, reply, done) => {
    metrics.underWay(1);
    // The one event that comes for every response, also when its client has gone away.
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

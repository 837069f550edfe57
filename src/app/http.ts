import { analyticsRoutes } from '../features/analytics/analytics.routes.ts';
import { auditRoutes } from '../features/audit/audit.routes.ts';
import { liveRoutes } from '../features/live/live.routes.ts';
import { boxOfficeRoutes } from '../features/orders/box-office.routes.ts';
import { orderRoutes } from '../features/orders/order.routes.ts';
import { toWireOrder } from '../features/orders/order.wire.ts';
import { paperRoutes } from '../features/paper/paper.routes.ts';
import { paymentRoutes } from '../features/payments/payment.routes.ts';
import { createQrDrawer } from '../features/tickets/qr/qr-image.ts';
import { ticketRoutes, toWireView } from '../features/tickets/ticket.routes.ts';
import { serveApiDocs } from '../platform/http/api-docs.ts';
import { requireAuthentication } from '../platform/http/authentication.ts';
import { createDrain, type Drain } from '../platform/http/drain.ts';
import { healthRoutes } from '../platform/http/health.routes.ts';
import { identityRoutes } from '../platform/http/identity.routes.ts';
import { queueRequests } from '../platform/http/queue.ts';
import { createHttpServer, type HttpServer, type Shed } from '../platform/http/server.ts';
import { metricsRoute } from '../platform/telemetry/metrics.ts';
import { metricsOfAll } from '../platform/telemetry/worker-metrics.ts';
import type { Features } from './features.ts';
import { type Base, CUT_MS } from './foundation.ts';
import { outboxLag, type Postgres, type Servers } from './servers.ts';
import { mountEmbedded } from './stand-ins.ts';

export const VERSION = '0.1.0';

/** The API, its description, health, and the embedded parts on the same port. */
export async function serveHttp(base: Base, postgres: Postgres, servers: Servers, features: Features) {
  const { config, clock, ids, log, closing, listener } = base;
  const { currency } = config;
  const drawQr = createQrDrawer();
  const { app: http, open } = createHttpServer({ server: listener.server, log, requestId: () => ids.uuid() });
  await serveApiDocs(http, VERSION);
  const opened = Promise.withResolvers<{ readonly drain: Drain; readonly shed: Shed }>();
  await http.register(async (api) => {
    const scope = api as HttpServer;
    const drain = createDrain(scope);
    const shed = queueRequests(scope, {
      places: config.PLACING_CONCURRENCY,
      maxWaitMs: config.MAX_QUEUE_MS,
      nowMs: () => performance.now(),
      onShed: features.metrics.shed,
      onWaiting: features.metrics.waiting,
    });
    opened.resolve({ drain, shed });
    requireAuthentication(scope, servers.verifier);
    const { once } = features;
    orderRoutes(scope, {
      ...features,
      async withQrCodes(order) {
        const views = await features.tickets.viewsOf(order);
        const tickets = views.map((view) => toWireView(view, currency, drawQr));
        return { ...toWireOrder(order, currency), tickets };
      },
      currency,
      maxSeatsPerOrder: config.MAX_SEATS_PER_ORDER,
    });
    boxOfficeRoutes(scope, { ...features, currency });
    paymentRoutes(scope, { ...features, currency });
    ticketRoutes(scope, { tickets: features.tickets, once, drawQr, currency });
    analyticsRoutes(scope, { ...features, currency });
    paperRoutes(scope, features.paper);
    liveRoutes(scope, features.live.streams);
    auditRoutes(scope, features.audit);
    identityRoutes(scope);
    const { text } = features.metrics;
    metricsRoute(scope, { text: config.WEB_CONCURRENCY > 1 ? metricsOfAll(text) : text });
    const inProcess = { embedded: true, check: async () => undefined };
    healthRoutes(scope, {
      database: {
        embedded: base.embedded.has('POSTGRES_DSN'),
        check: (timeoutMs) => postgres.database.ping(timeoutMs),
      },
      outboxLag: () => outboxLag(base, postgres),
      redis: { embedded: base.embedded.has('REDIS_ADDR'), check: servers.checkRedis },
      kafka: servers.kafka ? { embedded: false, check: servers.kafka.check } : inProcess,
      clock,
      version: VERSION,
      isServing: drain.isOpen,
    });
  });
  await mountEmbedded(base, servers, http);
  await http.ready();
  const { drain, shed } = await opened.promise;
  open(shed);
  await listener.listen();
  closing.add(() => http.close());
  closing.add(() => listener.close(CUT_MS));
  closing.add(async () => features.live.streams.stop());
  return { http, drain };
}

import type { EmbeddedPart } from '../config.ts';
import { analyticsRoutes } from '../features/analytics/analytics.routes.ts';
import { auditRoutes } from '../features/audit/audit.routes.ts';
import { doorRoutes } from '../features/door/door.routes.ts';
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
import { Drain } from '../platform/http/drain.ts';
import { type HealthProbe, healthRoutes } from '../platform/http/health.routes.ts';
import { identityRoutes } from '../platform/http/identity.routes.ts';
import { queueRequests } from '../platform/http/queue.ts';
import { createHttpServer, type HttpServer, type Shed } from '../platform/http/server.ts';
import { metricsRoute } from '../platform/telemetry/metrics.ts';
import { measureRequests } from '../platform/telemetry/request-metrics.ts';
import { traceRequests } from '../platform/telemetry/request-tracing.ts';
import { metricsOfAll } from '../platform/telemetry/worker-metrics.ts';
import { ERRORS } from './errors.ts';
import type { Features } from './features.ts';
import { type Base, CUT_MS, VERSION } from './foundation.ts';
import { outboxLag, readingsOf } from './readings.ts';
import { REFUSALS } from './refusals.ts';
import type { Postgres, Servers } from './servers.ts';
import { mountEmbedded } from './stand-ins.ts';

/** The API, its description, health, and the embedded parts on the same port. */
export async function serveHttp(base: Base, postgres: Postgres, servers: Servers, features: Features) {
  const { config, clock, ids, log, closing, listener } = base;
  const { currency } = config;
  const drawQr = createQrDrawer();
  const { app: http, open } = createHttpServer({
    server: listener.server,
    log,
    requestId: () => ids.uuid(),
    errors: ERRORS,
    onProblem: base.metrics.problem,
  });
  measureRequests(http, base.metrics);
  if (base.tracing) traceRequests(http, base.tracing);
  await serveApiDocs(http, VERSION, REFUSALS);
  const opened = Promise.withResolvers<{ readonly drain: Drain; readonly shed: Shed }>();
  await http.register(async (api) => {
    const scope = api as HttpServer;
    const drain = new Drain(scope);
    const limits = { places: config.PLACING_CONCURRENCY, maxWaitMs: config.MAX_QUEUE_MS };
    const shed = queueRequests(scope, limits, base.metrics);
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
    paymentRoutes(scope, { ...features, currency, publishableKey: servers.stripe.publishableKey });
    ticketRoutes(scope, { tickets: features.tickets, drawQr, currency });
    analyticsRoutes(scope, { ...features, currency });
    paperRoutes(scope, features.paper);
    doorRoutes(scope, { ...features.door, once, currency });
    liveRoutes(scope, features.live.streams);
    auditRoutes(scope, features.audit);
    identityRoutes(scope);
    const text = async () => base.metrics.text(await readingsOf(base, postgres, features));
    metricsRoute(scope, config.WEB_CONCURRENCY > 1 ? metricsOfAll(text) : text);
    healthRoutes(scope, {
      ...probesOf(base, postgres, servers),
      outboxLag: () => outboxLag(base, postgres),
      clock,
      machineClock: () => ({
        isRight: postgres.clockWatch.isRight(),
        differenceSeconds: postgres.clock.differenceSeconds(),
      }),
      version: VERSION,
      isServing: () => drain.isOpen(),
    });
  });
  await mountEmbedded(base, servers, http);
  await http.ready();
  const { drain, shed } = await opened.promise;
  open(shedOrClose(base, drain, shed));
  sayWhoMayCall(base);
  await listener.listen();
  closing.add(() => http.close());
  closing.add(() => listener.close(CUT_MS));
  closing.add(async () => features.live.streams.stop());
  return { http, drain };
}

function sayWhoMayCall({ config, log }: Base): void {
  const { corsOrigins } = config;
  if (corsOrigins.length > 0) log.info({ origins: corsOrigins }, 'pages of these origins may call the API');
  else log.info('no page of another origin may call the API: CORS_ORIGINS names none');
}

/** What is asked of each request first, as a plain one of Node's. */
function shedOrClose({ cors, metrics }: Base, drain: Drain, shed: Shed): Shed {
  return (request, response) => {
    // Whatever is asked while it leaves is the last that the connection is used for: no request meets a closed one.
    if (!drain.isOpen()) response.setHeader('connection', 'close');
    if (cors(request, response)) return true;
    if (!shed(request, response)) return false;
    metrics.problem('overloaded');
    return true;
  };
}

/** Whether each server is there; what stands in the process always is. */
function probesOf({ embedded }: Base, postgres: Postgres, servers: Servers) {
  const probe = (variable: EmbeddedPart['variable'], check: HealthProbe['check']): HealthProbe =>
    embedded.has(variable) && variable !== 'POSTGRES_DSN'
      ? { embedded: true, check: async () => undefined }
      : { embedded: embedded.has(variable), check };
  return {
    database: probe('POSTGRES_DSN', (timeoutMs) => postgres.database.ping(timeoutMs)),
    redis: probe('REDIS_ADDR', servers.checkRedis),
    kafka: probe('KAFKA_ADDR', async (timeoutMs) => servers.kafka?.check(timeoutMs)),
    identity: probe('OIDC_ISSUER', servers.checkIdentity),
    seating: probe('EVENT_SEATING_SERVICE_URL', servers.checkSeating),
    stripe: probe('STRIPE_SECRET_KEY', servers.checkStripe),
  };
}

import type { EmbeddedPart } from '../config.ts';
import { type Permission, refusalsOf } from '../features/access/index.ts';
import type { Feature } from '../platform/feature.ts';
import { serveApiDocs } from '../platform/http/api-docs.ts';
import { requireAuthentication } from '../platform/http/authentication.ts';
import { Drain } from '../platform/http/drain.ts';
import { type HealthProbe, healthRoutes } from '../platform/http/health.routes.ts';
import { identityRoutes } from '../platform/http/identity.routes.ts';
import { queueRequests } from '../platform/http/queue.ts';
import { createHttpServer, type HttpServer, type Shed } from '../platform/http/server.ts';
import { metricsRoute, type Readings } from '../platform/telemetry/metrics.ts';
import { measureRequests } from '../platform/telemetry/request-metrics.ts';
import { traceRequests } from '../platform/telemetry/request-tracing.ts';
import { metricsOfAll } from '../platform/telemetry/worker-metrics.ts';
import { CUT_MS, type Foundation, VERSION } from './foundation.ts';
import type { Ground, Postgres, Servers } from './servers.ts';
import { mountEmbedded } from './stand-ins.ts';

/** What health and metrics read from the features. */
export interface Questions {
  readonly outboxLag: () => Promise<{ readonly waiting: number; readonly seconds: number }>;
  readonly readings: () => Promise<Readings>;
}

/** Serves the routes of the features, the API description, health, metrics and the embedded parts on one port. */
export async function serveApi(
  { foundation, postgres, core, servers }: Ground,
  features: readonly Feature[],
  questions: Questions,
): Promise<{ readonly http: HttpServer; readonly drain: Drain }> {
  const { config, closing, listener, metrics, tracing } = foundation;
  const { app: http, open } = createHttpServer({
    server: listener.server,
    log: core.log,
    requestId: () => core.ids.uuid(),
    errors: foundation.errors,
    onProblem: metrics.problem,
  });
  measureRequests(http, metrics);
  if (tracing) traceRequests(http, tracing, config.TRUSTED_TRACE_NETWORKS);
  await serveApiDocs(http, VERSION, (permission) => refusalsOf(permission as Permission));
  const opened = Promise.withResolvers<{ readonly drain: Drain; readonly shed: Shed }>();
  await http.register(async (api) => {
    const scope = api as HttpServer;
    const drain = new Drain(scope);
    const limits = { places: config.PLACING_CONCURRENCY, maxWaitMs: config.MAX_QUEUE_MS };
    const shed = queueRequests(scope, limits, metrics);
    opened.resolve({ drain, shed });
    requireAuthentication(scope, servers.verifier);
    for (const feature of features) feature.routes?.(scope);
    identityRoutes(scope);
    const text = async () => metrics.text(await questions.readings());
    metricsRoute(scope, config.WEB_CONCURRENCY > 1 ? metricsOfAll(text) : text);
    healthRoutes(scope, {
      ...probesOf(foundation, postgres, servers),
      outboxLag: questions.outboxLag,
      clock: core.clock,
      machineClock: () => ({
        isRight: postgres.clockWatch.isRight(),
        differenceSeconds: postgres.clock.differenceSeconds(),
      }),
      version: VERSION,
      isServing: () => drain.isOpen(),
    });
  });
  for (const feature of features) feature.pages?.(http);
  await mountEmbedded(foundation, core, servers, http);
  await http.ready();
  const { drain, shed } = await opened.promise;
  open(shedOrClose(foundation, drain, shed));
  logOrigins(foundation);
  await listener.listen();
  closing.add(() => http.close());
  closing.add(() => listener.close(CUT_MS));
  closing.add(async () => {
    for (const feature of features) feature.stop?.();
  });
  return { http, drain };
}

function logOrigins({ config, log }: Foundation): void {
  const { corsOrigins } = config;
  if (corsOrigins.length > 0) log.info({ origins: corsOrigins }, 'pages of these origins may call the API');
  else log.info('no page of another origin may call the API: CORS_ORIGINS names none');
}

/** Answers requests that must not reach the routes: preflights of CORS and requests that are shed. */
function shedOrClose({ first, metrics }: Foundation, drain: Drain, shed: Shed): Shed {
  return (request, response) => {
    // While the process stops, each request is the last of its connection, so that no request meets a closed connection.
    if (!drain.isOpen()) response.setHeader('connection', 'close');
    if (first(request, response)) return true;
    if (!shed(request, response)) return false;
    metrics.problem('overloaded');
    return true;
  };
}

/** The health probe of each server; a part that is embedded in the process is always available. */
function probesOf({ embedded }: Foundation, { database }: Postgres, servers: Servers) {
  const probe = (variable: EmbeddedPart['variable'], check: HealthProbe['check']): HealthProbe =>
    embedded.has(variable) && variable !== 'POSTGRES_DSN'
      ? { embedded: true, check: async () => undefined }
      : { embedded: embedded.has(variable), check };
  return {
    database: probe('POSTGRES_DSN', (timeoutMs) => database.ping(timeoutMs)),
    redis: probe('REDIS_ADDR', servers.checkRedis),
    kafka: probe('KAFKA_ADDR', async (timeoutMs) => servers.kafka?.check(timeoutMs)),
    identity: probe('OIDC_ISSUER', servers.checkIdentity),
    seating: probe('EVENT_SEATING_SERVICE_URL', servers.checkSeating),
    stripe: probe('STRIPE_SECRET_KEY', servers.checkStripe),
  };
}

import { randomUUID, randomUUIDv7 } from 'node:crypto';
import { resolve } from 'node:path';
import type { DestinationStream, Logger } from 'pino';
import { type Config, type EmbeddedPart, embeddedParts, realParts } from '../config.ts';
import { claimDataDir } from '../embedded/data-dir.ts';
import type { EmbeddedEventLog } from '../embedded/event-log.ts';
import { type Clock, instant } from '../kernel/clock.ts';
import type { OnFailure } from '../kernel/failures.ts';
import { createIdSource, type IdSource } from '../kernel/ids.ts';
import { NO_TRACES } from '../kernel/trace.ts';
import type { Core, Watch } from '../platform/core.ts';
import { allowOrigins } from '../platform/http/cors.ts';
import { bind, bindLater } from '../platform/http/listener.ts';
import { setSecureHeaders } from '../platform/http/secure-headers.ts';
import type { Shed } from '../platform/http/server.ts';
import { answerWhileStarting } from '../platform/http/starting.ts';
import { Bells } from '../platform/jobs/bells.ts';
import { createLog } from '../platform/telemetry/log.ts';
import { createMetrics } from '../platform/telemetry/metrics.ts';
import { Output, standardSink } from '../platform/telemetry/output.ts';
import { startTracing, type Tracing } from '../platform/telemetry/tracing.ts';
import { ERRORS } from './errors.ts';
import { logWarnings } from './warnings.ts';

/** Replacements that tests and the simulator give. */
export interface Overrides {
  /** Replaces the database's time. */
  readonly clock?: Clock;
  /** Replaces the machine's clock, which is only compared with the database's. */
  readonly processClock?: Clock;
  readonly ids?: IdSource;
  /** The destination of log lines. */
  readonly logTo?: DestinationStream | Output;
  /** Replaces Kafka or the event log inside the process. */
  readonly eventLog?: EmbeddedEventLog;
  /** Wraps everything that has an effect: the database, and every call to another process. */
  readonly watch?: Watch;
}

/** The variable that configures each server of the health answer. */
const VARIABLE_OF = {
  database: 'POSTGRES_DSN',
  redis: 'REDIS_ADDR',
  kafka: 'KAFKA_ADDR',
  identity: 'OIDC_ISSUER',
  seating: 'EVENT_SEATING_SERVICE_URL',
  stripe: 'STRIPE_SECRET_KEY',
} as const;

/** Connections still open after this long are streams or idle clients, and are cut. */
export const CUT_MS = 500;

const STDOUT = 1;

export const VERSION = '0.1.0';

export interface Closing {
  readonly add: (close: () => Promise<void>) => void;
  readonly run: () => Promise<void>;
}

export function closeInReverse(): Closing {
  const closers: (() => Promise<void>)[] = [];
  return {
    add: (close) => closers.push(close),
    async run() {
      for (let close = closers.pop(); close; close = closers.pop()) await close();
    },
  };
}

export const systemClock: Clock = { now: () => instant(Date.now()) };
export const newIds = createIdSource(() => performance.timeOrigin + performance.now(), randomUUID);

export type Foundation = Awaited<ReturnType<typeof layFoundation>>;

/** Builds what everything else stands on: ids, the log, the port, the data folder and metrics. */
export async function layFoundation(config: Config, overrides: Overrides, closing: Closing) {
  const beganMs = performance.now();
  const ids = overrides.ids ?? newIds;
  const logTo = overrides.logTo ?? new Output(standardSink(STDOUT));
  const tracing = await tracingOf(config, (error) => log.warn({ err: error }, 'traces could not be sent'));
  const log: Logger = createLog(config.LOG_LEVEL, logTo, tracing?.ids);
  if (tracing) closing.add(tracing.close);
  const first = seesFirst(config);
  const embedded = new Set(embeddedParts(config).map((part) => part.variable));
  // PostgreSQL's time is not known yet.
  const starting = answerWhileStarting({
    requestId: () => ids.uuid(),
    clock: overrides.clock ?? systemClock,
    version: VERSION,
    isEmbedded: (part) => embedded.has(VARIABLE_OF[part]),
  });
  const listener = await listenerOf(config, first, starting);
  closing.add(() => listener.close(CUT_MS));
  // Without embedded parts nothing is written there: the file system may be read-only.
  if (embedded.size > 0 || config.QR_SECRET_KEY === undefined) {
    const claim = await claimDataDir(config.DATA_DIR);
    closing.add(() => claim.release());
  }
  logStart(log, config);
  // The process that supervises workers logs these once for all of them.
  if (config.WEB_CONCURRENCY === 1) logWarnings(log, config);
  const bells = new Bells();
  return {
    config,
    overrides,
    closing,
    ids,
    log,
    /** Milliseconds since the start of the service began. */
    upMs: () => Math.round(performance.now() - beganMs),
    /** Log lines that were dropped because their reader stalled. */
    droppedLines: () => (logTo instanceof Output ? logTo.dropped() : 0),
    listener,
    first,
    embedded,
    dataDir: resolve(config.DATA_DIR),
    ...urlsOf(config, listener.port),
    errors: ERRORS,
    metrics: createMetrics(VERSION, Object.keys(ERRORS)),
    /** Undefined unless OTEL_EXPORTER_OTLP_ENDPOINT is set. */
    tracing,
    traces: tracing ?? NO_TRACES,
    watch: overrides.watch ?? ((_name, port) => port),
    bells,
    bell: (job: string) => bells.of(job),
    failed: failuresTo(log),
  };
}

/** Sees every request first: sets the headers that every answer has, and answers preflights. */
function seesFirst({ NODE_ENV, corsOrigins }: Config): Shed {
  const setHeaders = setSecureHeaders(NODE_ENV === 'production');
  const cors = allowOrigins(corsOrigins);
  return (request, response) => {
    setHeaders(request, response);
    return cors(request, response);
  };
}

/**
 * The port. It answers `starting` from now on, except in a worker: a worker that shares the port receives its share of
 * requests as soon as it listens, so it listens last.
 */
function listenerOf(
  { PORT, listenHost, WEB_CONCURRENCY }: Config,
  first: Shed,
  starting: ReturnType<typeof answerWhileStarting>,
) {
  if (WEB_CONCURRENCY > 1) return bindLater(PORT, listenHost);
  return bind(PORT, listenHost, (request, response) => {
    if (!first(request, response)) starting(request, response);
  });
}

/** The addresses at which this process reaches its own embedded parts, and at which people reach it. */
function urlsOf({ listenHost, PUBLIC_URL }: Config, port: number) {
  const selfHost = ['', '0.0.0.0', '::'].includes(listenHost) ? '127.0.0.1' : listenHost;
  return { selfUrl: `http://${selfHost}:${port}`, publicUrl: PUBLIC_URL || `http://localhost:${port}` };
}

/** Reports failures of a background job by the job's name. */
function failuresTo(log: Logger): (job: string) => OnFailure {
  return (job) =>
    (error, about = {}) =>
      log.error({ job, ...about, err: error }, 'background work failed');
}

/** What features are built on, once the database is open. */
export function createCore(foundation: Foundation, { database, clock }: Pick<Core, 'database' | 'clock'>): Core {
  const { ids, log, metrics, traces, watch, bell, failed, closing } = foundation;
  return { database, clock, ids, log, metrics, traces, watch, bell, failed, onClose: closing.add };
}

/** The first log line of a start: version, workers, real and embedded servers. */
export function logStart(log: Logger, config: Config): void {
  const named = (parts: readonly EmbeddedPart[]) => parts.map(({ name }) => name);
  log.info(
    {
      version: VERSION,
      node: process.versions.node,
      workers: config.WEB_CONCURRENCY,
      real: named(realParts(config)),
      embedded: named(embeddedParts(config)),
      host: config.listenHost || 'all addresses',
    },
    'ms-ticketing starts',
  );
}

/** Logs that the service is up, with its address; for workers the supervising process logs the address. */
export function reportUp({ config, log, publicUrl, listener, upMs }: Foundation): void {
  const line = { port: listener.port, ms: upMs() };
  if (config.WEB_CONCURRENCY > 1) log.info(line, 'worker is up');
  else log.info(line, upAt(publicUrl, line.ms));
}

/** The log line that tools wait for. */
export function upAt(url: string, ms: number): string {
  return `ms-ticketing is up: ${url} after ${ms} ms`;
}

/** Logs a line for each migration that was applied. */
export function logMigrations(log: Logger, applied: readonly string[]): void {
  for (const migration of applied) log.info({ migration }, 'migration applied');
}

/** OpenTelemetry when an endpoint is configured; otherwise its packages are not loaded. */
async function tracingOf(config: Config, onError: (error: unknown) => void): Promise<Tracing | undefined> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: ratio } = config;
  if (endpoint === undefined) return undefined;
  return startTracing({ endpoint, ratio, version: VERSION, instanceId: randomUUIDv7(), onError });
}

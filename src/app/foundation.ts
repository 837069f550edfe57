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
import { answerWhileStarting } from '../platform/http/starting.ts';
import { type Bell, createBell } from '../platform/jobs/poller.ts';
import { createLog } from '../platform/telemetry/log.ts';
import { createMetrics } from '../platform/telemetry/metrics.ts';
import { createOutput, isOutput, type Output, standardSink } from '../platform/telemetry/output.ts';
import { startTracing, type Tracing } from '../platform/telemetry/tracing.ts';
import { ERRORS } from './errors.ts';

/** What tests and the simulator own in place of the real thing. */
export interface Overrides {
  /** In place of the database's time. */
  readonly clock?: Clock;
  /** In place of this machine's clock, which is compared with the database's and decides nothing. */
  readonly processClock?: Clock;
  readonly ids?: IdSource;
  /** Where log lines go. */
  readonly logTo?: DestinationStream | Output;
  /** The log of events in place of the one in the process. */
  readonly eventLog?: EmbeddedEventLog;
  /** Stands around everything with an effect: the database, and whatever is called outside of the process. */
  readonly watch?: Watch;
}

/** The variable that names the server of each part of a health answer. */
const VARIABLE_OF = {
  database: 'POSTGRES_DSN',
  redis: 'REDIS_ADDR',
  kafka: 'KAFKA_ADDR',
  identity: 'OIDC_ISSUER',
  seating: 'EVENT_SEATING_SERVICE_URL',
  stripe: 'STRIPE_SECRET_KEY',
} as const;

/** What is still connected after that is a stream or an idle client. */
export const CUT_MS = 500;

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

/** Ids, log, the port and the data folder: what everything else is built on. */
export async function layFoundation(config: Config, overrides: Overrides, closing: Closing) {
  const ids = overrides.ids ?? newIds;
  const beganMs = performance.now();
  const logTo = overrides.logTo ?? createOutput(standardSink(1));
  const tracing = await tracingOf(config, (error) => log.warn({ err: error }, 'traces could not be sent'));
  const log: Logger = createLog(config.LOG_LEVEL, logTo, tracing?.ids);
  if (tracing) closing.add(tracing.close);
  // A worker that shares the port takes its share of requests from the moment it listens, so it does that last.
  const cors = allowOrigins(config.corsOrigins);
  const embedded = new Set(embeddedParts(config).map((part) => part.variable));
  const starting = answerWhileStarting({
    requestId: () => ids.uuid(),
    // The database was not asked for its time yet.
    clock: overrides.clock ?? systemClock,
    version: VERSION,
    isEmbedded: (part) => embedded.has(VARIABLE_OF[part]),
  });
  const listener = await (config.WEB_CONCURRENCY > 1
    ? bindLater(config.PORT, config.HOST)
    : bind(config.PORT, config.HOST, (request, response) => {
        if (!cors(request, response)) starting(request, response);
      }));
  closing.add(() => listener.close(CUT_MS));
  // A service that keeps nothing there writes nowhere: its file system may be read-only.
  if (embedded.size > 0 || config.QR_SECRET_KEY === undefined) {
    const claim = await claimDataDir(config.DATA_DIR);
    closing.add(() => claim.release());
  }
  logStart(log, config);
  const selfHost = ['', '0.0.0.0', '::'].includes(config.HOST) ? '127.0.0.1' : config.HOST;
  return {
    config,
    ids,
    log,
    /** Since this service began to start. */
    upMs: () => Math.round(performance.now() - beganMs),
    /** Log lines that nobody read. */
    droppedLines: () => (isOutput(logTo) ? logTo.dropped() : 0),
    closing,
    listener,
    /** Sees every request first. */
    cors,
    embedded,
    dataDir: resolve(config.DATA_DIR),
    /** How this process reaches its own embedded parts. */
    selfUrl: `http://${selfHost}:${listener.port}`,
    publicUrl: config.PUBLIC_URL || `http://localhost:${listener.port}`,
    overrides,
    errors: ERRORS,
    metrics: createMetrics(VERSION, Object.keys(ERRORS)),
    /** Absent where nothing is traced. */
    tracing,
    traces: tracing ?? NO_TRACES,
    watch: overrides.watch ?? ((_name, port) => port),
    /** The bell of a job by its name. */
    bell: bellsByName(),
    /** Reports failures of a background job, by its name. */
    failed:
      (job: string): OnFailure =>
      (error, about = {}) =>
        log.error({ job, ...about, err: error }, 'background work failed'),
  };
}

function bellsByName(): (job: string) => Bell {
  const bells = new Map<string, Bell>();
  return (job) => {
    const bell = bells.get(job) ?? createBell();
    bells.set(job, bell);
    return bell;
  };
}

/** What features stand on, once the database is open. */
export function createCore(
  foundation: Foundation,
  { database, clock }: Pick<Core, 'database' | 'clock'>,
): Core {
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
    },
    'ms-ticketing starts',
  );
}

/** Logs that it answers, and where; a worker leaves the address to the process that supervises it. */
export function reportUp({ config, log, publicUrl, listener, upMs }: Foundation): void {
  const line = { port: listener.port, ms: upMs() };
  if (config.WEB_CONCURRENCY > 1) log.info(line, 'worker is up');
  else log.info(line, upAt(publicUrl, line.ms));
}

/** The words of the line that tools wait for. */
export function upAt(url: string, ms: number): string {
  return `ms-ticketing is up: ${url} after ${ms} ms`;
}

/** A line for each migration that was applied. */
export function logMigrations(log: Logger, applied: readonly string[]): void {
  for (const migration of applied) log.info({ migration }, 'migration applied');
}

/** OpenTelemetry, where an endpoint is named; else none of it is loaded. */
async function tracingOf(config: Config, onError: (error: unknown) => void): Promise<Tracing | undefined> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: ratio } = config;
  if (endpoint === undefined) return undefined;
  return startTracing({ endpoint, ratio, version: VERSION, instanceId: randomUUIDv7(), onError });
}

import { randomUUID, randomUUIDv7 } from 'node:crypto';
import { resolve } from 'node:path';
import { type DestinationStream, destination, type Logger } from 'pino';
import { type Config, embeddedParts } from '../config.ts';
import { claimDataDir } from '../embedded/data-dir.ts';
import type { EmbeddedEventLog } from '../embedded/event-log.ts';
import { type Clock, instant } from '../kernel/clock.ts';
import { createIdSource, type IdSource } from '../kernel/ids.ts';
import { NO_TRACES } from '../kernel/trace.ts';
import { allowOrigins } from '../platform/http/cors.ts';
import { bind, bindLater } from '../platform/http/listener.ts';
import { createBell } from '../platform/jobs/poller.ts';
import { createBells } from '../platform/jobs/wake.ts';
import { createLog } from '../platform/telemetry/log.ts';
import { createMetrics } from '../platform/telemetry/metrics.ts';
import { startTracing, type Tracing } from '../platform/telemetry/tracing.ts';

/** What tests and the simulator own in place of the real thing. */
export interface Overrides {
  /** In place of the database's time. */
  readonly clock?: Clock;
  /** In place of this machine's clock, which is compared with the database's and decides nothing. */
  readonly processClock?: Clock;
  readonly ids?: IdSource;
  /** Where log lines go. */
  readonly logTo?: DestinationStream;
  /** The log of events in place of the one in the process. */
  readonly eventLog?: EmbeddedEventLog;
  /** Stands around everything with an effect: the database, and whatever is called outside of the process. */
  readonly watch?: Watch;
}

/** Gives a port back that does the same, and may be watched or stopped on the way. */
export type Watch = <Port extends object>(name: string, port: Port) => Port;

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
/** With the time of the database, which is open by then: nothing before it has a "now". */
export type Base = Foundation & { readonly clock: Clock };

/** Ids, log, the port and the data folder: what everything else is built on. */
export async function layFoundation(config: Config, overrides: Overrides, closing: Closing) {
  const ids = overrides.ids ?? newIds;
  const logTo = overrides.logTo ?? destination({ dest: 1, sync: false });
  const tracing = await tracingOf(config, (error) => log.warn({ err: error }, 'traces could not be sent'));
  const log: Logger = createLog(config.LOG_LEVEL, logTo, tracing?.ids);
  if (tracing) closing.add(tracing.close);
  // A worker that shares the port takes its share of requests from the moment it listens, so it does that last.
  const cors = allowOrigins(config.corsOrigins);
  const listener =
    config.WEB_CONCURRENCY > 1
      ? await bindLater(config.PORT, config.HOST)
      : await bind(config.PORT, config.HOST, cors);
  closing.add(() => listener.close(CUT_MS));
  const embedded = new Set(embeddedParts(config).map((part) => part.variable));
  // A service that keeps nothing there writes nowhere: its file system may be read-only.
  if (embedded.size > 0 || config.QR_SECRET_KEY === undefined) {
    const claim = await claimDataDir(config.DATA_DIR);
    closing.add(() => claim.release());
  }
  const selfHost = ['', '0.0.0.0', '::'].includes(config.HOST) ? '127.0.0.1' : config.HOST;
  return {
    config,
    ids,
    log,
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
    metrics: createMetrics(),
    /** Absent where nothing is traced. */
    tracing,
    traces: tracing ?? NO_TRACES,
    watch: overrides.watch ?? ((_name, port) => port),
    /** What stored rows wake. */
    bells: createBells(),
    feedBell: createBell(),
    listenBell: createBell(),
    onError: (error: unknown) => log.error({ err: error }, 'background work failed'),
  };
}

/** OpenTelemetry, where an endpoint is named; else none of it is loaded. */
async function tracingOf(config: Config, onError: (error: unknown) => void): Promise<Tracing | undefined> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: ratio } = config;
  if (endpoint === undefined) return undefined;
  return startTracing({ endpoint, ratio, version: VERSION, instanceId: randomUUIDv7(), onError });
}

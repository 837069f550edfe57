import type { Logger } from 'pino';
import type { Clock } from '../kernel/clock.ts';
import type { OnFailure } from '../kernel/failures.ts';
import type { IdSource } from '../kernel/ids.ts';
import type { Traces } from '../kernel/trace.ts';
import type { Bell } from './jobs/poller.ts';
import type { Database } from './postgres/database.ts';
import type { Metrics } from './telemetry/metrics.ts';

/** Returns a wrapper of the port with the same behaviour. Tests use it to observe or interrupt every effect. */
export type Watch = <Port extends object>(name: string, port: Port) => Port;

/** What every feature is built on. A feature takes what it needs when it is built, and never passes the whole core on. */
export interface Core {
  /** It also has the currency, and the trace of the current work. */
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly traces: Traces;
  readonly watch: Watch;
  /** The bell of a background job, by the job's name; ringing it makes the job's next turn start at once. */
  bell(job: string): Bell;
  /** Reports failures inside a turn of a background job that do not end the turn. */
  failed(job: string): OnFailure;
  /** Registers a function that runs when the process stops; the functions run in reverse order. */
  onClose(close: () => Promise<void>): void;
}

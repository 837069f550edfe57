import type { Logger } from 'pino';
import type { Clock } from '../kernel/clock.ts';
import type { OnFailure } from '../kernel/failures.ts';
import type { IdSource } from '../kernel/ids.ts';
import type { Traces } from '../kernel/trace.ts';
import type { Bell } from './jobs/poller.ts';
import type { Database } from './postgres/database.ts';
import type { Metrics } from './telemetry/metrics.ts';

/** Gives a port back that does the same, and may be watched or stopped on the way: how tests stand around every effect. */
export type Watch = <Port extends object>(name: string, port: Port) => Port;

/** What every feature stands on. A feature takes from it what it needs when it is built, and passes it on to nobody. */
export interface Core {
  /** Knows the currency and the trace of the work under way. */
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly traces: Traces;
  readonly watch: Watch;
  /** The bell of a background job, by the job's name: who rings it brings its next turn forward. */
  bell(job: string): Bell;
  /** Reports failures of a background job that go on inside of a turn. */
  failed(job: string): OnFailure;
  /** Closes something at the end of the process, in reverse order of these calls. */
  onClose(close: () => Promise<void>): void;
}

import { isatty } from 'node:tty';
import type { Logger } from 'pino';
import { logWarnings } from './app/warnings.ts';
import { buildApp, logMigrations, logStart, STOP_TIMEOUT_MS, upAt } from './app.ts';
import { banner, help } from './banner.ts';
import { type Config, ConfigError, readConfig } from './config.ts';
import { DataDirInUse } from './embedded/data-dir.ts';
import { MS_PER_SECOND } from './kernel/clock.ts';
import { PortTaken } from './platform/http/listener.ts';
import { DatabaseNotUsable } from './platform/postgres/startup.ts';
import { createLog } from './platform/telemetry/log.ts';
import { Output, standardSink } from './platform/telemetry/output.ts';
import { redacted } from './platform/telemetry/redaction.ts';
import { isWorker, prepareForWorkers, reportUp, superviseWorkers } from './workers.ts';

const FAILED = 1;
const FORCED = 130;
/** A signal that comes again within this time is the same one, forwarded; no user is as fast. */
const REPEATED_SIGNAL_MS = 50;
const STDOUT = 1;
/** The supervisor kills workers that have not stopped this long before its own stop timeout. */
const WORKERS_CUT_BEFORE_MS = 1_000;
/** Maximum wait for the last log lines to be read, so that a stalled reader does not keep the process alive. */
const FLUSH_TIMEOUT_MS = 500;

const output = new Output(standardSink(STDOUT));

/** The process: read the configuration, start, wait for a signal, stop cleanly. */
async function main(): Promise<void> {
  if (process.argv.includes('--help')) {
    process.stdout.write(help());
    return;
  }
  const config = readConfig(process.env);
  const stopEnding = endOnSignal(config);
  if (config.WEB_CONCURRENCY > 1 && !isWorker) return supervise(config, stopEnding);
  const app = await buildApp(config, { logTo: output });
  stopEnding();
  stopOnSignal(config, app.log, app.close);
  app.start();
  if (isWorker) reportUp();
  else greet(config, app.url);
}

/** Supervises several workers on one port. `stopEnding` is called as soon as an orderly stop is possible. */
async function supervise(config: Config, stopEnding: () => void): Promise<void> {
  const beganMs = performance.now();
  const log = createLog(config.LOG_LEVEL, output);
  logStart(log, config);
  logWarnings(log, config);
  const { port, migrations } = await prepareForWorkers(config, log);
  logMigrations(log, migrations);
  const workers = superviseWorkers(config.WEB_CONCURRENCY, port, (death) =>
    log.error(death, 'a worker ended; another one is started'),
  );
  // Before the workers are up, because a stop may be requested during a long start.
  stopEnding();
  stopOnSignal(config, log, async (delayMs) => {
    const isInTime = await workers.stop(delayMs + STOP_TIMEOUT_MS - WORKERS_CUT_BEFORE_MS);
    if (!isInTime) throw new StopCut('Workers that had not stopped in time were killed.');
  });
  if (!(await workers.up)) return;
  const url = config.PUBLIC_URL || `http://localhost:${port}`;
  const ms = Math.round(performance.now() - beganMs);
  log.info({ port, ms }, upAt(url, ms));
  greet(config, url);
}

/** Shows the banner at a terminal. Programs read the log. */
function greet(config: Config, url: string): void {
  if (isatty(STDOUT) && config.NODE_ENV !== 'production') output.write(banner(config, url));
}

/**
 * Ends the process on a signal during the start, for example while it waits for PostgreSQL, until the returned function is
 * called. Without a listener, process 1 of a container would ignore the signal.
 */
function endOnSignal(config: Config): () => void {
  // A worker is ended by its supervisor.
  if (isWorker) return () => undefined;
  const stop = (signal: NodeJS.Signals) => {
    createLog(config.LOG_LEVEL, output).info({ signal }, 'told to stop before it was up');
    void end(0);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return () => {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  };
}

/** The stop was not orderly. */
class StopCut extends Error {}

/** Calls `close` on a signal, with the delay that load balancers need to stop sending requests here. */
function stopOnSignal(config: Config, log: Logger, close: (delayMs: number) => Promise<void>): void {
  let stopping = false;
  let stoppingSinceMs = 0;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) {
      // A signal to the whole process group arrives twice: directly, and through npm or the supervisor.
      if (isWorker || performance.now() - stoppingSinceMs < REPEATED_SIGNAL_MS) return;
      log.warn({ signal }, 'told to stop a second time: the process ends at once');
      // The user does not want to wait, and PostgreSQL recovers from a crash.
      process.exit(FORCED);
    }
    stopping = true;
    stoppingSinceMs = performance.now();
    // Ctrl-C is used without a load balancer, so there is no delay.
    const delayMs = signal === 'SIGINT' ? 0 : config.DRAIN_DELAY_SECONDS * MS_PER_SECOND;
    const beganMs = performance.now();
    const took = () => ({ ms: Math.round(performance.now() - beganMs) });
    log.info({ signal, delayMs }, 'told to stop');
    setTimeout(() => {
      log.error(took(), 'the stop took too long and was cut short');
      process.exit(FAILED);
    }, delayMs + STOP_TIMEOUT_MS).unref();
    close(delayMs).then(
      () => {
        log.info(took(), 'stopped');
        return end(0);
      },
      (error: unknown) => {
        log.error({ ...took(), err: error }, 'stopped, but not in order');
        return fail(error);
      },
    );
  };
  // Ctrl-C in a terminal also reaches workers, which wait for the signal of their supervisor.
  process.on('SIGINT', isWorker ? () => undefined : stop);
  process.on('SIGTERM', stop);
}

/** Prints the error and ends the process. An error that the operator can correct is one clear line. */
async function fail(error: unknown): Promise<never> {
  process.stderr.write(`${explain(error)}\n`);
  return end(FAILED);
}

async function end(code: number): Promise<never> {
  await output.flush(FLUSH_TIMEOUT_MS);
  process.exit(code);
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return redacted(String(error));
  const isClear = [ConfigError, PortTaken, DataDirInUse, DatabaseNotUsable, StopCut].some(
    (kind) => error instanceof kind,
  );
  return isClear ? error.message : redacted(`ms-ticketing could not start: ${error.message}`);
}

await main().catch(fail);

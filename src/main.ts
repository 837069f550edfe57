import { isatty } from 'node:tty';
import type { Logger } from 'pino';
import { buildApp, logMigrations, logStart, STOP_TIMEOUT_MS, upAt } from './app.ts';
import { banner, help } from './banner.ts';
import { type Config, ConfigError, readConfig } from './config.ts';
import { DataDirInUse } from './embedded/data-dir.ts';
import { MS_PER_SECOND } from './kernel/clock.ts';
import { PortTaken } from './platform/http/listener.ts';
import { DatabaseNotUsable } from './platform/postgres/startup.ts';
import { createLog } from './platform/telemetry/log.ts';
import { createOutput, standardSink } from './platform/telemetry/output.ts';
import { redacted } from './platform/telemetry/redaction.ts';
import { isWorker, prepareForWorkers, superviseWorkers, tellUp } from './workers.ts';

const FAILED = 1;
const FORCED = 130;
const STDOUT = 1;
/** Workers that have not stopped are cut off this long before the process that supervises them ends itself. */
const WORKERS_CUT_BEFORE_MS = 1_000;
/** The last lines have this long to be read; a reader that has stalled does not keep the process. */
const FLUSH_TIMEOUT_MS = 500;

const output = createOutput(standardSink(STDOUT));

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
  if (isWorker) tellUp();
  else greet(config, app.url);
}

/** Several of them, on one port; `stopEnding` is called when there is something to stop in order. */
async function supervise(config: Config, stopEnding: () => void): Promise<void> {
  const beganMs = performance.now();
  const log = createLog(config.LOG_LEVEL, output);
  logStart(log, config);
  const { port, migrations } = await prepareForWorkers(config, log);
  logMigrations(log, migrations);
  const workers = superviseWorkers(config.WEB_CONCURRENCY, port, (death) =>
    log.error(death, 'a worker ended; another takes its place'),
  );
  // Before they are up: a stop may be asked for at any moment of a long start.
  stopEnding();
  stopOnSignal(config, log, async (delayMs) => {
    const isInTime = await workers.stop(delayMs + STOP_TIMEOUT_MS - WORKERS_CUT_BEFORE_MS);
    if (!isInTime) throw new StopCut('Workers that had not stopped in time were cut off.');
  });
  if (!(await workers.up)) return;
  const url = config.PUBLIC_URL || `http://localhost:${port}`;
  const ms = Math.round(performance.now() - beganMs);
  log.info({ port, ms }, upAt(url, ms));
  greet(config, url);
}

/** What a person at a terminal reads; anything else reads the log. */
function greet(config: Config, url: string): void {
  if (isatty(STDOUT) && config.NODE_ENV !== 'production') output.write(banner(config, url));
}

/**
 * Ends the process on a signal while there is nothing to stop in order yet, such as while it waits for PostgreSQL, until
 * the function that it returns is called. As the first process of a container it would be deaf to signals without this.
 */
function endOnSignal(config: Config): () => void {
  // The one that supervises a worker ends it.
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

/** Not everything could be stopped in order. */
class StopCut extends Error {}

/** `close` has the delay that balancers need to see that nothing more is to be sent here. */
function stopOnSignal(config: Config, log: Logger, close: (delayMs: number) => Promise<void>): void {
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) {
      // What signals a whole group tells a worker twice: once itself, once through the process that supervises it.
      if (isWorker) return;
      log.warn({ signal }, 'told to stop a second time: ends at once');
      // A second Ctrl-C is somebody in a hurry; PostgreSQL recovers from it.
      process.exit(FORCED);
    }
    stopping = true;
    // Ctrl-C is a person, and no balancer sends anything here.
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
  // Ctrl-C in a terminal reaches workers, too; they wait for the word of the process that supervises them.
  process.on('SIGINT', isWorker ? () => undefined : stop);
  process.on('SIGTERM', stop);
}

/** One clear line for what an operator can mend; the stack only for what they cannot. */
async function fail(error: unknown): Promise<never> {
  process.stderr.write(`${explain(error)}\n`);
  return end(FAILED);
}

async function end(code: number): Promise<never> {
  await output.flush(FLUSH_TIMEOUT_MS);
  process.exit(code);
}

function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.problems.join('\n');
  if (
    error instanceof PortTaken ||
    error instanceof DataDirInUse ||
    error instanceof DatabaseNotUsable ||
    error instanceof StopCut
  )
    return error.message;
  return redacted(error instanceof Error ? `ms-ticketing could not start: ${error.message}` : String(error));
}

await main().catch(fail);

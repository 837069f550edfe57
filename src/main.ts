import { buildApp, STOP_TIMEOUT_MS } from './app.ts';
import { banner, help } from './banner.ts';
import { type Config, ConfigError, readConfig } from './config.ts';
import { DataDirInUse } from './embedded/data-dir.ts';
import { PortTaken } from './platform/http/listener.ts';
import { DatabaseNotUsable } from './platform/postgres/startup.ts';
import { redacted } from './platform/telemetry/redaction.ts';
import { isWorker, prepareForWorkers, superviseWorkers, tellUp } from './workers.ts';

const FAILED = 1;
const FORCED = 130;
/** Workers that have not stopped are cut off this long before the process that supervises them ends itself. */
const WORKERS_CUT_BEFORE_MS = 1_000;

/** The process: read the configuration, start, wait for a signal, stop cleanly. */
async function main(): Promise<void> {
  if (process.argv.includes('--help')) {
    process.stdout.write(help());
    return;
  }
  const config = readConfig(process.env);
  if (config.WEB_CONCURRENCY > 1 && !isWorker) return supervise(config);
  const app = await buildApp(config);
  stopOnSignal(() => app.close());
  app.start();
  if (isWorker) tellUp();
  else process.stdout.write(banner(config, app.url));
}

/** Several of them, on one port. */
async function supervise(config: Config): Promise<void> {
  const port = await prepareForWorkers(config);
  const workers = superviseWorkers(config.WEB_CONCURRENCY, port);
  // Before they are up: a stop may be asked for at any moment of a long start.
  stopOnSignal(async () => {
    const isInTime = await workers.stop(STOP_TIMEOUT_MS - WORKERS_CUT_BEFORE_MS);
    if (!isInTime) fail('Workers that had not stopped in time were cut off.');
  });
  if (await workers.up) process.stdout.write(banner(config, config.PUBLIC_URL || `http://localhost:${port}`));
}

function stopOnSignal(close: () => Promise<void>): void {
  let stopping = false;
  const stop = () => {
    if (stopping) {
      // What signals a whole group tells a worker twice: once itself, once through the process that supervises it.
      if (isWorker) return;
      // A second Ctrl-C is somebody in a hurry; PostgreSQL recovers from it.
      process.exit(FORCED);
    }
    stopping = true;
    setTimeout(() => process.exit(FAILED), STOP_TIMEOUT_MS).unref();
    close().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  // Ctrl-C in a terminal reaches workers, too; they wait for the word of the process that supervises them.
  process.on('SIGINT', isWorker ? () => undefined : stop);
  process.on('SIGTERM', stop);
}

/** One clear line for what an operator can mend; the stack only for what he cannot. */
function fail(error: unknown): never {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(FAILED);
}

function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.problems.join('\n');
  if (error instanceof PortTaken || error instanceof DataDirInUse || error instanceof DatabaseNotUsable)
    return error.message;
  return redacted(error instanceof Error ? `ms-ticketing could not start: ${error.message}` : String(error));
}

await main().catch(fail);

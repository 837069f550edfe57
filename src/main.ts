import { type App, buildApp, STOP_TIMEOUT_MS } from './app.ts';
import { banner, help } from './banner.ts';
import { ConfigError, readConfig } from './config.ts';
import { DataDirInUse } from './embedded/data-dir.ts';
import { PortTaken } from './platform/http/listener.ts';
import { redacted } from './platform/telemetry/redaction.ts';

const FAILED = 1;
const FORCED = 130;

/** The process: read the configuration, start, wait for a signal, stop cleanly. */
async function main(): Promise<void> {
  if (process.argv.includes('--help')) {
    process.stdout.write(help());
    return;
  }
  const config = readConfig(process.env);
  const app = await buildApp(config);
  stopOnSignal(app);
  app.start();
  process.stdout.write(banner(config, app.url));
}

function stopOnSignal(app: App): void {
  let stopping = false;
  const stop = () => {
    // A second Ctrl-C is somebody in a hurry; PostgreSQL recovers from it.
    if (stopping) process.exit(FORCED);
    stopping = true;
    setTimeout(() => process.exit(FAILED), STOP_TIMEOUT_MS).unref();
    app.close().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
}

/** One clear line for what an operator can mend; the stack only for what he cannot. */
function fail(error: unknown): never {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(FAILED);
}

function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.problems.join('\n');
  if (error instanceof PortTaken || error instanceof DataDirInUse) return error.message;
  return redacted(error instanceof Error ? `ms-ticketing could not start: ${error.message}` : String(error));
}

await main().catch(fail);

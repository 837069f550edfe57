import cluster, { type Worker } from 'node:cluster';
import { on, once } from 'node:events';
import type { Config } from './config.ts';
import { bind } from './platform/http/listener.ts';
import { migrateUp } from './platform/postgres/migrations.ts';
import { gatherMetricsFor } from './platform/telemetry/worker-metrics.ts';

const FIRST_RESTART_MS = 100;
const LONGEST_RESTART_MS = 10_000;
/** A worker that lived this long died of something new. */
const LONG_LIFE_MS = 30_000;
/** What a worker that is up tells the process that supervises it. */
const UP = 'up';

/** How long the next worker waits after so many that died young, one after another: ever longer, ten seconds at most. */
export function restartAfterMs(youngDeaths: number): number {
  return Math.min(LONGEST_RESTART_MS, FIRST_RESTART_MS * 2 ** Math.min(youngDeaths, 10));
}

export interface Workers {
  readonly port: number;
  /** Asks every worker to stop, cuts off those that have not within `timeoutMs`, and resolves when all have ended. */
  stop(timeoutMs: number): Promise<void>;
}

/** Whether this process is one of several that serve together; the one that supervises them is not. */
export const isWorker = cluster.isWorker;

/** Says that this worker answers. */
export function tellUp(): void {
  process.send?.(UP);
}

/** A port that was free a moment ago: workers that each took any would not share one. */
async function freePort(): Promise<number> {
  const { server, port } = await bind(0, '127.0.0.1');
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * Starts `WEB_CONCURRENCY` workers, after the migrations, and starts another for each that dies. Resolves when all of them
 * answer; throws when one dies before it ever did, because then nothing but a person helps.
 */
export async function superviseWorkers(config: Config): Promise<Workers> {
  if (config.AUTO_MIGRATE && config.POSTGRES_DSN) {
    await migrateUp({ dsn: config.POSTGRES_DSN, dir: config.MIGRATIONS_DIR });
  }
  const port = config.PORT === 0 ? await freePort() : config.PORT;
  const alive = new Set<Worker>();
  let isStopping = false;
  let youngDeaths = 0;

  function start(): Worker {
    const worker = cluster.fork({ AUTO_MIGRATE: 'false', PORT: port });
    const bornMs = performance.now();
    alive.add(worker);
    gatherMetricsFor(worker, alive);
    worker.once('exit', () => {
      alive.delete(worker);
      youngDeaths = performance.now() - bornMs < LONG_LIFE_MS ? youngDeaths + 1 : 0;
    });
    return worker;
  }

  function keepAlive(worker: Worker): void {
    worker.once('exit', () => {
      if (isStopping) return;
      setTimeout(
        () => {
          if (!isStopping) keepAlive(start());
        },
        restartAfterMs(youngDeaths - 1),
      );
    });
  }

  const stop = async (timeoutMs: number) => {
    isStopping = true;
    const ending = [...alive].map((worker) => once(worker, 'exit'));
    for (const worker of alive) worker.process.kill('SIGTERM');
    const cut = setTimeout(() => {
      for (const worker of alive) worker.process.kill('SIGKILL');
    }, timeoutMs);
    await Promise.all(ending);
    clearTimeout(cut);
  };

  try {
    await Promise.all(Array.from({ length: config.WEB_CONCURRENCY }, () => comesUp(start())));
  } catch (error) {
    await stop(0);
    throw error;
  }
  for (const worker of alive) keepAlive(worker);
  // One may have died while others were still coming up.
  while (alive.size < config.WEB_CONCURRENCY) keepAlive(start());
  return { port, stop };
}

async function comesUp(worker: Worker): Promise<void> {
  for await (const [message] of on(worker, 'message', { close: ['exit'] })) if (message === UP) return;
  throw new Error('a worker ended before it was up; it said why above');
}

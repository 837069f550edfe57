import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import type { Config } from './config.ts';
import { MS_PER_SECOND } from './kernel/clock.ts';
import { bind } from './platform/http/listener.ts';
import { migrateUp } from './platform/postgres/migrations.ts';
import { type WaitOptions, waitForDatabase } from './platform/postgres/startup.ts';
import { gatherMetricsFor } from './platform/telemetry/worker-metrics.ts';

const FIRST_RESTART_MS = 100;
const LONGEST_RESTART_MS = 10_000;
/** A worker that was up for this long died of something new. */
const LONG_LIFE_MS = 30_000;
/** A worker that is not up within this hangs, and is cut off. */
export const START_TIMEOUT_MS = 30_000;
/** What a worker that is up tells the process that supervises it. */
const UP = 'up';

/** How long the next worker waits after so many that died young, one after another: ever longer, ten seconds at most. */
export function restartAfterMs(youngDeaths: number): number {
  return Math.min(LONGEST_RESTART_MS, FIRST_RESTART_MS * 2 ** Math.min(Math.max(youngDeaths - 1, 0), 10));
}

export interface Workers {
  /** Whether all of them answer; false when they were stopped before. Throws when one cannot start or hangs. */
  readonly up: Promise<boolean>;
  /** Asks every worker to stop, cuts off those that have not within `timeoutMs`, and says whether none had to be. */
  stop(timeoutMs: number): Promise<boolean>;
}

/** Whether this process is one of several that serve together; the one that supervises them is not. */
export const isWorker = cluster.isWorker;

/** Says that this worker answers; in vain when the process that supervises it has gone. */
export function tellUp(): void {
  process.send?.(UP, () => undefined);
}

/**
 * Prepares what workers share: waits for the database, migrates once and returns the names of the migrations, and picks
 * one port for all of them.
 */
export async function prepareForWorkers(
  config: Config,
  log: WaitOptions['log'],
): Promise<{ readonly port: number; readonly migrations: readonly string[] }> {
  const { POSTGRES_DSN: dsn, DATABASE_WAIT_SECONDS: waitSeconds, MIGRATIONS_DIR: dir, currency } = config;
  if (dsn) await waitForDatabase({ dsn, maxWaitMs: waitSeconds * MS_PER_SECOND, log });
  const migrations = dsn && config.AUTO_MIGRATE ? await migrateUp({ dsn, dir, currency }) : [];
  return { port: config.PORT === 0 ? await freePort() : config.PORT, migrations };
}

/** A worker that ended without being told to stop. */
export interface WorkerDeath {
  readonly worker: number;
  readonly pid: number | undefined;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** When another is started in its place. */
  readonly againAfterMs: number;
}

/** A port that was free a moment ago: workers that each took any would not share one. */
async function freePort(): Promise<number> {
  const { server, port } = await bind(0, '127.0.0.1');
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * Starts so many workers on the port, and another for each that dies, in its slot. One that dies before all were up for the
 * first time ends all of them, because then nothing but a person helps.
 */
export function superviseWorkers(
  count: number,
  port: number,
  onDeath: (death: WorkerDeath) => void,
): Workers {
  const alive = new Map<Worker, Promise<void>>();
  const upBySlot = new Map<number, Worker>();
  let isStopping = false;
  let wereUp = false;
  let youngDeaths = 0;

  function start(slot: number): Promise<void> {
    const worker = cluster.fork({ AUTO_MIGRATE: 'false', PORT: port });
    const ended = endOf(worker);
    alive.set(worker, ended);
    gatherMetricsFor(worker, upBySlot);
    const up = comesUp(worker, ended);
    const life = lifeOf(up, ended, (isUp) => {
      if (isUp) upBySlot.set(slot, worker);
      else upBySlot.delete(slot);
    });
    void life.then((ms) => {
      alive.delete(worker);
      youngDeaths = ms < LONG_LIFE_MS ? youngDeaths + 1 : 0;
      const againAfterMs = restartAfterMs(youngDeaths);
      if (wereUp && !isStopping) onDeath(deathOf(worker, slot, againAfterMs));
      setTimeout(() => {
        if (!isStopping) start(slot).catch(() => undefined);
      }, againAfterMs);
    });
    return up;
  }

  function kill(signal: NodeJS.Signals): void {
    for (const worker of alive.keys()) worker.process.kill(signal);
  }

  async function stop(timeoutMs: number): Promise<boolean> {
    isStopping = true;
    let isInTime = true;
    kill('SIGTERM');
    const cut = setTimeout(() => {
      isInTime = false;
      kill('SIGKILL');
    }, timeoutMs);
    await Promise.all(alive.values());
    clearTimeout(cut);
    return isInTime;
  }

  // However this process ends, no worker outlives it: a frozen one would keep its database sessions.
  process.once('exit', () => kill('SIGKILL'));
  const slots = Array.from({ length: count }, (_none, index) => index + 1);
  // A turn later, so that the caller listens for signals before there is a worker to stop.
  const up = Promise.resolve()
    .then(() => Promise.all(slots.map(start)))
    .then(
      () => {
        wereUp = !isStopping;
        return wereUp;
      },
      async (error: unknown) => {
        if (isStopping) return false;
        await stop(0);
        throw error;
      },
    );
  return { up, stop };
}

/** For how many milliseconds a worker was up, known when it has ended. */
async function lifeOf(
  up: Promise<void>,
  ended: Promise<void>,
  onChange: (isUp: boolean) => void,
): Promise<number> {
  const isUp = await up.then(
    () => true,
    () => false,
  );
  const upAtMs = performance.now();
  if (isUp) onChange(true);
  await ended;
  if (isUp) onChange(false);
  return isUp ? performance.now() - upAtMs : 0;
}

function deathOf({ process }: Worker, slot: number, againAfterMs: number): WorkerDeath {
  const { pid, exitCode: code, signalCode: signal } = process;
  return { worker: slot, pid, code, signal, againAfterMs };
}

/** When the worker's process has ended, or could not be made. */
export function endOf(worker: Worker): Promise<void> {
  return new Promise((done) => {
    worker.once('exit', () => done());
    // Also what is written to one that died a moment ago ends here, such as a connection handed to it; its exit comes next.
    worker.on('error', () => {
      if (worker.process.pid === undefined) done();
    });
  });
}

async function comesUp(worker: Worker, ended: Promise<void>): Promise<void> {
  const up = Promise.withResolvers<void>();
  const limit = setTimeout(() => {
    up.reject(new Error(`a worker was not up within ${START_TIMEOUT_MS} ms`));
    worker.process.kill('SIGKILL');
  }, START_TIMEOUT_MS);
  worker.on('message', (message) => {
    if (message === UP) up.resolve();
  });
  void ended.then(() => up.reject(new Error('a worker ended before it was up; it said why above')));
  await up.promise.finally(() => clearTimeout(limit));
}

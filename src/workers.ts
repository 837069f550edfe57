import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import type { Config } from './config.ts';
import { MS_PER_SECOND } from './kernel/clock.ts';
import { withTimeLimit } from './kernel/time-limit.ts';
import { bind } from './platform/http/listener.ts';
import { migrateUp } from './platform/postgres/migrations.ts';
import { type WaitLog, waitForDatabase } from './platform/postgres/startup.ts';
import { gatherMetricsFor } from './platform/telemetry/worker-metrics.ts';

const FIRST_RESTART_MS = 100;
const LONGEST_RESTART_MS = 10_000;
/** A worker that was up for this long counts as stable, and its restart is not delayed. */
const LONG_LIFE_MS = 30_000;
/** A worker that is not up within this hangs, and is killed. */
export const START_TIMEOUT_MS = 30_000;
/** The message of a worker to its supervisor when it is up. */
const UP = 'up';

/** The delay before a restart after `earlyExits` early exits in a row; it doubles, up to ten seconds. */
export function restartAfterMs(earlyExits: number): number {
  return Math.min(LONGEST_RESTART_MS, FIRST_RESTART_MS * 2 ** Math.min(Math.max(earlyExits - 1, 0), 10));
}

export interface Workers {
  /** Resolves true when all workers answer, and false when they were stopped earlier. Rejects when a worker cannot start or hangs. */
  readonly up: Promise<boolean>;
  /** Tells every worker to stop, and kills those that have not stopped after `timeoutMs`. False when it killed any. */
  stop(timeoutMs: number): Promise<boolean>;
}

/** Whether this process is a worker, as opposed to the supervisor or a single process. */
export const isWorker = cluster.isWorker;

/** Reports to the supervisor that this worker answers. The report is lost if the supervisor has ended. */
export function reportUp(): void {
  process.send?.(UP, () => undefined);
}

/**
 * Prepares what the workers share: waits for the database, migrates it, and chooses a port. Returns the names of the applied
 * migrations and the port.
 */
export async function prepareForWorkers(
  config: Config,
  log: WaitLog,
): Promise<{ readonly port: number; readonly migrations: readonly string[] }> {
  const { POSTGRES_DSN: dsn, DATABASE_WAIT_SECONDS: waitSeconds, MIGRATIONS_DIR: dir, currency } = config;
  if (dsn) await waitForDatabase({ dsn, maxWaitMs: waitSeconds * MS_PER_SECOND, log });
  const migrations = dsn && config.AUTO_MIGRATE ? await migrateUp({ dsn, dir, currency }) : [];
  return { port: config.PORT === 0 ? await freePort() : config.PORT, migrations };
}

/** The unexpected end of a worker. */
export interface WorkerExit {
  readonly worker: number;
  readonly pid: number | undefined;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Delay before another worker is started. */
  readonly againAfterMs: number;
}

/** A free port. Workers cannot choose one themselves, because they must share it. */
async function freePort(): Promise<number> {
  const { server, port } = await bind(0, '127.0.0.1');
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * Starts `count` workers on the port, and restarts each worker that ends, in its slot. If a worker ends before all were up for
 * the first time, all of them are stopped, because restarts would not help then.
 */
export function superviseWorkers(count: number, port: number, onExit: (death: WorkerExit) => void): Workers {
  const alive = new Map<Worker, Promise<void>>();
  const upBySlot = new Map<number, Worker>();
  let isStopping = false;
  let wereUp = false;
  let earlyExits = 0;

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
      earlyExits = ms < LONG_LIFE_MS ? earlyExits + 1 : 0;
      const againAfterMs = restartAfterMs(earlyExits);
      if (wereUp && !isStopping) onExit(exitOf(worker, slot, againAfterMs));
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
    kill('SIGTERM');
    const ended = Promise.all(alive.values());
    let isInTime = true;
    await withTimeLimit(timeoutMs, ended, () => {
      isInTime = false;
      kill('SIGKILL');
      return ended;
    });
    return isInTime;
  }

  // No worker may outlive this process, because a hanging one would keep its database sessions.
  process.once('exit', () => kill('SIGKILL'));
  const slots = Array.from({ length: count }, (_none, index) => index + 1);
  // In a later microtask, so that the caller handles signals before the first worker starts.
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

/** Resolves when the worker has ended, with the milliseconds for which it was up. */
async function lifeOf(up: Promise<void>, ended: Promise<void>, onChange: (isUp: boolean) => void): Promise<number> {
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

function exitOf({ process }: Worker, slot: number, againAfterMs: number): WorkerExit {
  const { pid, exitCode: code, signalCode: signal } = process;
  return { worker: slot, pid, code, signal, againAfterMs };
}

/** Resolves when the worker's process has ended, or could not be started. */
export function endOf(worker: Worker): Promise<void> {
  return new Promise((done) => {
    worker.once('exit', () => done());
    // A failed write to a worker that has just ended also emits `error`; its `exit` follows.
    worker.on('error', () => {
      if (worker.process.pid === undefined) done();
    });
  });
}

async function comesUp(worker: Worker, ended: Promise<void>): Promise<void> {
  const up = Promise.withResolvers<void>();
  worker.on('message', (message) => {
    if (message === UP) up.resolve();
  });
  void ended.then(() => up.reject(new Error('a worker ended before it was up; the reason is above')));
  await withTimeLimit(START_TIMEOUT_MS, up.promise, () => {
    worker.process.kill('SIGKILL');
    throw new Error(`a worker was not up within ${START_TIMEOUT_MS} ms`);
  });
}

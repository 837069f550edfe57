import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { bareEnvironment, end, freePorts, removeFiles, untilUp } from '../child-server.ts';
import { isOk } from '../servers.ts';

/** The service as a process of its own, as `npm start` starts it. */
export type Replica = Awaited<ReturnType<typeof startReplica>>;

/** The time for requests that were on their way to it; `preStop` in deploy/kubernetes. */
const BEFORE_STOP_MS = 500;
const UP_TIMEOUT_MS = 60_000;

/** Starts one and resolves when it says that it is up. `env` is its whole environment. */
export async function startReplica(name: string, env: Readonly<Record<string, string>>) {
  const folder = await mkdtemp(join(tmpdir(), `ticketing-${name}-`));
  const [port = 0] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  const log = `${folder}.log`;
  let child: ChildProcess | undefined;

  let isReady = false;

  async function start(): Promise<void> {
    isReady = false;
    // Tests place many orders of one buyer.
    const usual = { HOST: '127.0.0.1', PORT: String(port), DATA_DIR: folder, MAX_HELD_SEATS_PER_USER: '0' };
    const started = spawn(process.execPath, ['src/main.ts'], { env: { ...bareEnvironment(), ...usual, ...env } });
    child = started;
    await untilUp(name, started, log, () => isOk(`${url}/api/order/health`), UP_TIMEOUT_MS);
    isReady = true;
  }

  await start();
  return {
    name,
    url,
    port,
    /** Whether it has said that it is up since its start; a load balancer asks first. */
    isReady: () => isReady,
    /** SIGKILL, as a machine that loses its power. */
    kill: async () => void (child && (await end(child, 'SIGKILL'))),
    /** Stops requests to it, then sends SIGTERM a moment later, as an orchestrator does; returns its exit code. */
    async stop() {
      isReady = false;
      await setTimeout(BEFORE_STOP_MS);
      if (child) await end(child, 'SIGTERM');
      return child?.exitCode ?? null;
    },
    /** Starts it again in the same place. */
    start,
    /** Ends it and removes its files; its log is kept, and named, on request. */
    async dispose(keepLog: boolean) {
      if (child) await end(child, 'SIGKILL');
      await removeFiles(name, folder, log, keepLog);
    },
  };
}

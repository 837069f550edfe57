import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atEnd } from './at-end.ts';
import { bareEnvironment, end, endingOf, endWithUs } from './child-server.ts';
import { until } from './servers.ts';

/** The service as a process of its own, with a data folder of its own; ended after the tests of the file. */
export interface ServiceProcess {
  readonly child: ChildProcess;
  readonly dataDir: string;
  /** Its output so far, on both streams. */
  output(): string;
  /** Its exit code or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** Its address, once it says that it is up. */
  url(): Promise<string>;
}

const UP_TIMEOUT_MS = 120_000;

/** Starts `npm start`'s process; `env` and PATH are its whole environment. */
export async function startServiceProcess(env: Readonly<Record<string, string>>): Promise<ServiceProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'ticketing-service-'));
  const dataDir = join(folder, 'data');
  const child = spawn(process.execPath, ['src/main.ts'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...bareEnvironment(), HOST: '127.0.0.1', PORT: '0', DATA_DIR: dataDir, ...env },
  });
  endWithUs(child);
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  atEnd(async () => {
    await end(child, 'SIGTERM');
    await rm(folder, { recursive: true, force: true });
  });
  return {
    child,
    dataDir,
    output: () => output,
    ended,
    async url() {
      const isUp = () => {
        if (endingOf(child) !== null) throw new Error(`the service ended: ${output}`);
        return /is up: (http\S+)/.exec(output)?.[1];
      };
      const url = await until('the service is up', isUp, UP_TIMEOUT_MS).catch((error: Error) => {
        throw new Error(`${error.message}: ${output}`);
      });
      return url.replace('localhost', '127.0.0.1');
    },
  };
}

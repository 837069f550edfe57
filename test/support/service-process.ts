import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atEnd } from './at-end.ts';
import { bareEnvironment, end, endingOf, endWithUs } from './child-server.ts';
import { until } from './servers.ts';

/** A process whose output is read; ended after the tests of the file. */
export interface ReadProcess {
  readonly child: ChildProcessWithoutNullStreams;
  /** Its output so far, on both streams. */
  output(): string;
  /** Its exit code or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** The address of the service in it, once it says that it is up. */
  url(): Promise<string>;
}

/** The service as a process of its own, with a data folder of its own. */
export interface ServiceProcess extends ReadProcess {
  readonly dataDir: string;
}

const UP_TIMEOUT_MS = 120_000;

/** Starts `npm start`'s process; `env` and PATH are its whole environment. */
export async function startServiceProcess(
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): Promise<ServiceProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'ticketing-service-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  const dataDir = join(folder, 'data');
  // Tests place many orders of one buyer.
  const usual = {
    HOST: '127.0.0.1',
    PORT: '0',
    DATA_DIR: dataDir,
    DRAIN_DELAY_SECONDS: '0',
    MAX_HELD_SEATS_PER_USER: '0',
  };
  return { ...startRead(process.execPath, ['src/main.ts', ...args], { ...usual, ...env }), dataDir };
}

/** Starts a program and reads its output; `env` and PATH are its whole environment. */
export function startRead(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ReadProcess {
  const child = spawn(program, args, { env: { ...bareEnvironment(), ...env } });
  endWithUs(child);
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  atEnd(() => end(child, 'SIGTERM'));
  return {
    child,
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

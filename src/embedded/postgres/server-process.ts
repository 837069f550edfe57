import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Command, runAs, type ServerAccount } from './server-account.ts';

export interface ServerProcess {
  /** Sends the signal, kills the process after `timeoutMs`, and resolves when it has ended. */
  end(signal: NodeJS.Signals, timeoutMs: number): Promise<void>;
  /** Resolves with the last output when the process has ended. */
  readonly ended: Promise<string>;
}

const READY = 'database system is ready to accept connections';
const START_TIMEOUT_MS = 60_000;
/** Length of the output that is kept to explain a failure. */
const KEPT_OUTPUT_CHARS = 4_000;

/** Starts the server and resolves when it accepts connections. Throws an Error with its last output when it fails. */
export async function startServer(
  program: string,
  args: readonly string[],
  account: ServerAccount,
): Promise<ServerProcess> {
  const child = start(runAs(account, program, args));
  const output = lastOutput(child);
  const ended = once(child, 'close').then(output, output);
  await becomesReady(child, output);
  return { end: (signal, timeoutMs) => endProcess(child, signal, timeoutMs), ended };
}

/** Runs a program to its end. Throws an Error with its output when it fails. */
export async function runToEnd(command: Command): Promise<void> {
  const child = start(command);
  const output = lastOutput(child);
  await new Promise<void>((done, fail) => {
    child.once('error', fail);
    child.once('close', (code) => {
      if (code === 0) done();
      else fail(new Error(`${command.program} failed: ${output()}`));
    });
  });
}

/** Starts the process in a group of its own, because Ctrl-C in the terminal is for the service, which stops the server last. */
function start({ program, args, uid, gid }: Command): ChildProcess {
  return spawn(program, [...args], {
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    cwd: '/',
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { LC_ALL: 'C' },
  });
}

function becomesReady(child: ChildProcess, output: () => string): Promise<void> {
  return new Promise((done, fail) => {
    const failed = (reason: string) => fail(new Error(`The embedded PostgreSQL ${reason}: ${output()}`));
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      failed('did not start in time');
    }, START_TIMEOUT_MS);
    child.once('error', (error) => failed(error.message));
    child.once('close', () => {
      clearTimeout(timer);
      failed('ended at once');
    });
    child.stderr?.on('data', () => {
      if (!output().includes(READY)) return;
      clearTimeout(timer);
      done();
    });
  });
}

function lastOutput(child: ChildProcess): () => string {
  let kept = '';
  const keep = (chunk: Buffer) => {
    kept = (kept + chunk.toString()).slice(-KEPT_OUTPUT_CHARS);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  return () => kept.trim();
}

async function endProcess(child: ChildProcess, signal: NodeJS.Signals, timeoutMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'close');
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  child.kill(signal);
  await ended;
  clearTimeout(timer);
}

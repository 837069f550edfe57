import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { withTimeLimit } from '../../kernel/time-limit.ts';
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

async function becomesReady(child: ChildProcess, output: () => string): Promise<void> {
  const ready = Promise.withResolvers<void>();
  const failure = (reason: string) => new Error(`The embedded PostgreSQL ${reason}: ${output()}`);
  child.once('error', (error) => ready.reject(failure(error.message)));
  child.once('close', () => ready.reject(failure('ended at once')));
  child.stderr?.on('data', () => {
    if (output().includes(READY)) ready.resolve();
  });
  await withTimeLimit(START_TIMEOUT_MS, ready.promise, () => {
    child.kill('SIGKILL');
    throw failure('did not start in time');
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
  child.kill(signal);
  await withTimeLimit(timeoutMs, ended, () => {
    child.kill('SIGKILL');
    return ended;
  });
}

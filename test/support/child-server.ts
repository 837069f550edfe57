import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { patience } from './patience.ts';
import { close, listen, until } from './servers.ts';

const FREEZE_TIMEOUT_MS = 2_000;

/** The environment of every process of a test: where programs are, and what Node has already compiled. */
export function bareEnvironment(): Record<string, string> {
  const { PATH = '', NODE_COMPILE_CACHE } = process.env;
  return NODE_COMPILE_CACHE === undefined ? { PATH } : { PATH, NODE_COMPILE_CACHE };
}

/**
 * A run that is cut short in any way leaves no server behind: the end of our process closes the guard's input.
 * A guard that is itself cut short kills nothing, because the server is still in use then.
 */
export function endWithUs(child: ChildProcess): void {
  const guard = spawn('sh', ['-c', `cat > /dev/null && kill -9 ${child.pid}`], { stdio: ['pipe', 'ignore', 'ignore'] });
  child.once('close', () => {
    guard.kill('SIGKILL');
    guard.stdin?.end();
  });
}

/** Appends the output of a server to a file and resolves when it is up; fails, naming the file, when it ends or takes too long. */
export async function untilUp(
  name: string,
  child: ChildProcessWithoutNullStreams,
  log: string,
  isUp: () => Promise<boolean> | boolean,
  timeoutMs: number,
): Promise<void> {
  endWithUs(child);
  const written = createWriteStream(log, { flags: 'a' });
  for (const stream of [child.stdout, child.stderr]) stream.pipe(written, { end: false });
  const isUpNow = () => {
    if (endingOf(child) !== null) throw new Error(`${name} ended; its log is ${log}`);
    return isUp();
  };
  await until(`${name} is up; its log is ${log}`, isUpNow, timeoutMs).catch((error) => {
    child.kill('SIGKILL');
    throw error;
  });
}

/** Removes the files of a server that has ended, but for its log when that is to be read. */
export async function removeFiles(name: string, folder: string, log: string, keepLog: boolean): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  if (keepLog) process.stderr.write(`the log of ${name} is kept: ${log}\n`);
  else await rm(log, { force: true });
}

/** How a process ended, by its code or the signal; null while it runs. */
export function endingOf(child: ChildProcess): number | string | null {
  return child.exitCode ?? child.signalCode;
}

/** Sends the signal and resolves when the process has ended; at once when it already had. */
export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (endingOf(child) !== null) return;
  const ended = once(child, 'close');
  child.kill(signal);
  await ended;
}

/** Stops a process until SIGCONT; returns when none of its threads runs any more, which is later than the signal. */
export function freeze(child: ChildProcess): void {
  child.kill('SIGSTOP');
  const tasks = `/proc/${child.pid}/task`;
  const isStopped = (task: string) => /\) T /.test(readFileSync(`${tasks}/${task}/stat`, 'utf8'));
  const deadline = performance.now() + patience(FREEZE_TIMEOUT_MS);
  while (!readdirSync(tasks).every(isStopped)) {
    if (performance.now() > deadline) throw new Error(`process ${child.pid} has not stopped`);
  }
}

/** Ports that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const urls = await Promise.all(servers.map(listen));
  await Promise.all(servers.map(close));
  return urls.map((url) => Number(new URL(url).port));
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { patience } from './patience.ts';
import { close, listen } from './servers.ts';

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

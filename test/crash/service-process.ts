import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Asked, Report } from './crash-service.ts';
import type { Happening, Service } from './service.ts';

/** A running `crash-service.ts`. */
export interface ServiceProcess extends Service {
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
  /** How it ended: the signal, or its exit code and output. */
  ending(): string | undefined;
}

/** Starts it with these variables and PATH only; `killed` when it died before it was up. */
export async function startProcess(env: Readonly<Record<string, string>>): Promise<ServiceProcess | 'killed'> {
  const { PATH = '' } = process.env;
  const child = fork('test/crash/crash-service.ts', {
    env: { PATH, ...env },
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (output += text));
  let ending: string | undefined;
  const ended = once(child, 'close').then(([code, signal]) => {
    ending = signal ?? `${code}: ${output}`;
  });
  const answers = answersOf(child);
  const url = await Promise.race([answers.up, ended]);
  ended.then(() => answers.end());
  if (url === undefined) {
    if (ending === 'SIGKILL') return 'killed';
    throw new Error(`the service did not start: ${ending}`);
  }
  return {
    url,
    ended,
    ending: () => ending,
    ask: answers.ask,
    async end() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Requests to the child by number, each with the promise of its answer. */
function answersOf(child: ChildProcess) {
  const up = Promise.withResolvers<string>();
  const waiting = new Map<number, PromiseWithResolvers<void>>();
  let last = 0;
  child.on('message', (report: Report) => {
    if (report.kind === 'up') return up.resolve(report.url);
    const answer = waiting.get(report.id);
    waiting.delete(report.id);
    if (report.error === undefined) answer?.resolve();
    else answer?.reject(new Error(report.error));
  });
  return {
    up: up.promise,
    ask(happening: Happening): Promise<void> {
      const answer = Promise.withResolvers<void>();
      last += 1;
      waiting.set(last, answer);
      const asked: Asked = { id: last, happening };
      child.send(asked, (error) => error && answer.reject(error));
      return answer.promise;
    },
    end() {
      for (const answer of waiting.values()) answer.reject(new Error('the service ended'));
    },
  };
}

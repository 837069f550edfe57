import { appendFileSync } from 'node:fs';
import { type Happening, runService } from './service.ts';

/** A request to the process, with a number that its answer repeats. */
export interface Asked {
  readonly id: number;
  readonly happening: Happening;
}

/** What the process reports to the test. */
export type Report =
  | { readonly kind: 'up'; readonly url: string }
  | { readonly kind: 'done'; readonly id: number; readonly error?: string };

/**
 * The service as a process of its own. It kills itself at the very instant it reaches the point that
 * `CRASH_AT` names; with `RECORD_TO` it writes down every point it reaches.
 */
async function main(): Promise<void> {
  const { CRASH_AT, RECORD_TO } = process.env;
  // The test has ended, so no request can come any more.
  process.on('disconnect', () => process.exit());
  // Exiting keeps Node's compile cache; a killed process writes none, and each start would compile everything again.
  process.once('SIGTERM', () => process.exit());
  const service = await runService(process.env, (point) => {
    if (RECORD_TO) appendFileSync(RECORD_TO, `${point}\n`);
    if (point === CRASH_AT) process.kill(process.pid, 'SIGKILL');
  });
  process.on('message', ({ id, happening }: Asked) => {
    service.ask(happening).then(
      () => report({ kind: 'done', id }),
      (error: unknown) => report({ kind: 'done', id, error: String(error) }),
    );
  });
  report({ kind: 'up', url: service.url });
}

function report(message: Report): void {
  process.send?.(message);
}

await main();

import { appendFileSync } from 'node:fs';
import { type Happening, runService } from './service.ts';

/** A question to the process, by a number that its answer bears. */
export interface Asked {
  readonly id: number;
  readonly happening: Happening;
}

/** What the process tells the test. */
export type Told =
  | { readonly kind: 'up'; readonly url: string }
  | { readonly kind: 'done'; readonly id: number; readonly error?: string };

/**
 * The service as a process of its own. At the point that `CRASH_AT` names it kills itself, in the same instant; with
 * `RECORD_TO` it writes down every point it comes to.
 */
async function main(): Promise<void> {
  const { CRASH_AT, RECORD_TO } = process.env;
  // Nobody is left to ask for anything.
  process.on('disconnect', () => process.exit());
  // Leaves behind what Node compiled: who kills it leaves nothing, and each start would compile all of it again.
  process.once('SIGTERM', () => process.exit());
  const service = await runService(process.env, (point) => {
    if (RECORD_TO) appendFileSync(RECORD_TO, `${point}\n`);
    if (point === CRASH_AT) process.kill(process.pid, 'SIGKILL');
  });
  process.on('message', ({ id, happening }: Asked) => {
    service.ask(happening).then(
      () => tell({ kind: 'done', id }),
      (error: unknown) => tell({ kind: 'done', id, error: String(error) }),
    );
  });
  tell({ kind: 'up', url: service.url });
}

function tell(message: Told): void {
  process.send?.(message);
}

await main();

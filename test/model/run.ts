import fc from 'fast-check';
import { type Command, performed } from './action.ts';
import { anyCommand } from './commands.ts';
import { comeToRest } from './end.ts';
import { newSale, type Sale } from './sale.ts';
import type { World } from './world.ts';

const DEFAULT_RUNS = 1_600;
const MAX_COMMANDS = 25;

export interface RunOptions {
  readonly runs?: number;
  /** Whether a failing sequence is shortened as far as possible. */
  readonly isShortened?: boolean;
}

/**
 * Runs sequences of commands on the service and on the model. On a failure fast-check prints the shortest
 * sequence that still fails, its seed and its path; `MODEL_SEED`, `MODEL_PATH` and `MODEL_REPLAY` (the
 * `replayPath` it prints) run that one again. `MODEL_RUNS` is the number of sequences.
 */
export async function runModel(
  world: World,
  { runs = numberFrom('MODEL_RUNS') ?? DEFAULT_RUNS, isShortened = true }: RunOptions = {},
): Promise<void> {
  const started = performance.now();
  const { MODEL_PATH: path, MODEL_REPLAY: replayPath } = process.env;
  const seed = numberFrom('MODEL_SEED');
  const sequences = fc.commands<Sale, World, false>([anyCommand], {
    maxCommands: MAX_COMMANDS,
    size: 'max',
    ...(replayPath ? { replayPath } : {}),
  });
  let run = 0;
  const property = fc.asyncProperty(sequences, async (commands) => {
    run += 1;
    await runOne(world, commands);
  });
  try {
    await fc.assert(property, {
      numRuns: runs,
      endOnFailure: !isShortened,
      verbose: fc.VerbosityLevel.Verbose,
      ...(seed === undefined ? {} : { seed }),
      ...(path ? { path } : {}),
    });
  } finally {
    report(run, performance.now() - started);
  }
}

async function runOne(world: World, commands: Iterable<Command>): Promise<void> {
  await world.begin();
  const sale = newSale(world.bank, world.clock);
  try {
    await fc.asyncModelRun(() => ({ model: sale, real: world }), commands);
    await comeToRest(sale, world);
  } catch (error) {
    if (error instanceof Error && world.log.length > 0) error.message += `\nThe service logged:\n${world.log.join('')}`;
    throw error;
  }
}

function numberFrom(name: string): number | undefined {
  const value = process.env[name];
  return value === undefined || value === '' ? undefined : Number(value);
}

function report(runs: number, milliseconds: number): void {
  const counts = [...performed].toSorted(([, a], [, b]) => b - a);
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  const each = counts.map(([name, count]) => `${name} ${count}`).join(', ');
  process.stdout.write(
    `model: ${runs} sequences, ${total} commands in ${Math.round(milliseconds / 1_000)} s (${each})\n`,
  );
}

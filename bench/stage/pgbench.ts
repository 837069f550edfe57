import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MS_PER_SECOND } from '../../src/kernel/clock.ts';
import { type Speed, toSpeed } from './load.ts';

const run = promisify(execFile);
const SERVER_PROGRAMS = '/usr/lib/postgresql';
const US_PER_MS = 1_000;
const US_PER_S = 1_000_000;
/** Column of a transaction's log line with its duration in microseconds. */
const LATENCY_COLUMN = 2;
/** Columns with the time of its end: seconds and microseconds. */
const END_COLUMNS = [4, 5] as const;

/** A pgbench script that writes the same rows directly, and the number of orders it writes per statement. */
export const LIMITS = {
  'one statement an order': { script: 'bench/stage/order.pgbench.sql', orders: 1 },
  'sixteen orders a statement': { script: 'bench/stage/sixteen-orders.pgbench.sql', orders: 16 },
} as const;

export type LimitName = keyof typeof LIMITS;

export interface Pgbench {
  readonly program: string;
  /** The version that it prints. */
  readonly version: string;
}

/** pgbench of the newest PostgreSQL that Debian installed, or from PATH, or undefined. */
export async function findPgbench(): Promise<Pgbench | undefined> {
  const versions = existsSync(SERVER_PROGRAMS) ? await readdir(SERVER_PROGRAMS) : [];
  const installed = newestFirst(versions).map((version) => join(SERVER_PROGRAMS, version, 'bin/pgbench'));
  const onPath = (process.env.PATH ?? '').split(':').map((folder) => join(folder, 'pgbench'));
  const program = [...installed, ...onPath].find(existsSync);
  if (program === undefined) return undefined;
  return { program, version: (await run(program, ['--version'])).stdout.trim() };
}

/** Folder names are version numbers, which must not be sorted as text. */
export const newestFirst = (versions: readonly string[]): string[] =>
  versions.toSorted((a, b) => Number(b) - Number(a));

function secondOf(line = ''): number {
  const columns = line.split(' ');
  return Number(columns[END_COLUMNS[0]]) + Number(columns[END_COLUMNS[1]]) / US_PER_S;
}

/**
 * Runs a limit in a closed loop. `orders` is the number of all orders written.
 */
export async function runPgbench(
  pgbench: string,
  dsn: string,
  limit: LimitName,
  { clients, durationMs }: { readonly clients: number; readonly durationMs: number },
): Promise<{ speed: Speed; orders: number }> {
  const { script, orders } = LIMITS[limit];
  const folder = await mkdtemp(join(tmpdir(), 'ticketing-pgbench-'));
  const seconds = Math.round(durationMs / MS_PER_SECOND);
  const args = ['-n', '-M', 'prepared', '-c', String(clients), '-j', '1', '-T', String(seconds)];
  try {
    await run(pgbench, [...args, '-l', '--log-prefix', join(folder, 'log'), '-f', script, dsn]);
    const [file = ''] = await readdir(folder);
    const lines = (await readFile(join(folder, file), 'utf8')).trim().split('\n');
    const latencies = lines.map((line) => Number(line.split(' ')[LATENCY_COLUMN]) / US_PER_MS);
    // Its duration includes connecting, which is not measured.
    const speed = toSpeed(latencies, secondOf(lines.at(-1)) - secondOf(lines[0]));
    return {
      speed: { ...speed, perSecond: speed.perSecond * orders },
      orders: lines.length * orders,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

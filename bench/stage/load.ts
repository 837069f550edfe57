import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/** What is sent, and how. */
export interface Plan {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  /** In turns, one after another. */
  readonly paths: readonly string[];
  /** In turns, or none; each `SEAT` in one is another id in each request. */
  readonly bodies?: readonly string[];
  /**
   * A closed loop's connections each wait for an answer before they send again. An open loop's send once a second each,
   * whatever else is under way, so that a latency counts from when the request was due.
   */
  readonly loop: 'closed' | 'open';
  readonly connections: number;
  /** Before it counts. */
  readonly warmUpMs: number;
  readonly durationMs: number;
}

export interface Counted {
  readonly seconds: number;
  /** Milliseconds of every answer, by its status; 0 are errors of the connection. */
  readonly byStatus: Readonly<Record<number, readonly number[]>>;
  /** Processor time of the load itself, from the warm-up on. */
  readonly loadSeconds: number;
}

/** Applies load from a process of its own. Throws when that process fails. */
export async function applyLoad(plan: Plan, tokens: readonly string[]): Promise<Counted> {
  const child = spawn(process.execPath, ['bench/stage/load-process.ts'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify({ plan, tokens }));
  const printed = await text(child.stdout);
  if (printed === '') throw new Error('the load did not come to an end');
  return JSON.parse(printed) as Counted;
}

/** Answers with one status: a second, and milliseconds at the median and at the slowest hundredth. */
export interface Speed {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

export function speedOf({ byStatus, seconds }: Counted, status: number): Speed {
  return toSpeed(byStatus[status] ?? [], seconds);
}

export function toSpeed(latenciesMs: readonly number[], seconds: number): Speed {
  const sorted = Float64Array.from(latenciesMs).sort();
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { perSecond: sorted.length / seconds, p50: at(0.5), p99: at(0.99) };
}

/** How many answers had another status than this one. */
export function errorsBeside({ byStatus }: Counted, status: number): number {
  return Object.entries(byStatus).reduce(
    (sum, [each, { length }]) => sum + (Number(each) === status ? 0 : length),
    0,
  );
}

import { runChild } from './child.ts';

/** Stands in a body for an id that is another in each request; in small letters, which no QR code has. */
export const FRESH_SEAT = 'a-fresh-seat';

/** What is sent, and how. */
export interface Plan {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  /** In turns, one after another. */
  readonly paths: readonly string[];
  /** In turns, or none; each `FRESH_SEAT` in one is another id. */
  readonly bodies?: readonly string[];
  /**
   * A closed loop's connections each wait for an answer before they send again. An open loop's are each due to send once a
   * second, on a grid of their own that nothing moves, and a latency counts from when the request was due.
   */
  readonly loop: 'closed' | 'open';
  readonly connections: number;
  /** Before it counts. */
  readonly warmUpMs: number;
  readonly durationMs: number;
  /** It ends with so many answers and not with the time, and all of them count; of a closed loop. */
  readonly requests?: number;
}

export interface Counted {
  readonly seconds: number;
  /** Milliseconds of every answer, by its status; 0 are errors of the connection. */
  readonly byStatus: Readonly<Record<number, readonly number[]>>;
  /** Requests that were sent in these seconds. */
  readonly sent: number;
  /** Answers by their status from the warm-up on: those that all processor time was for. */
  readonly answers: Readonly<Record<number, number>>;
  /** Processor time of the load itself, from the warm-up on. */
  readonly loadSeconds: number;
}

/** Applies load from a process of its own. Throws when that process fails. */
export const applyLoad = (plan: Plan, tokens: readonly string[]): Promise<Counted> =>
  runChild('bench/stage/load-process.ts', { plan, tokens });

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

/** How many answers had another status than these. */
export function errorsBeside({ byStatus }: Counted, ...statuses: readonly number[]): number {
  return Object.entries(byStatus).reduce(
    (sum, [each, { length }]) => sum + (statuses.includes(Number(each)) ? 0 : length),
    0,
  );
}

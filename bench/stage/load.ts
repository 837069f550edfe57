import { runChild } from './child.ts';

/** Placeholder in a body for an id that differs in each request. Lower case, which QR texts never contain. */
export const FRESH_SEAT = 'a-fresh-seat';

/** The requests to send and how to send them. */
export interface Plan {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  /** Used in turn. */
  readonly paths: readonly string[];
  /** Used in turn, if any. Each `FRESH_SEAT` in them becomes a new id. */
  readonly bodies?: readonly string[];
  /**
   * In a closed loop each connection waits for its answer before it sends again. In an open loop each sends at fixed times
   * once a second, and latency counts from the time at which the request was due.
   */
  readonly loop: 'closed' | 'open';
  readonly connections: number;
  /** Time before requests count. */
  readonly warmUpMs: number;
  readonly durationMs: number;
  /** Ends a closed loop after this many answers, all of which count, and not after a time. */
  readonly requests?: number;
}

export interface Counted {
  readonly seconds: number;
  /** Latencies in milliseconds by status; status 0 stands for connection errors. */
  readonly byStatus: Readonly<Record<number, readonly number[]>>;
  /** Requests sent in that time. */
  readonly sent: number;
  /** Answers by status, including the warm-up, to which the processor time belongs. */
  readonly answers: Readonly<Record<number, number>>;
  /** Processor time of the load generator, including the warm-up. */
  readonly loadSeconds: number;
}

/** Generates load in its own process. Throws if that process fails. */
export const applyLoad = (plan: Plan, tokens: readonly string[]): Promise<Counted> =>
  runChild('bench/stage/load-process.ts', { plan, tokens });

/** Answers with one status: number per second, and latency in ms at the median and the 99th percentile. */
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
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { perSecond: sorted.length / seconds, p50: at(0.5), p99: at(0.99) };
}

/** Number of answers with other statuses. */
export function errorsBeside({ byStatus }: Counted, ...statuses: readonly number[]): number {
  return Object.entries(byStatus).reduce(
    (sum, [each, { length }]) => sum + (statuses.includes(Number(each)) ? 0 : length),
    0,
  );
}

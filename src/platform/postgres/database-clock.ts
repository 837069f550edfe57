import { type Clock, type Instant, instant, later, MS_PER_SECOND } from '../../kernel/clock.ts';
import type { Database } from './database.ts';

/** The database's time, which is decisive for shared rows. Every part of the service uses it as the current time. */
export interface DatabaseClock extends Clock {
  /** Measures the database's time again. A measurement of a busy server may be too inexact to be used. */
  measure(): Promise<void>;
  /** The process's clock minus the database's, in seconds. */
  differenceSeconds(): number;
}

/** The database's time is measured this often. */
export const MEASURE_EVERY_MS = 5_000;
/** Queries of one measurement; the fastest answer is the most exact. */
const SAMPLES = 3;
/** Two clocks drift apart by less than this while neither is set; quartz is accurate to about 100 ppm. */
const DRIFT = 0.000_5;
/** After a smaller correction backwards, time stands still until it catches up. A larger one means that the database's clock was set. */
const MAX_STANDSTILL_MS = 1_000;

const NOW = { name: 'database-clock', text: 'SELECT clock_timestamp() AS at' };

/** The database's time was `atMs`, give or take `errorMs`, at `monotonicMs` of the process. */
interface Sample {
  readonly atMs: number;
  readonly monotonicMs: number;
  /** Half of the duration of the query. */
  readonly errorMs: number;
}

/**
 * Starts a clock with a first measurement; rejects when the database does not answer. There is no current time before that,
 * so the process's own clock decides nothing: it is only compared with the database's. `monotonicMs` counts milliseconds
 * independently of any clock setting.
 */
export async function startDatabaseClock({
  database,
  processClock,
  monotonicMs,
}: {
  readonly database: Pick<Database, 'snapshot'>;
  readonly processClock: Clock;
  readonly monotonicMs: () => number;
}): Promise<DatabaseClock> {
  let known = await bestSample(database, monotonicMs);
  let last = instant(0);

  function now(): Instant {
    const at = later(instant(0), Math.floor(timeAt(known, monotonicMs())));
    if (at < last && last - at < MAX_STANDSTILL_MS) return last;
    last = at;
    return at;
  }

  return {
    now,
    async measure() {
      const sample = await bestSample(database, monotonicMs);
      if (isBetter(sample, known)) known = sample;
    },
    differenceSeconds: () => (processClock.now() - timeAt(known, monotonicMs())) / MS_PER_SECOND,
  };
}

/** A sample replaces the known one if it is more exact by now, or contradicts it because the database's clock was set. */
export function isBetter(sample: Sample, known: Sample): boolean {
  const errorMs = known.errorMs + (sample.monotonicMs - known.monotonicMs) * DRIFT;
  const apartMs = Math.abs(timeAt(known, sample.monotonicMs) - sample.atMs);
  return sample.errorMs <= errorMs || apartMs > sample.errorMs + errorMs;
}

function timeAt(sample: Sample, monotonicMs: number): number {
  return sample.atMs + (monotonicMs - sample.monotonicMs);
}

/** The most exact of several samples. They share a connection, so that no query waits for one. */
function bestSample(database: Pick<Database, 'snapshot'>, monotonicMs: () => number): Promise<Sample> {
  return database.snapshot(async (executor) => {
    let best: Sample = { atMs: 0, monotonicMs: 0, errorMs: Number.POSITIVE_INFINITY };
    for (let count = 0; count < SAMPLES; count += 1) {
      const before = monotonicMs();
      const rows = await executor.rows<{ at: number }>(NOW, []);
      const errorMs = (monotonicMs() - before) / 2;
      for (const { at } of rows) {
        if (errorMs < best.errorMs) best = { atMs: at, monotonicMs: before + errorMs, errorMs };
      }
    }
    return best;
  });
}

import { type Clock, type Instant, instant, later, MS_PER_SECOND } from '../../kernel/clock.ts';
import type { Database } from './database.ts';

/** The database's time, which decides over shared rows. Every part of the service takes its "now" from here. */
export interface DatabaseClock extends Clock {
  /** Asks the database for its time; the answer of a busy server may be too inexact to be used. */
  measure(): Promise<void>;
  /** How far the process's own clock is ahead of the database's (behind it when negative), in seconds. */
  differenceSeconds(): number;
}

export interface DatabaseClockOptions {
  readonly database: Pick<Database, 'snapshot'>;
  /** The process's own clock: compared with the database's, and used for nothing else. */
  readonly processClock: Clock;
  /** Milliseconds that no setting of a clock changes. */
  readonly monotonicMs: () => number;
}

/** The database's time is asked for this often. */
export const MEASURE_EVERY_MS = 5_000;
/** Questions of one measurement; the quickest answer is the most exact. */
const SAMPLES = 3;
/** Two clocks part by less than this while neither is set: quartz is right to some 100 millionths. */
const DRIFT = 0.000_5;
/** A correction back by less than this makes time stand still; one by more is a database with another time. */
const MAX_STANDSTILL_MS = 1_000;

const NOW = { name: 'database-clock', text: 'SELECT clock_timestamp() AS at' };

/** The database's time was `atMs`, give or take `errorMs`, at `monotonicMs` of the process. */
interface Sample {
  readonly atMs: number;
  readonly monotonicMs: number;
  /** Half of the time the question took. */
  readonly errorMs: number;
}

/**
 * A clock that asks the database once. Rejects when the database does not answer. Until it resolves there is no
 * "now", so the process's own clock decides nothing.
 */
export async function startDatabaseClock(options: DatabaseClockOptions): Promise<DatabaseClock> {
  const { processClock, monotonicMs } = options;
  let known = await bestSample(options);
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
      const sample = await bestSample(options);
      if (isBetter(sample, known)) known = sample;
    },
    differenceSeconds: () => (processClock.now() - timeAt(known, monotonicMs())) / MS_PER_SECOND,
  };
}

/** A sample replaces what is known when it is more exact by now, or proves it wrong: the database's time was set. */
export function isBetter(sample: Sample, known: Sample): boolean {
  const errorMs = known.errorMs + (sample.monotonicMs - known.monotonicMs) * DRIFT;
  const apartMs = Math.abs(timeAt(known, sample.monotonicMs) - sample.atMs);
  return sample.errorMs <= errorMs || apartMs > sample.errorMs + errorMs;
}

function timeAt(sample: Sample, monotonicMs: number): number {
  return sample.atMs + (monotonicMs - sample.monotonicMs);
}

/** On one connection, so that no question waits for one. */
function bestSample({ database, monotonicMs }: DatabaseClockOptions): Promise<Sample> {
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

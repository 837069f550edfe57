import type { Logger } from 'pino';
import type { Job } from '../feature.ts';
import { type DatabaseClock, MEASURE_EVERY_MS } from './database-clock.ts';

/** Says when the process's own clock and the database's part, and when they agree again. */
export interface ClockWatch {
  /** False while they differ by more than `MAX_CLOCK_DIFFERENCE_S`: the replica is then not ready. */
  isRight(): boolean;
  /** Measures, and says once when they part and once when they agree again. */
  look(): Promise<boolean>;
}

/** Synchronised machines are some milliseconds apart; tokens, webhooks and other servers allow for much more than this. */
export const MAX_CLOCK_DIFFERENCE_S = 5;

const DIFFERS =
  'this machine’s clock and the database’s differ, so this replica is not ready: synchronise the clock that is wrong (NTP). Holds and everything else go by the database’s time';

export function watchClock(
  clock: Pick<DatabaseClock, 'measure' | 'differenceSeconds'>,
  log: Pick<Logger, 'error' | 'info'>,
): ClockWatch {
  const isRight = () => Math.abs(clock.differenceSeconds()) <= MAX_CLOCK_DIFFERENCE_S;
  let wasRight = true;

  function tell(): void {
    if (isRight() === wasRight) return;
    wasRight = !wasRight;
    const facts = { differenceSeconds: clock.differenceSeconds(), allowedSeconds: MAX_CLOCK_DIFFERENCE_S };
    if (wasRight) log.info(facts, 'this machine’s clock and the database’s agree again');
    else log.error(facts, DIFFERS);
  }

  tell();
  return {
    isRight,
    async look() {
      // A clock that is set while the database is unavailable is reported all the same.
      await clock.measure().finally(tell);
      return false;
    },
  };
}

/** Measures the clocks again and again. */
export function clockJob(watch: ClockWatch): Job {
  return { name: 'clock', everyMs: MEASURE_EVERY_MS, turn: () => watch.look() };
}

import type { Logger } from 'pino';
import type { Job } from '../feature.ts';
import { type DatabaseClock, MEASURE_EVERY_MS } from './database-clock.ts';

/** Synchronised machines differ by milliseconds; tokens, webhooks and other servers tolerate much more than this limit. */
export const MAX_CLOCK_DIFFERENCE_S = 5;

const DIFFERS =
  'this machine’s clock and the database’s differ, so this replica is not ready: synchronise the clock that is wrong (NTP). Holds and everything else use the database’s time';

/** Reports when the clocks of this machine and the database start to differ, and when they agree again. */
export class ClockWatch {
  readonly #clock: Pick<DatabaseClock, 'measure' | 'differenceSeconds'>;
  readonly #log: Pick<Logger, 'error' | 'info'>;
  #wasRight = true;

  constructor(clock: Pick<DatabaseClock, 'measure' | 'differenceSeconds'>, log: Pick<Logger, 'error' | 'info'>) {
    this.#clock = clock;
    this.#log = log;
    this.#report();
  }

  /** False while the clocks differ by more than `MAX_CLOCK_DIFFERENCE_S`; the replica is then not ready. */
  isRight(): boolean {
    return Math.abs(this.#clock.differenceSeconds()) <= MAX_CLOCK_DIFFERENCE_S;
  }

  /** Measures the difference, and logs a change. A turn of background work: false, because there is never more to do. */
  async look(): Promise<boolean> {
    // A change of this machine's clock is reported also while the database is unavailable.
    await this.#clock.measure().finally(() => this.#report());
    return false;
  }

  #report(): void {
    if (this.isRight() === this.#wasRight) return;
    this.#wasRight = !this.#wasRight;
    const facts = { differenceSeconds: this.#clock.differenceSeconds(), allowedSeconds: MAX_CLOCK_DIFFERENCE_S };
    if (this.#wasRight) this.#log.info(facts, 'this machine’s clock and the database’s agree again');
    else this.#log.error(facts, DIFFERS);
  }
}

/** Measures the clocks again and again. */
export function clockJob(watch: ClockWatch): Job {
  return { name: 'clock', everyMs: MEASURE_EVERY_MS, turn: () => watch.look() };
}

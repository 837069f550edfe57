import { type Clock, instant } from '../../src/kernel/clock.ts';

/** A clock that runs as the system's does, and that a test moves on. */
export interface MovableClock extends Clock {
  advance(ms: number): void;
}

export function movableClock(): MovableClock {
  let ahead = 0;
  return {
    now: () => instant(Date.now() + ahead),
    advance(ms) {
      ahead += ms;
    },
  };
}

import { type Clock, instant } from '../../src/kernel/clock.ts';

/** A clock that runs like the system's, and that a test can advance. */
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

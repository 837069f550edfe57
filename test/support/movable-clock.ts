import { instant } from '../../src/kernel/clock.ts';

/** A clock that runs like the system's, and that a test can advance. */
export function movableClock() {
  let ahead = 0;
  return {
    now: () => instant(Date.now() + ahead),
    advance(ms: number) {
      ahead += ms;
    },
  };
}

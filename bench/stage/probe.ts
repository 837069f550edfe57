import { MS_PER_SECOND } from '../../src/kernel/clock.ts';
import { OK } from '../../src/kernel/http-status.ts';
import { type Speed, toSpeed } from './load.ts';

/** Answers to requests that were sent regularly during a measurement. */
export interface Probed {
  readonly speed: Speed;
  /** Requests without an answer or with another status than 200. */
  readonly refused: number;
}

const EVERY_MS = 100;
const ANSWER_TIMEOUT_MS = 30_000;

/** Sends a request ten times a second until `end`, which waits for the last answers. */
export function startProbe(ask: (signal: AbortSignal) => Promise<number>): { end(): Promise<Probed> } {
  const beganMs = performance.now();
  const waitsMs: number[] = [];
  const underWay = new Set<Promise<void>>();
  let refused = 0;
  const timer = setInterval(() => {
    const dueMs = performance.now();
    const answer = ask(AbortSignal.timeout(ANSWER_TIMEOUT_MS))
      .catch(() => undefined)
      .then((status) => {
        if (status !== OK) refused += 1;
        waitsMs.push(performance.now() - dueMs);
        underWay.delete(answer);
      });
    underWay.add(answer);
  }, EVERY_MS);
  return {
    async end() {
      clearInterval(timer);
      const seconds = (performance.now() - beganMs) / MS_PER_SECOND;
      await Promise.all(underWay);
      return { speed: toSpeed(waitsMs, seconds), refused };
    },
  };
}

import type { Watch } from '../../src/app.ts';
import { watchEffects } from './effects.ts';

/** Makes effects of the service fail, by the names that `watchEffects` gives them. */
export interface FailingEffects {
  /** For `buildApp`. */
  readonly watch: Watch;
  /** Every effect so far, in order. */
  readonly seen: string[];
  /** Fails the effect the next `times` times. */
  fail(effect: string, error: Error, times?: number): void;
  /** No effect fails from now on. */
  clear(): void;
}

export function failingEffects(): FailingEffects {
  const failures = new Map<string, { times: number; readonly error: Error }>();
  const seen: string[] = [];
  return {
    seen,
    watch: watchEffects({
      before(effect) {
        seen.push(effect);
        const failure = failures.get(effect);
        if (!failure || failure.times === 0) return;
        failure.times -= 1;
        throw failure.error;
      },
      after: () => undefined,
    }),
    fail: (effect, error, times = Number.POSITIVE_INFINITY) => void failures.set(effect, { times, error }),
    clear: () => failures.clear(),
  };
}

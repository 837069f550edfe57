import { watchEffects } from './effects.ts';

/** Makes effects of the service fail, by the names that `watchEffects` gives them. */
export function failingEffects() {
  const failures = new Map<string, { times: number; readonly error: Error }>();
  const seen: string[] = [];
  return {
    /** Every effect so far, in order. */
    seen,
    /** For `buildApp`. */
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
    /** Fails the effect the next `times` times. */
    fail: (effect: string, error: Error, times = Number.POSITIVE_INFINITY) =>
      void failures.set(effect, { times, error }),
    clear: () => failures.clear(),
  };
}

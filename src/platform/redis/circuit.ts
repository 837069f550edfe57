import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleAll } from 'cockatiel';
import { withTimeLimit } from '../../kernel/time-limit.ts';

/** Called once when the circuit opens, with the last error, and once when it closes. */
export type OnCircuit = (isOpen: boolean, error?: unknown) => void;

/** Longest wait of a request for one answer of Redis. */
export const TIMEOUT_MS = 100;
/** Several failures in a row, because a cluster that has lost one of three nodes is still worth asking. */
const FAILURES_BEFORE_OPEN = 5;
/** After this, one call tests Redis, and the others fail at once instead of waiting for it. */
const OPEN_FOR_MS = 1_000;

/** A circuit breaker around Redis: each call has a time limit, and fails at once while Redis is unavailable. */
export class Circuit {
  readonly #breaker = circuitBreaker(handleAll, {
    halfOpenAfter: OPEN_FOR_MS,
    breaker: new ConsecutiveBreaker(FAILURES_BEFORE_OPEN),
  });

  constructor(onChange: OnCircuit) {
    let isOpen = false;
    this.#breaker.onBreak((reason) => {
      if (!isOpen) onChange(true, 'error' in reason ? reason.error : undefined);
      isOpen = true;
    });
    this.#breaker.onReset(() => {
      isOpen = false;
      onChange(false);
    });
  }

  /**
   * Resolves as `work` does within `TIMEOUT_MS`. Rejects with its error, with a timeout, or at once while the circuit is
   * open. Work that timed out may still take effect later.
   */
  async run<Value>(work: () => Promise<Value>): Promise<Value> {
    if (this.#breaker.state === CircuitState.HalfOpen) throw new Error('the circuit to Redis is open');
    return this.#breaker.execute(() => within(work(), TIMEOUT_MS));
  }
}

/** Resolves as `value` does, or rejects when Redis does not answer in time. */
export function within<Value>(value: Promise<Value>, timeoutMs: number): Promise<Value> {
  return withTimeLimit(timeoutMs, value, () => {
    throw new Error(`Redis did not answer within ${timeoutMs} ms`);
  });
}

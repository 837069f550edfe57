import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleAll } from 'cockatiel';
import { withTimeLimit } from '../../kernel/time-limit.ts';

/** Stands between the service and a Redis that may be away: a bounded wait for an answer, and none while it is away. */
export interface Circuit {
  /**
   * What `work` gives within `TIMEOUT_MS`. Rejects with its error, with a timeout, or at once while Redis is left
   * alone; the work itself may still happen later.
   */
  run<Value>(work: () => Promise<Value>): Promise<Value>;
}

/** Told once when Redis is left alone, with the last error, and once when it is used again. */
export type OnCircuit = (isOpen: boolean, error?: unknown) => void;

/** The longest that one question to Redis keeps a request. */
export const TIMEOUT_MS = 100;
/** So many in a row, because a cluster that has lost one node in three is still worth asking. */
const FAILURES_BEFORE_OPEN = 5;
/** Then it is left alone for so long; after that one question tries it, and the others do not wait for that one. */
const OPEN_FOR_MS = 1_000;

export function createCircuit(onChange: OnCircuit): Circuit {
  const breaker = circuitBreaker(handleAll, {
    halfOpenAfter: OPEN_FOR_MS,
    breaker: new ConsecutiveBreaker(FAILURES_BEFORE_OPEN),
  });
  let isOpen = false;
  breaker.onBreak((reason) => {
    if (!isOpen) onChange(true, 'error' in reason ? reason.error : undefined);
    isOpen = true;
  });
  breaker.onReset(() => {
    isOpen = false;
    onChange(false);
  });
  return {
    async run(work) {
      if (breaker.state === CircuitState.HalfOpen) throw new RedisLeftAlone();
      return breaker.execute(() => within(work(), TIMEOUT_MS));
    },
  };
}

/** Redis has not answered for a while, and is not asked for now. */
class RedisLeftAlone extends Error {
  constructor() {
    super('Redis is left alone for now');
    this.name = 'RedisLeftAlone';
  }
}

/** The value, or a rejection when Redis does not answer in time. */
export function within<Value>(value: Promise<Value>, timeoutMs: number): Promise<Value> {
  return withTimeLimit(timeoutMs, value, () => {
    throw new Error(`Redis did not answer within ${timeoutMs} ms`);
  });
}

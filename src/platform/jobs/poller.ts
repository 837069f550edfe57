import { setTimeout as wait } from 'node:timers/promises';

/** Work done in the background, again and again, in one place at a time of this process. */
export interface Poller {
  /** Does the work now rather than at the next turn. Cheap: call it whenever there may be something. */
  wake(): void;
  /** Resolves when the turn under way has ended; there is none after it. */
  stop(): Promise<void>;
}

export interface PollerOptions {
  readonly intervalMs: number;
  /** Resolves true when there may be more to do at once. */
  readonly turn: () => Promise<boolean>;
  /** Told why a turn failed; the next one comes after `RETRY_AFTER_FAILURE_MS` or the interval, whichever is longer. */
  readonly onError: (error: unknown) => void;
}

const RETRY_AFTER_FAILURE_MS = 250;

/** Starts the work and repeats it each `intervalMs`, or at once while a turn says there is more. */
export function startPoller({ intervalMs, turn, onError }: PollerOptions): Poller {
  const stopping = new AbortController();
  let woken = Promise.withResolvers<void>();

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      const ended = await oneTurn();
      if (ended === 'more') continue;
      if (ended === 'failed') await pause(RETRY_AFTER_FAILURE_MS);
      await Promise.race([woken.promise, pause(intervalMs)]);
      woken = Promise.withResolvers();
    }
  }

  async function oneTurn(): Promise<'more' | 'idle' | 'failed'> {
    try {
      return (await turn()) ? 'more' : 'idle';
    } catch (error) {
      onError(error);
      return 'failed';
    }
  }

  const pause = (ms: number) => wait(ms, undefined, { signal: stopping.signal }).catch(() => undefined);
  const ended = loop();
  return {
    wake: () => woken.resolve(),
    stop() {
      stopping.abort();
      woken.resolve();
      return ended;
    },
  };
}

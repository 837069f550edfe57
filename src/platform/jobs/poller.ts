/** Calls a waiting poller. Ringing is cheap and never lost: a poller at work hears it afterwards. */
export interface Bell {
  ring(): void;
  /** Resolves when the bell was rung since the last time, or after `ms`. One waits at a time. */
  wait(ms: number): Promise<void>;
}

export function createBell(): Bell {
  let rung = false;
  let waiting: (() => void) | undefined;
  return {
    ring() {
      rung = true;
      waiting?.();
    },
    wait(ms) {
      return new Promise((done) => {
        const finish = () => {
          clearTimeout(timer);
          waiting = undefined;
          rung = false;
          done();
        };
        const timer = setTimeout(finish, ms);
        waiting = finish;
        if (rung) finish();
      });
    },
  };
}

/** Work done in the background, again and again, one turn at a time in this process. */
export interface Poller {
  /** Resolves when the turn under way has ended; there is none after it. */
  stop(): Promise<void>;
}

export interface PollerOptions {
  /** Turns come at least this often. */
  readonly intervalMs: number;
  /** Rung when there may be something to do at once. */
  readonly bell: Bell;
  /** Resolves true when there may be more to do at once. */
  readonly turn: () => Promise<boolean>;
  /** Told why a turn failed; the next one comes after `RETRY_AFTER_FAILURE_MS` or the interval, whichever is shorter. */
  readonly onError: (error: unknown) => void;
}

const RETRY_AFTER_FAILURE_MS = 250;

/** Starts the work and repeats it each `intervalMs`, when the bell rings, or at once while a turn says there is more. */
export function startPoller({ intervalMs, bell, turn, onError }: PollerOptions): Poller {
  let stopping = false;

  async function loop(): Promise<void> {
    while (!stopping) {
      try {
        if (await turn()) continue;
        if (!stopping) await bell.wait(intervalMs);
      } catch (error) {
        onError(error);
        if (!stopping) await bell.wait(Math.min(RETRY_AFTER_FAILURE_MS, intervalMs));
      }
    }
  }

  const ended = loop();
  return {
    stop() {
      stopping = true;
      bell.ring();
      return ended;
    },
  };
}

/** Wakes a waiting poller. A ring is cheap and never lost: a busy poller starts another turn after the current one. */
export interface Bell {
  ring(): void;
  /** Resolves when the bell has been rung since the last wait, or after `ms`. There is one waiting caller at a time. */
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

/** Repeated background work, one turn at a time in this process. */
export interface Poller {
  /** Starts no further turn, and resolves when the current one has ended. */
  stop(): Promise<void>;
}

const RETRY_AFTER_FAILURE_MS = 250;

/**
 * Starts the first turn, and the next one after `intervalMs`, when the bell rings, or at once if the turn resolved true (it
 * found more to do). After a failed turn, `onError` is called and the next turn starts after `RETRY_AFTER_FAILURE_MS` or
 * the interval, whichever is shorter.
 */
export function startPoller({
  intervalMs,
  bell,
  turn,
  onError,
}: {
  readonly intervalMs: number;
  readonly bell: Bell;
  readonly turn: () => Promise<boolean>;
  readonly onError: (error: unknown) => void;
}): Poller {
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

/** A job that goes on failing is told of again after this. */
const TELL_AGAIN_MS = 60_000;

export interface FailureReport {
  /** Told of the first failure, of one with another reason, and once a minute while it goes on; `failures`: in a row so far. */
  onFailure(error: unknown, failures: number): void;
  /** Told when a turn succeeds after so many that failed. */
  onRecovery(failures: number): void;
  readonly nowMs: () => number;
}

/** The same turn, whose failures are told of: a server that is away fails every turn, several times a second. */
export function reportFailures(
  turn: () => Promise<boolean>,
  { onFailure, onRecovery, nowMs }: FailureReport,
): () => Promise<boolean> {
  let failures = 0;
  let toldAtMs = 0;
  let toldReason: string | undefined;

  function tell(error: unknown): void {
    failures += 1;
    const reason = error instanceof Error ? error.message : String(error);
    if (reason === toldReason && nowMs() - toldAtMs < TELL_AGAIN_MS) return;
    toldAtMs = nowMs();
    toldReason = reason;
    onFailure(error, failures);
  }

  return async () => {
    try {
      const isMore = await turn();
      if (failures > 0) onRecovery(failures);
      failures = 0;
      toldReason = undefined;
      return isMore;
    } catch (error) {
      tell(error);
      throw error;
    }
  };
}

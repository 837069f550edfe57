import { MS_PER_MINUTE } from '../../kernel/clock.ts';

/** A job that keeps failing for the same reason is reported again after this. */
const REPORT_AGAIN_MS = MS_PER_MINUTE;

export interface FailureReport {
  /** Called for the first failure, for a failure with another reason, and once a minute; `failures` counts them in a row. */
  onFailure(error: unknown, failures: number): void;
  /** Called when a turn succeeds after `failures` failed turns. */
  onRecovery(failures: number): void;
  readonly nowMs: () => number;
}

/** A turn that reports its failures. An unavailable server fails every turn, several times a second, so not all are reported. */
export function reportFailures(
  turn: () => Promise<boolean>,
  { onFailure, onRecovery, nowMs }: FailureReport,
): () => Promise<boolean> {
  let failures = 0;
  let reportedAtMs = 0;
  let reportedReason: string | undefined;

  function report(error: unknown): void {
    failures += 1;
    const reason = error instanceof Error ? error.message : String(error);
    if (reason === reportedReason && nowMs() - reportedAtMs < REPORT_AGAIN_MS) return;
    reportedAtMs = nowMs();
    reportedReason = reason;
    onFailure(error, failures);
  }

  return async () => {
    try {
      const isMore = await turn();
      if (failures > 0) onRecovery(failures);
      failures = 0;
      reportedReason = undefined;
      return isMore;
    } catch (error) {
      report(error);
      throw error;
    }
  };
}

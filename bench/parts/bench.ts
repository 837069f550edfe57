import type { Pgbench } from '../stage/pgbench.ts';
import type { Stage } from '../stage/stage.ts';

/** What each part of the bench is given. */
export interface Bench {
  readonly stage: Stage;
  /** PostgreSQL's own load generator; undefined where it is not installed. */
  readonly pgbench: Pgbench | undefined;
  /** In under two minutes, for the ratios alone. */
  readonly isQuick: boolean;
  /** Shows progress. */
  readonly say: (line: string) => void;
}

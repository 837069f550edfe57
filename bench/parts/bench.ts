import type { Pgbench } from '../stage/pgbench.ts';
import type { Stage } from '../stage/stage.ts';

/** The input of each part of the bench. */
export interface Bench {
  readonly stage: Stage;
  /** PostgreSQL's load generator, if it is installed. */
  readonly pgbench: Pgbench | undefined;
  /** Whether to measure only the ratios, in under two minutes. */
  readonly isQuick: boolean;
  /** Shows progress. */
  readonly say: (line: string) => void;
}

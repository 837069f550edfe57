import type { Job } from '../../platform/feature.ts';
import type { Database } from '../../platform/postgres/database.ts';
import { foldCounted } from './sales.store.ts';

/** How often rows of sums are merged. It changes no sum and makes figures faster. */
const FOLDING_MS = 2_000;

/** Merges the rows of each key into one. */
export function folding(database: Database): Job {
  return { name: 'folding', everyMs: FOLDING_MS, turn: () => foldCounted(database) };
}

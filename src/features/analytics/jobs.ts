import type { Job } from '../../platform/feature.ts';
import type { Database } from '../../platform/postgres/database.ts';
import { foldCounted } from './sales.store.ts';

/** Sums are exact without it; answers add up fewer rows with it. */
const FOLDING_MS = 2_000;

/** Makes one row of the rows that were counted apart. */
export function folding(database: Database): Job {
  return { name: 'folding', everyMs: FOLDING_MS, turn: () => foldCounted(database) };
}

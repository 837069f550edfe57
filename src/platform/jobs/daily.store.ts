import { type Instant, later, MS_PER_DAY, MS_PER_HOUR, toRfc3339 } from '../../kernel/clock.ts';
import type { Executor } from '../postgres/database.ts';

/** A job that failed, or whose process crashed, is tried again after this. */
const CLAIM_MS = MS_PER_HOUR;

const CLAIM = {
  name: 'daily-job-claim',
  text: `INSERT INTO daily_jobs AS j (name, due_at) VALUES ($1, $3::timestamptz)
         ON CONFLICT (name) DO UPDATE SET due_at = EXCLUDED.due_at WHERE j.due_at <= $2::timestamptz
         RETURNING name`,
};

/** Claims a daily job that is due; false when it is not due or claimed. The caller ends it with `markDailyJobDone`. */
export async function claimDailyJob(executor: Executor, name: string, now: Instant): Promise<boolean> {
  const again = later(now, CLAIM_MS);
  return (await executor.rows(CLAIM, [name, toRfc3339(now), toRfc3339(again)])).length > 0;
}

const DONE = { name: 'daily-job-done', text: 'UPDATE daily_jobs SET due_at = $2::timestamptz WHERE name = $1' };

/** Marks the job done; it is due again a day later. */
export async function markDailyJobDone(executor: Executor, name: string, now: Instant): Promise<void> {
  await executor.rows(DONE, [name, toRfc3339(later(now, MS_PER_DAY))]);
}

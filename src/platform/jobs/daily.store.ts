import { type Instant, later, MS_PER_DAY, toRfc3339 } from '../../kernel/clock.ts';
import type { Executor } from '../postgres/database.ts';

/** A job that failed, or whose process died, is tried again after this. */
const CLAIM_MS = 3_600_000;

const CLAIM = {
  name: 'daily-job-claim',
  text: `INSERT INTO daily_jobs AS j (name, due_at) VALUES ($1, $3::timestamptz)
         ON CONFLICT (name) DO UPDATE SET due_at = EXCLUDED.due_at WHERE j.due_at <= $2::timestamptz
         RETURNING name`,
};

/** Whether a job is to be done now, by this caller alone; it says so with `markDailyJobDone`. */
export async function claimDailyJob(executor: Executor, name: string, now: Instant): Promise<boolean> {
  const again = later(now, CLAIM_MS);
  return (await executor.rows(CLAIM, [name, toRfc3339(now), toRfc3339(again)])).length > 0;
}

const DONE = {
  name: 'daily-job-done',
  text: 'UPDATE daily_jobs SET due_at = $2::timestamptz WHERE name = $1',
};

/** The job is done, and due again a day later. */
export async function markDailyJobDone(executor: Executor, name: string, now: Instant): Promise<void> {
  await executor.rows(DONE, [name, toRfc3339(later(now, MS_PER_DAY))]);
}

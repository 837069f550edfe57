import { type Instant, toRfc3339 } from '../../kernel/clock.ts';
import type { Executor } from '../postgres/database.ts';

const CLAIM = {
  name: 'daily-job-claim',
  text: `INSERT INTO daily_jobs AS j (name, ran_at) VALUES ($1, $2::timestamptz)
         ON CONFLICT (name) DO UPDATE SET ran_at = EXCLUDED.ran_at WHERE j.ran_at <= $2::timestamptz - interval '24 hours'
         RETURNING name`,
};

/** Whether a job is to be done now, by this caller: once in 24 hours among all processes. */
export async function claimDailyJob(executor: Executor, name: string, now: Instant): Promise<boolean> {
  return (await executor.rows(CLAIM, [name, toRfc3339(now)])).length > 0;
}

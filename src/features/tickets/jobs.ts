import type { Core } from '../../platform/core.ts';
import type { Job } from '../../platform/feature.ts';
import { claimDailyJob, markDailyJobDone } from '../../platform/jobs/daily.store.ts';
import type { EarlierCodes } from './earlier-codes.ts';

/** Reads the pictures that the earlier service stored. One of the processes logs the counts at the end. */
export function readEarlierCodes(
  { database, clock, log }: Pick<Core, 'database' | 'clock' | 'log'>,
  earlierCodes: EarlierCodes,
  everyMs: number,
): Job {
  return {
    name: 'earlierCodes',
    everyMs,
    async turn() {
      if (await earlierCodes.readDue()) return true;
      const counts = await earlierCodes.finished();
      if (!counts) return false;
      if (await claimDailyJob(database, 'earlier-codes', clock.now())) {
        const level = counts.unreadable > 0 ? 'warn' : 'info';
        log[level](counts, 'all QR codes of the earlier service have been read');
        await markDailyJobDone(database, 'earlier-codes', clock.now());
      }
      earlierCodes.markLogged();
      return false;
    },
  };
}

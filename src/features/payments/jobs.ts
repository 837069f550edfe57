import { later, MS_PER_DAY, MS_PER_MINUTE } from '../../kernel/clock.ts';
import type { Core } from '../../platform/core.ts';
import type { Job } from '../../platform/feature.ts';
import { claimDailyJob, markDailyJobDone } from '../../platform/jobs/daily.store.ts';
import { deleteOldWebhooks } from './receive-webhook.ts';
import type { Reconcile } from './reconcile-payments.ts';

const DAILY = 'reconcile';

/** The work of the jobs. */
interface PaymentWork {
  readonly webhooks: Job['turn'];
  readonly refunds: Job['turn'];
  readonly undecided: Job['turn'];
  readonly reconcile: Reconcile;
}

/** The background jobs of payments. `reconcileDays`: how far back the comparison looks; 0: never compare. */
export function paymentJobs(
  core: Core,
  { sweepMs, reconcileDays }: { readonly sweepMs: number; readonly reconcileDays: number },
  { webhooks, refunds, undecided, reconcile }: PaymentWork,
): readonly Job[] {
  return [
    { name: 'webhooks', everyMs: sweepMs, turn: webhooks },
    { name: 'refunds', everyMs: sweepMs, turn: refunds },
    { name: 'decision', everyMs: sweepMs, turn: undecided },
    { name: 'reconciliation', everyMs: MS_PER_MINUTE, turn: () => reconcileDaily(core, reconcile, reconcileDays) },
    { name: 'webhookForgetting', everyMs: MS_PER_MINUTE, turn: () => deleteOldWebhooks(core) },
  ];
}

/**
 * The comparison with Stripe, if that of the day is due; one of the processes makes it. It logs differences that an operator
 * has to repair.
 */
async function reconcileDaily(
  { database, clock, log }: Pick<Core, 'database' | 'clock' | 'log'>,
  reconcile: Reconcile,
  days: number,
): Promise<false> {
  if (days === 0 || !(await claimDailyJob(database, DAILY, clock.now()))) return false;
  const { compared, differences } = await reconcile(later(clock.now(), -days * MS_PER_DAY));
  await markDailyJobDone(database, DAILY, clock.now());
  const repaired = differences.filter(({ isRepaired }) => isRepaired).length;
  log.info({ compared, repaired }, 'payments compared with Stripe');
  for (const { intentId, orderId, detail, isRepaired } of differences) {
    if (isRepaired) log.warn({ intentId, orderId, detail }, 'payment repaired');
    else log.error({ intentId, orderId, detail }, 'payments differ');
  }
  return false;
}

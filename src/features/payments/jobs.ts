import { later, MS_PER_DAY, MS_PER_MINUTE } from '../../kernel/clock.ts';
import type { Core } from '../../platform/core.ts';
import type { Job } from '../../platform/feature.ts';
import { claimDailyJob, markDailyJobDone } from '../../platform/jobs/daily.store.ts';
import { type ApplyWebhook, dueWebhooks } from './apply-webhook.ts';
import type { ReceiveWebhook } from './receive-webhook.ts';
import type { ReconcilePayments } from './reconcile-payments.ts';
import { dueRefunds, type SendRefund } from './send-refund.ts';
import type { SettlePayment } from './settle-payment.ts';
import { undecidedPayments } from './settle-undecided.ts';

const DAILY = 'reconcile';

/** The use cases that the jobs call. */
interface PaymentWork {
  readonly applyWebhook: ApplyWebhook;
  readonly sendRefund: SendRefund;
  readonly settlePayment: SettlePayment;
  readonly reconcilePayments: ReconcilePayments;
  readonly receiveWebhook: ReceiveWebhook;
}

interface Intervals {
  readonly sweepMs: number;
  readonly reconcileDays: number;
}

/** The background jobs of payments. */
export function paymentJobs(
  core: Core,
  { sweepMs, reconcileDays }: Intervals,
  { applyWebhook, sendRefund, settlePayment, reconcilePayments, receiveWebhook }: PaymentWork,
): readonly Job[] {
  const webhooks = dueWebhooks(core, applyWebhook);
  const refunds = dueRefunds(core, sendRefund);
  const undecided = undecidedPayments(core, settlePayment);
  const reconciliation = new DailyReconciliation(core, reconcilePayments, reconcileDays);
  return [
    { name: 'webhooks', everyMs: sweepMs, turn: webhooks },
    { name: 'refunds', everyMs: sweepMs, turn: refunds },
    { name: 'decision', everyMs: sweepMs, turn: undecided },
    { name: 'reconciliation', everyMs: MS_PER_MINUTE, turn: () => reconciliation.turn() },
    { name: 'webhookForgetting', everyMs: MS_PER_MINUTE, turn: () => receiveWebhook.deleteOld() },
  ];
}

/** The comparison with Stripe, once a day by one of the processes. It logs differences that an operator has to repair. */
class DailyReconciliation {
  readonly #core: Pick<Core, 'database' | 'clock' | 'log'>;
  readonly #reconcilePayments: ReconcilePayments;
  readonly #days: number;

  /** `days`: how far back it looks; 0: never compare. */
  constructor(core: Pick<Core, 'database' | 'clock' | 'log'>, reconcilePayments: ReconcilePayments, days: number) {
    this.#reconcilePayments = reconcilePayments;
    this.#days = days;
    this.#core = core;
  }

  /** Compares if the comparison of the day is due. */
  async turn(): Promise<boolean> {
    const isDue = this.#days > 0 && (await claimDailyJob(this.#core.database, DAILY, this.#core.clock.now()));
    if (!isDue) return false;
    const since = later(this.#core.clock.now(), -this.#days * MS_PER_DAY);
    const { compared, differences } = await this.#reconcilePayments.reconcile(since);
    await markDailyJobDone(this.#core.database, DAILY, this.#core.clock.now());
    const repaired = differences.filter(({ isRepaired }) => isRepaired).length;
    this.#core.log.info({ compared, repaired }, 'payments compared with Stripe');
    for (const { intentId, orderId, detail, isRepaired } of differences) {
      if (isRepaired) this.#core.log.warn({ intentId, orderId, detail }, 'payment repaired');
      else this.#core.log.error({ intentId, orderId, detail }, 'payments differ');
    }
    return false;
  }
}

import type { Core } from '../../platform/core.ts';
import { dueWork } from '../../platform/jobs/due-work.ts';
import { claimUndecided, type MoneyReceived, saveSettleFailure } from './payments.store.ts';
import type { SettlePayment } from './settle-payment.ts';

/** Settles money that was recorded by a process that crashed before it decided. */
export function undecidedPayments(
  { database, clock, failed }: Pick<Core, 'database' | 'clock' | 'failed'>,
  settlePayment: SettlePayment,
): () => Promise<boolean> {
  const onFailure = failed('decision');
  return dueWork<MoneyReceived>(
    {
      claim: (now, limit) => claimUndecided(database, now, limit),
      noteFailure: ({ intentId }, reason) => saveSettleFailure(database, intentId, reason),
    },
    clock,
    async (money) => {
      await settlePayment.settle(money);
    },
    (error, { orderId, intentId }) => onFailure(error, { orderId, paymentIntentId: intentId }),
  );
}

import { AppError } from '../../kernel/errors.ts';
import type { OnFailure } from '../../kernel/failures.ts';
import type { Core } from '../../platform/core.ts';
import { dueWork } from '../../platform/jobs/due-work.ts';
import type { Database } from '../../platform/postgres/database.ts';
import type { AlignPayment } from './align-payment.ts';
import type { PaymentProvider } from './payment-provider.ts';
import { lockPayment } from './payments.store.ts';
import { savePaymentState } from './refund-ledger.ts';
import { claimRefunds, type DueRefund, isRefundOpen, saveRefundFailure, saveRefundSent } from './refunds.store.ts';

interface SendNeeds {
  readonly database: Database;
  readonly stripe: Pick<PaymentProvider, 'refund'>;
  readonly alignPayment: AlignPayment;
  readonly onFailure: OnFailure;
}

/** The refunds to send. */
export function dueRefunds(
  { database, clock, failed }: Pick<Core, 'database' | 'clock' | 'failed'>,
  stripe: Pick<PaymentProvider, 'refund'>,
  alignPayment: AlignPayment,
): () => Promise<boolean> {
  const onFailure = failed('refunds');
  return dueWork<DueRefund>(
    {
      claim: (now, limit) => claimRefunds(database, now, limit),
      noteFailure: ({ refundId }, reason) => saveRefundFailure(database, refundId, reason),
    },
    clock,
    (refund) => send(refund, { database, stripe, alignPayment, onFailure }),
    (error, { refundId, intentId }) => onFailure(error, { refundId, paymentIntentId: intentId }),
  );
}

/** Sends a refund; Stripe pays it once, however often it is tried. Throws `payment_refused`, `payments_unavailable`. */
async function send({ refundId, intentId, amountMinor, isFirstTry }: DueRefund, needs: SendNeeds): Promise<void> {
  const { database, stripe, alignPayment, onFailure } = needs;
  if (!isFirstTry) {
    // Stripe forgets the idempotency key after a day, and a refund may be tried again much later, so the account is read.
    await alignPayment.align(intentId);
    if (!(await isRefundOpen(database, refundId))) return;
  }
  try {
    const providerId = await stripe.refund(intentId, amountMinor, refundId, isFirstTry);
    await database.transaction(async (tx) => {
      const payment = await lockPayment(tx, intentId);
      await saveRefundSent(tx, refundId, providerId);
      if (payment) await savePaymentState(tx, payment);
    });
  } catch (error) {
    // A refusal can mean that the payment was refunded in the provider's dashboard.
    if (error instanceof AppError && error.code === 'payment_refused') {
      await alignPayment
        .align(intentId)
        .catch((failure) => onFailure(failure, { refundId, paymentIntentId: intentId }));
    }
    throw error;
  }
}

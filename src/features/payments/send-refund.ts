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

/** Sends a refund to Stripe. */
export class SendRefund {
  readonly #database: Database;
  readonly #stripe: Pick<PaymentProvider, 'refund'>;
  readonly #alignPayment: AlignPayment;
  readonly #onFailure: OnFailure;

  constructor(
    database: Database,
    stripe: Pick<PaymentProvider, 'refund'>,
    alignPayment: AlignPayment,
    onFailure: OnFailure,
  ) {
    this.#database = database;
    this.#stripe = stripe;
    this.#alignPayment = alignPayment;
    this.#onFailure = onFailure;
  }

  /** Sends a refund; Stripe pays it once, however often it is tried. Throws `payment_refused`, `payments_unavailable`. */
  async send(refund: DueRefund): Promise<void> {
    const { refundId, intentId, amountMinor, isFirstTry } = refund;
    if (!isFirstTry && (await this.#wasSent(refund))) return;
    try {
      const providerId = await this.#stripe.refund(intentId, amountMinor, refundId, isFirstTry);
      await this.#database.transaction(async (tx) => {
        const payment = await lockPayment(tx, intentId);
        await saveRefundSent(tx, refundId, providerId);
        if (payment) await savePaymentState(tx, payment);
      });
    } catch (error) {
      // A refusal can mean that the payment was refunded in the provider's dashboard.
      if (error instanceof AppError && error.code === 'payment_refused') await this.#align(refund);
      throw error;
    }
  }

  /**
   * Whether an earlier try succeeded. Stripe forgets the idempotency key after a day, and a refund may be tried again much
   * later, so the account is read.
   */
  async #wasSent({ refundId, intentId }: DueRefund): Promise<boolean> {
    await this.#alignPayment.align(intentId);
    return !(await isRefundOpen(this.#database, refundId));
  }

  async #align({ refundId, intentId }: DueRefund): Promise<void> {
    try {
      await this.#alignPayment.align(intentId);
    } catch (error) {
      this.#onFailure(error, { refundId, paymentIntentId: intentId });
    }
  }
}

/** The refunds to send. */
export function dueRefunds(
  { database, clock, failed }: Pick<Core, 'database' | 'clock' | 'failed'>,
  sendRefund: SendRefund,
): () => Promise<boolean> {
  const onFailure = failed('refunds');
  return dueWork<DueRefund>(
    {
      claim: (now, limit) => claimRefunds(database, now, limit),
      noteFailure: ({ refundId }, reason) => saveRefundFailure(database, refundId, reason),
    },
    clock,
    (refund) => sendRefund.send(refund),
    (error, { refundId, intentId }) => onFailure(error, { refundId, paymentIntentId: intentId }),
  );
}

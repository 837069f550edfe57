import { unreachable } from '../../kernel/errors.ts';
import type { Core } from '../../platform/core.ts';
import { dueWork } from '../../platform/jobs/due-work.ts';
import type { Database } from '../../platform/postgres/database.ts';
import type { OrderBook } from '../orders/index.ts';
import type { AlignPayment } from './align-payment.ts';
import { claimEvents, type InboxEvent, type InboxSubject, saveApplied, saveApplyFailure } from './inbox.store.ts';
import type { SettlePayment } from './settle-payment.ts';

interface ApplyNeeds {
  readonly orders: OrderBook;
  readonly settlePayment: SettlePayment;
  readonly alignPayment: AlignPayment;
}

/** The stored webhooks that are to be applied. */
export function dueWebhooks(
  { database, clock, traces, failed }: Pick<Core, 'database' | 'clock' | 'traces' | 'failed'>,
  needs: ApplyNeeds,
): () => Promise<boolean> {
  const onFailure = failed('webhooks');
  return dueWork<InboxEvent>(
    {
      claim: (now, limit) => claimEvents(database, now, limit),
      noteFailure: ({ eventId }, reason) => saveApplyFailure(database, eventId, reason),
    },
    clock,
    async ({ eventId, traceparent, about }) => {
      await traces.resume('apply webhook', traceparent, () => apply(database, about, needs));
      await saveApplied(database, eventId, clock.now());
    },
    (error, { eventId, about }) =>
      onFailure(error, {
        webhookId: eventId,
        paymentIntentId: about.intentId,
        orderId: about.kind === 'paid' ? about.orderId : undefined,
      }),
  );
}

/** Applies an event. It ignores events of other orders, because another system can share the Stripe account. */
async function apply(
  database: Database,
  about: InboxSubject,
  { orders, settlePayment, alignPayment }: ApplyNeeds,
): Promise<void> {
  switch (about.kind) {
    case 'paid': {
      const { intentId, orderId: named, amountMinor, currency } = about;
      if (amountMinor <= 0) return;
      const orderId = named ?? (await orders.orderOfIntent(database, intentId));
      if (orderId === undefined || !(await orders.find(database, orderId))) return;
      await settlePayment.settle({ intentId, orderId, source: 'stripe', amountMinor, currency });
      return;
    }
    case 'money_went_back':
      await alignPayment.align(about.intentId);
      return;
    default:
      unreachable(about);
  }
}

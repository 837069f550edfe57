import { unreachable } from '../../kernel/errors.ts';
import type { Core } from '../../platform/core.ts';
import { dueWork } from '../../platform/jobs/due-work.ts';
import type { Database } from '../../platform/postgres/database.ts';
import type { OrderBook } from '../orders/index.ts';
import type { AlignPayment } from './align-payment.ts';
import { claimEvents, type InboxEvent, type InboxSubject, saveApplied, saveApplyFailure } from './inbox.store.ts';
import type { SettlePayment } from './settle-payment.ts';

/** Applies stored webhooks. */
export class ApplyWebhook {
  readonly #database: Database;
  readonly #orders: OrderBook;
  readonly #settlePayment: SettlePayment;
  readonly #alignPayment: AlignPayment;

  constructor(database: Database, orders: OrderBook, settlePayment: SettlePayment, alignPayment: AlignPayment) {
    this.#database = database;
    this.#orders = orders;
    this.#settlePayment = settlePayment;
    this.#alignPayment = alignPayment;
  }

  /** Applies an event. It ignores events of other orders, because another system can share the Stripe account. */
  async apply(about: InboxSubject): Promise<void> {
    switch (about.kind) {
      case 'paid':
        return this.#applyPaid(about);
      case 'money_went_back':
        await this.#alignPayment.align(about.intentId);
        return;
      default:
        unreachable(about);
    }
  }

  async #applyPaid({ intentId, orderId: named, amountMinor, currency }: InboxSubject & { kind: 'paid' }) {
    if (amountMinor <= 0) return;
    const orderId = named ?? (await this.#orders.orderOfIntent(this.#database, intentId));
    if (orderId === undefined || !(await this.#orders.find(this.#database, orderId))) return;
    await this.#settlePayment.settle({ intentId, orderId, source: 'stripe', amountMinor, currency });
  }
}

/** The stored webhooks that are to be applied. */
export function dueWebhooks(
  { database, clock, traces, failed }: Pick<Core, 'database' | 'clock' | 'traces' | 'failed'>,
  applyWebhook: ApplyWebhook,
): () => Promise<boolean> {
  const onFailure = failed('webhooks');
  return dueWork<InboxEvent>(
    {
      claim: (now, limit) => claimEvents(database, now, limit),
      noteFailure: ({ eventId }, reason) => saveApplyFailure(database, eventId, reason),
    },
    clock,
    async ({ eventId, traceparent, about }) => {
      await traces.resume('apply webhook', traceparent, () => applyWebhook.apply(about));
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

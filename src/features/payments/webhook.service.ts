import type { Clock } from '../../kernel/clock.ts';
import type { OrderId, PaymentIntentId } from '../../kernel/ids.ts';
import type { Database } from '../../platform/postgres/database.ts';
import { claimEvents, type InboxEvent, markApplied, noteApplyFailure, storeEvent } from './inbox.store.ts';
import type { PaymentProvider, ProviderEvent } from './payment.ports.ts';
import { refundKey } from './payment.rules.ts';
import { claimRefunds, markRefunded, noteRefundFailure } from './payment.store.ts';
import type { SettleMoney } from './settlement.ts';

export interface WebhookService {
  /**
   * Checks the signature and keeps the event; its effect follows in `applyDue`. Throws `webhook_signature_invalid`.
   */
  receive(body: Buffer, signature: string | undefined): Promise<void>;
  /** Applies kept events that are due; true when there may be more. */
  applyDue(): Promise<boolean>;
  /** Carries out refunds that are due; true when there may be more. */
  refundDue(): Promise<boolean>;
}

export interface WebhookServiceOptions {
  readonly database: Database;
  readonly provider: PaymentProvider;
  readonly settleMoney: SettleMoney;
  readonly orderExists: (orderId: OrderId) => Promise<boolean>;
  readonly orderOfIntent: (intentId: PaymentIntentId) => Promise<OrderId | undefined>;
  readonly clock: Clock;
  readonly onStored: () => void;
  readonly onError: (error: unknown) => void;
}

const BATCH = 64;
const CONCURRENT = 8;
/** Only money moves an order: a declined card leaves it pending, a cancelled intent is replaced by the next attempt. */
const MONEY_CAME = 'payment_intent.succeeded';
const MAX_REASON_CHARS = 500;

export function createWebhookService(options: WebhookServiceOptions): WebhookService {
  const { database, provider, clock } = options;
  return {
    async receive(body, signature) {
      const event = provider.readWebhook(body, signature, clock.now());
      if (event.type !== MONEY_CAME) return;
      await storeEvent(database, toInbox(event), clock.now());
      options.onStored();
    },

    async applyDue() {
      const events = await claimEvents(database, clock.now(), BATCH);
      await inParallel(events, async (event) => {
        try {
          await applyEvent(event, options);
          await markApplied(database, event.event_id, clock.now());
        } catch (error) {
          options.onError(error);
          await noteApplyFailure(database, event.event_id, reasonOf(error));
        }
      });
      return events.length === BATCH;
    },

    async refundDue() {
      const intents = await claimRefunds(database, clock.now(), BATCH);
      await inParallel(intents, async (intentId) => {
        try {
          await markRefunded(database, intentId, await provider.refund(intentId, refundKey(intentId)));
        } catch (error) {
          options.onError(error);
          await noteRefundFailure(database, intentId, reasonOf(error));
        }
      });
      return intents.length === BATCH;
    },
  };
}

function toInbox({ eventId, type, intent }: ProviderEvent): InboxEvent {
  return {
    event_id: eventId,
    type,
    payment_intent_id: intent?.intentId ?? null,
    order_id: intent?.orderId ?? null,
    amount_minor: intent?.received ?? null,
    currency: intent?.currency ?? null,
  };
}

/** An event that is not about an order of ours is done: another system can share the Stripe account. */
async function applyEvent(event: InboxEvent, options: WebhookServiceOptions): Promise<void> {
  const { payment_intent_id: intentId, amount_minor: amountMinor, currency } = event;
  if (intentId === null || amountMinor === null || currency === null || amountMinor <= 0) return;
  const orderId = event.order_id ?? (await options.orderOfIntent(intentId));
  if (orderId === undefined || !(await options.orderExists(orderId))) return;
  await options.settleMoney({ intentId, orderId, amountMinor, currency });
}

async function inParallel<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const queue = items.values();
  const workers = Array.from({ length: CONCURRENT }, async () => {
    for (const item of queue) await work(item);
  });
  await Promise.all(workers);
}

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, MAX_REASON_CHARS);
}

import { type Clock, later } from '../../kernel/clock.ts';
import { eachOf } from '../../kernel/concurrency.ts';
import { reasonOf, unreachable } from '../../kernel/errors.ts';
import type { FailureSubject, OnFailure } from '../../kernel/failures.ts';
import type { OrderId, PaymentIntentId } from '../../kernel/ids.ts';
import type { Traces } from '../../kernel/trace.ts';
import type { Database } from '../../platform/postgres/database.ts';
import type { AlignIntent } from './alignment.ts';
import {
  claimEvents,
  forgetApplied,
  type InboxEvent,
  markApplied,
  noteApplyFailure,
  storeEvent,
} from './inbox.store.ts';
import type { EventSubject, PaymentProvider, ProviderEvent } from './payment.ports.ts';
import type { SettleMoney } from './settlement.ts';

export interface WebhookService {
  /**
   * Checks the signature and keeps the event; its effect follows in `applyDue`. Throws `webhook_signature_invalid`,
   * `invalid_request`.
   */
  receive(body: Buffer, signature: string | undefined): Promise<void>;
  /** Applies kept events that are due; true when there may be more. */
  applyDue(): Promise<boolean>;
  /** Removes events whose effect was long ago; true when there may be more. */
  forgetOld(): Promise<boolean>;
}

export interface WebhookServiceOptions {
  readonly database: Database;
  readonly provider: PaymentProvider;
  readonly settleMoney: SettleMoney;
  readonly align: AlignIntent;
  readonly orderExists: (orderId: OrderId) => Promise<boolean>;
  readonly orderOfIntent: (intentId: PaymentIntentId) => Promise<OrderId | undefined>;
  readonly clock: Clock;
  readonly traces: Traces;
  /** Told of each genuine event, whatever becomes of it. */
  readonly onReceived: (kind: EventSubject['kind']) => void;
  readonly onError: OnFailure;
}

const BATCH = 64;
const CONCURRENT = 8;
/** Stripe itself tells of an event for so long; one that comes even later is known by its payment. */
const KEPT_MS = 30 * 86_400_000;
const FORGET_BATCH = 10_000;

export function createWebhookService(options: WebhookServiceOptions): WebhookService {
  const { database, provider, clock } = options;
  return {
    async receive(body, signature) {
      const event = provider.readWebhook(body, signature, clock.now());
      options.onReceived(event.about.kind);
      const kept = toInbox(event, options.traces.current() ?? null);
      if (kept === undefined) return;
      await storeEvent(database, kept, clock.now());
    },

    async applyDue() {
      const events = await claimEvents(database, clock.now(), BATCH);
      await eachOf(events, CONCURRENT, async (event) => {
        try {
          const apply = () => applyEvent(event, options);
          await options.traces.resume('apply webhook', event.traceparent ?? undefined, apply);
          await markApplied(database, event.event_id, clock.now());
        } catch (error) {
          options.onError(error, subjectOf(event));
          await noteApplyFailure(database, event.event_id, reasonOf(error));
        }
      });
      return events.length === BATCH;
    },

    async forgetOld() {
      const forgotten = await forgetApplied(database, later(clock.now(), -KEPT_MS), FORGET_BATCH);
      return forgotten === FORGET_BATCH;
    },
  };
}

/**
 * What is kept of an event; undefined for one that moves nothing: a declined card leaves the order pending, a cancelled
 * intent is replaced by the next attempt, and the money of another mode is none.
 */
function toInbox(
  { eventId, type, about }: ProviderEvent,
  traceparent: string | null,
): InboxEvent | undefined {
  const event = { event_id: eventId, type, order_id: null, amount_minor: null, currency: null, traceparent };
  switch (about.kind) {
    case 'paid':
      return {
        ...event,
        payment_intent_id: about.intent.intentId,
        order_id: about.intent.orderId ?? null,
        amount_minor: about.intent.received,
        currency: about.intent.currency,
      };
    case 'money_went_back':
      return { ...event, payment_intent_id: about.intentId };
    case 'other_mode':
    case 'other':
      return undefined;
    default:
      return unreachable(about);
  }
}

function subjectOf(event: InboxEvent): FailureSubject {
  return {
    webhookId: event.event_id,
    paymentIntentId: event.payment_intent_id ?? undefined,
    orderId: event.order_id ?? undefined,
  };
}

/** An event that is not about an order of ours is done: another system can share the Stripe account. */
async function applyEvent(event: InboxEvent, options: WebhookServiceOptions): Promise<void> {
  const { payment_intent_id: intentId, amount_minor: amountMinor, currency } = event;
  if (intentId === null) return;
  if (amountMinor === null || currency === null) {
    await options.align(intentId);
    return;
  }
  if (amountMinor <= 0) return;
  const orderId = event.order_id ?? (await options.orderOfIntent(intentId));
  if (orderId === undefined || !(await options.orderExists(orderId))) return;
  await options.settleMoney({ intentId, orderId, amountMinor, currency });
}

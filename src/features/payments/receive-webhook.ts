import { later } from '../../kernel/clock.ts';
import { unreachable } from '../../kernel/errors.ts';
import type { Core } from '../../platform/core.ts';
import { deleteApplied, type InboxSubject, storeEvent } from './inbox.store.ts';
import type { EventSubject, PaymentProvider } from './payment-provider.ts';

/** Stripe redelivers events for up to 30 days; a later repetition is recognised by its payment. */
const KEPT_MS = 30 * 86_400_000;
const FORGET_BATCH = 10_000;

/**
 * Checks the signature and stores the event until it is applied, and longer to recognise repetitions. Throws
 * `webhook_signature_invalid`, `invalid_request`.
 */
export async function receiveWebhook(
  { database, clock, traces, metrics }: Pick<Core, 'database' | 'clock' | 'traces' | 'metrics'>,
  stripe: Pick<PaymentProvider, 'readWebhook'>,
  body: Buffer,
  signature: string | undefined,
): Promise<void> {
  const { eventId, type, about } = stripe.readWebhook(body, signature, clock.now());
  metrics.webhook(about.kind);
  const kept = toStored(about);
  if (kept) await storeEvent(database, { eventId, type, traceparent: traces.current(), about: kept }, clock.now());
}

/** Deletes events that were applied long ago; true when there may be more. */
export async function deleteOldWebhooks({ database, clock }: Pick<Core, 'database' | 'clock'>): Promise<boolean> {
  return (await deleteApplied(database, later(clock.now(), -KEPT_MS), FORGET_BATCH)) === FORGET_BATCH;
}

/**
 * The part of an event that is stored; undefined for an event without an effect: a declined card leaves the order pending, the
 * next attempt replaces a cancelled intent, and money of the other mode is not real.
 */
function toStored(about: EventSubject): InboxSubject | undefined {
  switch (about.kind) {
    case 'paid': {
      const { intentId, orderId, received: amountMinor, currency } = about.intent;
      return { kind: 'paid', intentId, orderId, amountMinor, currency };
    }
    case 'money_went_back':
      return { kind: 'money_went_back', intentId: about.intentId };
    case 'other_mode':
    case 'other':
      return undefined;
    default:
      return unreachable(about);
  }
}

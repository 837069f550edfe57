import { later } from '../../kernel/clock.ts';
import { unreachable } from '../../kernel/errors.ts';
import type { Core } from '../../platform/core.ts';
import { deleteApplied, type InboxSubject, storeEvent } from './inbox.store.ts';
import type { EventSubject, PaymentProvider } from './payment-provider.ts';

/** Stripe redelivers events for up to 30 days; a later repetition is recognised by its payment. */
const KEPT_MS = 30 * 86_400_000;
const FORGET_BATCH = 10_000;

/** Stores webhooks with a valid signature until they are applied, and longer to recognise repetitions. */
export class ReceiveWebhook {
  readonly #core: Pick<Core, 'database' | 'clock' | 'traces' | 'metrics'>;
  readonly #stripe: Pick<PaymentProvider, 'readWebhook'>;

  constructor(
    core: Pick<Core, 'database' | 'clock' | 'traces' | 'metrics'>,
    stripe: Pick<PaymentProvider, 'readWebhook'>,
  ) {
    this.#stripe = stripe;
    this.#core = core;
  }

  /** Checks the signature and stores the event. Throws `webhook_signature_invalid`, `invalid_request`. */
  async receive(body: Buffer, signature: string | undefined): Promise<void> {
    const { eventId, type, about } = this.#stripe.readWebhook(body, signature, this.#core.clock.now());
    this.#core.metrics.webhook(about.kind);
    const kept = toStored(about);
    if (kept === undefined) return;
    const event = { eventId, type, traceparent: this.#core.traces.current(), about: kept };
    await storeEvent(this.#core.database, event, this.#core.clock.now());
  }

  /** Deletes events that were applied long ago; true when there may be more. */
  async deleteOld(): Promise<boolean> {
    const before = later(this.#core.clock.now(), -KEPT_MS);
    return (await deleteApplied(this.#core.database, before, FORGET_BATCH)) === FORGET_BATCH;
  }
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

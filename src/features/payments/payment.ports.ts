import type { Instant } from '../../kernel/clock.ts';
import type { OrderId, PaymentIntentId } from '../../kernel/ids.ts';
import type { Currency, Money } from '../../kernel/money.ts';

/** What this service needs to know of a PaymentIntent. */
export interface Intent {
  readonly intentId: PaymentIntentId;
  readonly clientSecret: string;
  /** `open`: it can still be paid. `processing`: the bank has not said yet. */
  readonly state: 'open' | 'processing' | 'succeeded' | 'canceled';
  /** Minor units received; 0 until it succeeded. */
  readonly received: number;
  readonly amount: number;
  readonly currency: string;
  /** The order named in its metadata. */
  readonly orderId: OrderId | undefined;
  /** Why the last card was declined, in the provider's words for the buyer. */
  readonly lastDecline: string | undefined;
}

/** A webhook that is genuinely the provider's, cut down to what is used: no card, no name, no address. */
export interface ProviderEvent {
  readonly eventId: string;
  readonly type: string;
  readonly intent: Intent | undefined;
}

/** Port: the payment provider. Every call is bounded in time and throws `payments_unavailable` when it does not answer. */
export interface PaymentProvider {
  /** Creates the intent, or gives the one again that was created with this key. Throws `payment_refused`. */
  createIntent(orderId: OrderId, amount: Money, currency: Currency, key: string): Promise<Intent>;
  /** Undefined when the provider knows no such intent. */
  findIntent(intentId: PaymentIntentId): Promise<Intent | undefined>;
  /** Makes it unpayable and tells how it stands then: one that succeeded stays so. Undefined when it is unknown. */
  cancelIntent(intentId: PaymentIntentId): Promise<Intent | undefined>;
  /** Gives the whole payment back, once for a key; the refund's id. */
  refund(intentId: PaymentIntentId, key: string): Promise<string>;
  /**
   * Reads a webhook from its exact bytes. Throws `webhook_signature_invalid` unless it is signed by the provider within
   * the last five minutes.
   */
  readWebhook(body: Buffer, signature: string | undefined, now: Instant): ProviderEvent;
}

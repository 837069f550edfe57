import type { Instant } from '../../kernel/clock.ts';
import type { OrderId, PaymentIntentId } from '../../kernel/ids.ts';
import type { Currency, Money } from '../../kernel/money.ts';
import type { Transaction } from '../../platform/postgres/database.ts';
import type { Outflow } from './account-diff.ts';

/** The part of a PaymentIntent that this service uses. */
export interface Intent {
  readonly intentId: PaymentIntentId;
  readonly clientSecret: string;
  /** `open`: it can be paid. `processing`: the bank has not decided yet. */
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

/** An intent in a list, with its refunded amount. */
export interface ListedIntent extends Intent {
  readonly refunded: number;
  readonly isDisputed: boolean;
}

/** An intent with the refunds and disputes of its money. */
export interface IntentAccount extends Outflow {
  readonly intent: Intent;
}

/** A webhook with a valid signature, reduced to the fields that are used: no card, no name, no address. */
export interface ProviderEvent {
  readonly eventId: string;
  readonly type: string;
  readonly about: EventSubject;
}

export type EventSubject =
  | { readonly kind: 'paid'; readonly intent: Intent }
  /** A refund or a dispute began, ended or changed: read the intent's account. */
  | { readonly kind: 'money_went_back'; readonly intentId: PaymentIntentId }
  /** A test event in live mode, or a live event in test mode: no money for this service. */
  | { readonly kind: 'other_mode' }
  | { readonly kind: 'other' };

/** Minor units of a payment or refund; negative for a correction. */
export interface MoneyMoved {
  readonly intentId: PaymentIntentId;
  readonly taken: number;
  readonly refunded: number;
}

/** Port: adds the money of a payment or a refund to the figures, in the transaction that records it. */
export type CountMoney = (tx: Transaction, moved: MoneyMoved) => Promise<void>;

/** A PaymentIntent to create. */
export interface NewIntent {
  readonly orderId: OrderId;
  readonly amount: Money;
  readonly currency: Currency;
  /** The idempotency key of the creation. */
  readonly key: string;
}

/** Port: the payment provider. Every call is bounded in time and throws `payments_unavailable` when it does not answer. */
export interface PaymentProvider {
  /** Creates the intent, or returns the one created with the same key. Throws `payment_refused`, `price_not_chargeable`. */
  createIntent(intent: NewIntent): Promise<Intent>;
  /** Undefined when the provider knows no such intent. */
  findIntent(intentId: PaymentIntentId): Promise<Intent | undefined>;
  /** Cancels the intent unless it succeeded, and returns its state. Undefined when the provider knows no such intent. */
  cancelIntent(intentId: PaymentIntentId): Promise<Intent | undefined>;
  /**
   * Refunds minor units of the payment and returns the provider's id of the refund. It is paid once for each `refundId`,
   * however often it is tried; only after a bank rejected it is it sent again. Throws `payment_refused`.
   */
  refund(intentId: PaymentIntentId, amountMinor: number, refundId: string, isFirstTry: boolean): Promise<string>;
  /** The intent with its refunds and disputes. Undefined when the provider knows no such intent. */
  account(intentId: PaymentIntentId): Promise<IntentAccount | undefined>;
  /** Intents created since then, newest first. */
  intentsSince(since: Instant): AsyncIterable<ListedIntent>;
  /**
   * Reads a webhook from its exact bytes. Throws `webhook_signature_invalid` unless it is signed by the provider within
   * five minutes of `now`, before or after; `invalid_request` when it is not an event.
   */
  readWebhook(body: Buffer, signature: string | undefined, now: Instant): ProviderEvent;
}

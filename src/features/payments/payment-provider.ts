import type { Instant } from '../../kernel/clock.ts';
import type { OrderId, PaymentIntentId } from '../../kernel/ids.ts';
import type { Currency, Money } from '../../kernel/money.ts';
import type { Transaction } from '../../platform/postgres/database.ts';
import type { Outflow } from './account-diff.ts';

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

/** An intent in a list, with what of its money was refunded. */
export interface ListedIntent extends Intent {
  readonly refunded: number;
  readonly isDisputed: boolean;
}

/** Everything that became of an intent's money at the provider. */
export interface IntentAccount extends Outflow {
  readonly intent: Intent;
}

/** A webhook that is genuinely the provider's, cut down to what is used: no card, no name, no address. */
export interface ProviderEvent {
  readonly eventId: string;
  readonly type: string;
  readonly about: EventSubject;
}

export type EventSubject =
  | { readonly kind: 'paid'; readonly intent: Intent }
  /** A refund or a dispute began, ended or changed: ask how the intent's account stands. */
  | { readonly kind: 'money_went_back'; readonly intentId: PaymentIntentId }
  /** A test event for a live account, or a live one for a test account: no money of ours. */
  | { readonly kind: 'other_mode' }
  | { readonly kind: 'other' };

/** Minor units of a payment that came, or that go back; negative for what does not go back after all. */
export interface MoneyMoved {
  readonly intentId: PaymentIntentId;
  readonly taken: number;
  readonly refunded: number;
}

/** Port: counts money of a payment or a refund, in the transaction that writes it down. */
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
  /** Creates the intent, or returns the one that was created with the same key. Throws `payment_refused`. */
  createIntent(intent: NewIntent): Promise<Intent>;
  /** Undefined when the provider knows no such intent. */
  findIntent(intentId: PaymentIntentId): Promise<Intent | undefined>;
  /** Makes it unpayable and tells how it stands then: one that succeeded stays so. Undefined when it is unknown. */
  cancelIntent(intentId: PaymentIntentId): Promise<Intent | undefined>;
  /**
   * Gives minor units of the payment back, once for a refund of ours however often it is tried, unless a bank would not
   * take what was tried before; the provider's id of it. Throws `payment_refused`.
   */
  refund(
    intentId: PaymentIntentId,
    amountMinor: number,
    refundId: string,
    isFirstTry: boolean,
  ): Promise<string>;
  /** How the intent and its money stand. Undefined when the provider knows no such intent. */
  account(intentId: PaymentIntentId): Promise<IntentAccount | undefined>;
  /** Intents created since then, newest first. */
  intentsSince(since: Instant): AsyncIterable<ListedIntent>;
  /**
   * Reads a webhook from its exact bytes. Throws `webhook_signature_invalid` unless it is signed by the provider within
   * the last five minutes, `invalid_request` when it has not the form of an event.
   */
  readWebhook(body: Buffer, signature: string | undefined, now: Instant): ProviderEvent;
}

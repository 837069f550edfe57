import { currencyFacts } from '../../kernel/currencies.ts';
import { type ChargeProblem, Currency } from '../../kernel/money.ts';

/**
 * The states of a PaymentIntent: https://docs.stripe.com/payments/paymentintents/lifecycle
 *
 * | from                    | what happens                          | to                      |
 * |-------------------------|---------------------------------------|-------------------------|
 * | -                       | created                               | requires_payment_method |
 * | requires_payment_method | confirmed, card accepted              | succeeded               |
 * | requires_payment_method | confirmed, card declined              | requires_payment_method |
 * | requires_payment_method | confirmed, authentication needed      | requires_action         |
 * | requires_action         | the buyer authenticates               | succeeded               |
 * | requires_action         | the buyer fails to                    | requires_payment_method |
 * | any but the last two    | canceled                              | canceled                |
 */
export type IntentStatus = 'requires_payment_method' | 'requires_action' | 'succeeded' | 'canceled';

export interface Intent {
  readonly id: string;
  readonly amount: number;
  readonly currency: string;
  readonly status: IntentStatus;
  readonly clientSecret: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Unix seconds. */
  readonly created: number;
  readonly paymentMethod: string | null;
  readonly chargeId: string | null;
  readonly lastError: CardDecline | null;
  readonly canceledAt: number | null;
  readonly cancellationReason: string | null;
  readonly amountRefunded: number;
}

export interface CardDecline {
  readonly code: string;
  readonly declineCode: string | null;
  readonly message: string;
}

type CardOutcome =
  | { readonly outcome: 'accepted' }
  | { readonly outcome: 'authenticate' }
  | { readonly outcome: 'declined'; readonly decline: CardDecline };

function declines(code: string, declineCode: string | null, message: string): CardOutcome {
  return { outcome: 'declined', decline: { code, declineCode, message } };
}

const AUTHENTICATION_FAILED: CardDecline = {
  code: 'payment_intent_authentication_failure',
  declineCode: null,
  message: 'We are unable to authenticate your payment method. Please choose a different payment method and try again.',
};

/** Its payment succeeds and is disputed at once: https://docs.stripe.com/testing#disputes */
export const DISPUTED_CARD = 'pm_card_createDispute';

const DECLINED = declines('card_declined', 'generic_decline', 'Your card was declined.');
const INSUFFICIENT_FUNDS = declines('card_declined', 'insufficient_funds', 'Your card has insufficient funds.');

/** https://docs.stripe.com/testing#cards */
const TEST_CARDS: Readonly<Record<string, CardOutcome>> = {
  pm_card_visa: { outcome: 'accepted' },
  pm_card_visa_debit: { outcome: 'accepted' },
  pm_card_mastercard: { outcome: 'accepted' },
  pm_card_amex: { outcome: 'accepted' },
  [DISPUTED_CARD]: { outcome: 'accepted' },
  pm_card_authenticationRequired: { outcome: 'authenticate' },
  pm_card_chargeDeclined: DECLINED,
  pm_card_visa_chargeDeclined: DECLINED,
  pm_card_chargeDeclinedInsufficientFunds: INSUFFICIENT_FUNDS,
  pm_card_visa_chargeDeclinedInsufficientFunds: INSUFFICIENT_FUNDS,
  pm_card_chargeDeclinedExpiredCard: declines('expired_card', null, 'Your card has expired.'),
  pm_card_chargeDeclinedIncorrectCvc: declines('incorrect_cvc', null, "Your card's security code is incorrect."),
  pm_card_chargeDeclinedProcessingError: declines(
    'processing_error',
    null,
    'An error occurred while processing your card. Try again in a little bit.',
  ),
};

export function isTestCard(paymentMethod: string): boolean {
  return Object.hasOwn(TEST_CARDS, paymentMethod);
}

export type IntentChange =
  | { readonly outcome: 'changed'; readonly intent: Intent; readonly event: string }
  | { readonly outcome: 'declined'; readonly intent: Intent; readonly event: string; readonly decline: CardDecline }
  | { readonly outcome: 'unexpected_state' };

/** Confirms with one of the test cards; `chargeId` is the id of the charge, if there is one. */
export function confirm(intent: Intent, paymentMethod: string, chargeId: string): IntentChange {
  if (intent.status !== 'requires_payment_method') return { outcome: 'unexpected_state' };
  const card = TEST_CARDS[paymentMethod] ?? { outcome: 'accepted' };
  switch (card.outcome) {
    case 'accepted':
      return succeeded({ ...intent, paymentMethod }, chargeId);
    case 'authenticate':
      return {
        outcome: 'changed',
        intent: { ...intent, paymentMethod, status: 'requires_action', lastError: null },
        event: 'payment_intent.requires_action',
      };
    case 'declined':
      return declined(intent, card.decline);
    default:
      return card satisfies never;
  }
}

/** The result of the buyer's authentication on the bank's page. */
export function authenticate(intent: Intent, isSuccess: boolean, chargeId: string): IntentChange {
  if (intent.status !== 'requires_action') return { outcome: 'unexpected_state' };
  return isSuccess ? succeeded(intent, chargeId) : declined(intent, AUTHENTICATION_FAILED);
}

export function cancel(intent: Intent, at: number, reason: string | null): IntentChange {
  if (intent.status === 'succeeded' || intent.status === 'canceled') return { outcome: 'unexpected_state' };
  return {
    outcome: 'changed',
    intent: { ...intent, status: 'canceled', canceledAt: at, cancellationReason: reason },
    event: 'payment_intent.canceled',
  };
}

function succeeded(intent: Intent, chargeId: string): IntentChange {
  return {
    outcome: 'changed',
    intent: { ...intent, status: 'succeeded', chargeId, lastError: null },
    event: 'payment_intent.succeeded',
  };
}

function declined(intent: Intent, decline: CardDecline): IntentChange {
  return {
    outcome: 'declined',
    decline,
    intent: { ...intent, status: 'requires_payment_method', paymentMethod: null, lastError: decline },
    event: 'payment_intent.payment_failed',
  };
}

const CHARGE_PROBLEMS = {
  decimals: ['invalid_charge_amount', 'The last digits of the amount must be 0.'],
  too_small: ['amount_too_small', 'The amount is below the minimum.'],
  too_large: ['amount_too_large', 'The amount is above the maximum.'],
} as const satisfies Record<ChargeProblem, readonly [code: string, message: string]>;

/** Stripe's error for an invalid amount; undefined for a valid one. */
export function amountProblem(amount: number, currency: string): { code: string; message: string } | undefined {
  if (!currencyFacts(currency)) return { code: 'invalid_currency', message: `Invalid currency: ${currency}` };
  if (!Number.isInteger(amount)) return { code: 'parameter_invalid_integer', message: 'Invalid integer' };
  const problem = new Currency(currency).chargeProblem(amount);
  if (problem === undefined) return undefined;
  const [code, message] = CHARGE_PROBLEMS[problem];
  return { code, message };
}

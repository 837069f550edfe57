import Stripe from 'stripe';
import type {
  EventSubject,
  Intent,
  IntentAccount,
  ListedIntent,
  PaymentProvider,
} from '../../features/payments/index.ts';
import { type Instant, MS_PER_SECOND } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { as, type OrderId, type PaymentIntentId, type TicketId, toUuid } from '../../kernel/ids.ts';
import { isEvent } from './webhook-form.ts';

export interface StripeProviderOptions {
  readonly secretKey: string;
  readonly webhookSecret: string;
  /** Address of the API; undefined: Stripe's own. A path in it precedes `/v1`. */
  readonly apiBase: string | undefined;
}

const API_VERSION = '2026-10-28.endive';
const REQUEST_TIMEOUT_MS = 8_000;
const MAX_NETWORK_RETRIES = 2;
const WEBHOOK_TOLERANCE_S = 300;
/** Stripe's maximum page size. */
const MAX_PAGE = 100;
/** Most refunds of a payment that are read, over all pages; an order has few. */
const MAX_REFUNDS = 10_000;
/** https://docs.stripe.com/keys */
const LIVE_KEY = /^[sr]k_live_/;

/** Stripe's API, through the package `stripe`. */
export function createStripeProvider(options: StripeProviderOptions): PaymentProvider {
  const stripe = openClient(options);
  return {
    async createIntent({ orderId, amount, currency, key }) {
      const params: Stripe.PaymentIntentCreateParams = {
        amount,
        currency: currency.code,
        metadata: { order_id: orderId },
        // Cards and wallets only: a payment method with a redirect would need a return address.
        automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
      };
      try {
        return toIntent(await withOurErrors(stripe.paymentIntents.create(params, { idempotencyKey: key })));
      } catch (error) {
        throw notChargeable(error) ?? error;
      }
    },
    findIntent: (intentId) => knownIntent(stripe.paymentIntents.retrieve(intentId)),
    async cancelIntent(intentId) {
      try {
        return await knownIntent(stripe.paymentIntents.cancel(intentId));
      } catch (error) {
        const settled = intentInUnexpectedState(error);
        if (settled) return settled;
        throw error;
      }
    },
    async refund(intentId, amountMinor, refundId, isFirstTry) {
      const failed = isFirstTry ? 0 : await failedTries(stripe, intentId, refundId);
      const idempotencyKey = `refund-${refundId}${failed === 0 ? '' : `-${failed}`}`;
      const params = { payment_intent: intentId, amount: amountMinor, metadata: { refund_id: refundId } };
      const refund = await withOurErrors(stripe.refunds.create(params, { idempotencyKey }));
      if (refund.object !== 'refund') throw unavailable(new Error('the answer is not a refund'));
      if (hasFailed(refund)) throw new AppError('payment_refused', 'The bank did not take the money back.');
      return refund.id;
    },
    account: (intentId) => accountOf(stripe, intentId),
    intentsSince: (since) => intentsSince(stripe, since),
    readWebhook(body, signature, now) {
      const event = verified(stripe, options.webhookSecret, body, signature, now);
      if (!isEvent(event))
        throw new AppError('invalid_request', 'The event does not have the form of one of Stripe’s.');
      const isLive = LIVE_KEY.test(options.secretKey);
      const about: EventSubject = event.livemode === isLive ? subjectOf(event) : { kind: 'other_mode' };
      return { eventId: event.id, type: event.type, about };
    },
  };
}

function openClient({ secretKey, apiBase }: StripeProviderOptions): Stripe {
  return new Stripe(secretKey, {
    apiVersion: API_VERSION,
    timeout: REQUEST_TIMEOUT_MS,
    maxNetworkRetries: MAX_NETWORK_RETRIES,
    telemetry: false,
    // `fetch` in tests and in production, so that tests use the production path and its requests are traced.
    httpClient: Stripe.createFetchHttpClient(apiBase ? fetchAt(new URL(apiBase)) : undefined),
  });
}

/** A `fetch` that sends requests to `base`, because the package does not accept an address with a path. */
function fetchAt(base: URL): typeof fetch {
  const prefix = base.pathname.replace(/\/$/, '');
  return (input, init) => {
    const { pathname, search } = new URL(input instanceof Request ? input.url : input);
    return fetch(new URL(prefix + pathname + search, base.origin), init);
  };
}

async function knownIntent(request: Promise<Stripe.PaymentIntent>): Promise<Intent | undefined> {
  try {
    return toIntent(await withOurErrors(request));
  } catch (error) {
    const cause = error instanceof AppError ? error.cause : error;
    if (cause instanceof Stripe.errors.StripeError && cause.code === 'resource_missing') return undefined;
    throw error;
  }
}

/** The intent in Stripe's error when it cannot be cancelled in its state. */
function intentInUnexpectedState(error: unknown): Intent | undefined {
  const cause = error instanceof AppError ? error.cause : error;
  if (!(cause instanceof Stripe.errors.StripeError)) return undefined;
  if (cause.code !== 'payment_intent_unexpected_state' || !cause.payment_intent) return undefined;
  return toIntent(cause.payment_intent);
}

function toIntent(intent: Stripe.PaymentIntent): Intent {
  // The package accepts any JSON without `error` as an answer, for example the 502 page of a proxy.
  if (intent.object !== 'payment_intent') throw unavailable(new Error('the answer is not a PaymentIntent'));
  return {
    intentId: as<PaymentIntentId>(intent.id),
    clientSecret: intent.client_secret ?? '',
    state: stateOf(intent.status),
    received: intent.amount_received,
    amount: intent.amount,
    currency: intent.currency,
    orderId: idIn<OrderId>(intent.metadata?.order_id),
    lastDecline: intent.last_payment_error?.message,
  };
}

/** An id of this service in metadata; undefined when it is not one. */
function idIn<Id extends OrderId | TicketId>(metadata: string | undefined): Id | undefined {
  const id = toUuid(metadata ?? '');
  return id === undefined ? undefined : as<Id>(id);
}

/** https://docs.stripe.com/payments/paymentintents/lifecycle */
function stateOf(status: Stripe.PaymentIntent.Status): Intent['state'] {
  switch (status) {
    case 'succeeded':
      return 'succeeded';
    case 'canceled':
      return 'canceled';
    case 'processing':
    case 'requires_capture':
      return 'processing';
    default:
      return 'open';
  }
}

/** Converts Stripe's errors to our codes. Stripe's messages about cards are meant for buyers; others get a prefix. */
async function withOurErrors<Answer>(request: Promise<Answer>): Promise<Answer> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof Stripe.errors.StripeCardError) {
      throw new AppError('payment_refused', error.message, { cause: error });
    }
    if (error instanceof Stripe.errors.StripeInvalidRequestError) {
      throw new AppError('payment_refused', `The payment provider refused the payment: ${error.message}`, {
        cause: error,
      });
    }
    throw unavailable(error);
  }
}

/** https://docs.stripe.com/error-codes */
const BEYOND_LIMITS = ['amount_too_small', 'amount_too_large'];

/** The refusal of an amount by a limit that only Stripe knows, such as the minimum of another settlement currency. */
function notChargeable(error: unknown): AppError | undefined {
  const cause = error instanceof AppError ? error.cause : undefined;
  if (!(cause instanceof Stripe.errors.StripeError) || !BEYOND_LIMITS.includes(cause.code ?? '')) return undefined;
  return new AppError('price_not_chargeable', `The payment provider cannot charge the price: ${cause.message}`, {
    cause,
  });
}

function unavailable(cause: unknown): AppError {
  return new AppError('payments_unavailable', 'The payment provider cannot be reached right now. Try again shortly.', {
    cause,
  });
}

function verified(
  stripe: Stripe,
  secret: string,
  body: Buffer,
  signature: string | undefined,
  now: number,
): Stripe.Event {
  try {
    const event = stripe.webhooks.constructEvent(body, signature ?? '', secret, WEBHOOK_TOLERANCE_S, undefined, now);
    // The package checks the age alone: an event signed for later could be kept and delivered then.
    const aheadS = signedAt(signature ?? '') - now / MS_PER_SECOND;
    if (aheadS > WEBHOOK_TOLERANCE_S) throw new Error('the signature is of a later time');
    return event;
  } catch (error) {
    throw new AppError(
      'webhook_signature_invalid',
      'The webhook is not signed by Stripe, or its signature is not within five minutes of now.',
      { cause: error },
    );
  }
}

/** The Unix time in seconds in a valid `Stripe-Signature` header. Where it is given twice, the package takes the last. */
function signedAt(signature: string): number {
  const times = signature.split(',').filter((part) => part.startsWith('t='));
  return Number.parseInt(times.at(-1)?.slice('t='.length) ?? '', 10);
}

/** https://docs.stripe.com/api/events/types */
function subjectOf(event: Stripe.Event): EventSubject {
  const about = event.data.object;
  if (event.type === 'payment_intent.succeeded' && about.object === 'payment_intent') {
    return { kind: 'paid', intent: toIntent(about) };
  }
  const isMoneyBack = event.type === 'charge.refunded' || about.object === 'refund' || about.object === 'dispute';
  if (!isMoneyBack || !('payment_intent' in about)) return { kind: 'other' };
  const intentId = idOf(about.payment_intent);
  return intentId === undefined ? { kind: 'other' } : { kind: 'money_went_back', intentId };
}

function idOf(reference: string | { readonly id: string } | null | undefined): PaymentIntentId | undefined {
  const id = typeof reference === 'string' ? reference : reference?.id;
  return id ? as<PaymentIntentId>(id) : undefined;
}

async function accountOf(stripe: Stripe, intentId: PaymentIntentId): Promise<IntentAccount | undefined> {
  const intent = await knownIntent(stripe.paymentIntents.retrieve(intentId));
  if (!intent) return undefined;
  const about = { payment_intent: intentId, limit: MAX_PAGE };
  const [refunds, disputes] = await Promise.all([
    refundsOf(stripe, intentId),
    withOurErrors(stripe.disputes.list(about)),
  ]);
  return {
    intent,
    refunds: refunds.map(({ id, amount, metadata, status }) => ({
      providerId: id,
      amount,
      refundId: metadata?.refund_id,
      ticketId: idIn<TicketId>(metadata?.ticket_id),
      hasFailed: hasFailed({ status }),
    })),
    disputes: disputes.data.flatMap(({ id, amount, currency, metadata, status }) => {
      const state = disputeState(status);
      const ticketId = idIn<TicketId>(metadata?.ticket_id);
      return state ? [{ providerId: id, amount, currency, ticketId, state }] : [];
    }),
  };
}

/** The failed attempts of a refund. A failed refund is final and its idempotency key returns it, so a retry needs a new key. */
async function failedTries(stripe: Stripe, intentId: PaymentIntentId, refundId: string): Promise<number> {
  const refunds = await refundsOf(stripe, intentId);
  return refunds.filter((each) => each.metadata?.refund_id === refundId && hasFailed(each)).length;
}

function refundsOf(stripe: Stripe, intentId: PaymentIntentId): Promise<Stripe.Refund[]> {
  const pages = stripe.refunds.list({ payment_intent: intentId, limit: MAX_PAGE });
  return withOurErrors(pages.autoPagingToArray({ limit: MAX_REFUNDS }));
}

function hasFailed({ status }: { readonly status: string | null }): boolean {
  return status === 'failed' || status === 'canceled';
}

/** Inquiries and prevented disputes move no money: https://docs.stripe.com/disputes/how-disputes-work */
function disputeState(status: Stripe.Dispute.Status): 'taken' | 'won' | undefined {
  if (status.startsWith('warning_') || status === 'prevented') return undefined;
  return status === 'won' ? 'won' : 'taken';
}

async function* intentsSince(stripe: Stripe, since: Instant): AsyncGenerator<ListedIntent> {
  let after: string | undefined;
  do {
    const page = await withOurErrors(
      stripe.paymentIntents.list({
        limit: MAX_PAGE,
        created: { gte: Math.floor(since / MS_PER_SECOND) },
        expand: ['data.latest_charge'],
        ...(after === undefined ? {} : { starting_after: after }),
      }),
    );
    for (const intent of page.data) {
      const charge = typeof intent.latest_charge === 'string' ? null : intent.latest_charge;
      const refunded = charge?.amount_refunded ?? 0;
      yield { ...toIntent(intent), refunded, isDisputed: charge?.disputed ?? false };
    }
    after = page.has_more ? page.data.at(-1)?.id : undefined;
  } while (after !== undefined);
}

import type { Static } from 'typebox';
import { toRfc3339 } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { Currency } from '../../kernel/money.ts';
import { type Order, OrderJson, type OrderSchema } from '../orders/index.ts';
import type { PaymentOffer } from './offer-payment.ts';
import type { RefundIssued, RefundRequest } from './refund-order.ts';
import type { PaymentIntentResponseSchema, RefundRequestSchema, RefundSchema, StuckPaymentSchema } from './schemas.ts';
import type { StuckRow } from './stuck.store.ts';

/** Payments as HTTP spells them (contract section 1), in one currency. */
export class PaymentJson {
  readonly #currency: Currency;
  readonly #publishableKey: string | undefined;
  readonly #orders: OrderJson;

  /** `publishableKey` is Stripe's key with which pages confirm payments. */
  constructor(currency: Currency, publishableKey: string | undefined) {
    this.#currency = currency;
    this.#publishableKey = publishableKey;
    this.#orders = new OrderJson(currency);
  }

  order(order: Order): Static<typeof OrderSchema> {
    return this.#orders.toWire(order);
  }

  offer({ intent, minutesLeft, order }: PaymentOffer): Static<typeof PaymentIntentResponseSchema> {
    return {
      clientSecret: intent.clientSecret,
      paymentIntentId: intent.intentId,
      seatLockDurationMins: minutesLeft,
      order: this.order(order),
      ...(this.#publishableKey === undefined ? {} : { publishableKey: this.#publishableKey }),
    };
  }

  refund({ refundId, amount, reason, order }: RefundIssued): Static<typeof RefundSchema> {
    return { refund_id: refundId, amount: this.#currency.toMajor(amount), reason, order: this.order(order) };
  }

  /** Reads a request. Throws `invalid_request`. */
  refundRequest({ amount, reason }: Static<typeof RefundRequestSchema>): RefundRequest {
    const words = reason || undefined;
    if (amount === undefined || amount === null) return { amount: undefined, reason: words };
    const minor = this.#currency.fromMajor(amount);
    if (minor !== undefined) return { amount: minor, reason: words };
    const problem = `has more decimals than ${this.#currency.code.toUpperCase()}, or is too large`;
    throw new AppError('invalid_request', `body/amount: ${problem}`, {
      fields: [{ field: 'body/amount', reason: problem }],
    });
  }
}

const TICKET_UNCLEAR =
  'This refund was made at Stripe, or a bank took this money, and it is not certain for which tickets, so none is void. ' +
  'Set its metadata ticket_id at Stripe to the id of the ticket, or mark it as settled to keep all tickets valid.';

/** A refund or webhook that waits for a person, for the wire. */
export function toWireStuck(row: StuckRow): Static<typeof StuckPaymentSchema> {
  return {
    kind: row.kind,
    id: row.id,
    order_id: row.order_id ?? '',
    payment_intent_id: row.payment_intent_id ?? '',
    amount_minor: row.amount_minor,
    currency: row.currency ?? '',
    attempts: row.attempts,
    last_error: row.is_ticket_unclear ? TICKET_UNCLEAR : (row.last_error ?? ''),
    received_at: toRfc3339(row.received_at),
  };
}

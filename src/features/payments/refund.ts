import type { PaymentIntentId, TicketId, UserId } from '../../kernel/ids.ts';
import type { Payment, PaymentSource } from './payment.ts';

/**
 * A refund of a payment or of a part of it. Its amount and reason are decided when it is written; afterwards only its state
 * changes, until the buyer has the money.
 *
 * | from          | what happens                                                    | who             | function             | to     |
 * |---------------|-----------------------------------------------------------------|-----------------|----------------------|--------|
 * | -             | money that Stripe has is to be refunded                         | any use case    | `RefundLedger.write` | due    |
 * | -             | money that Stripe never had is to be refunded                   | any use case    | `RefundLedger.write` | manual |
 * | -             | cash was handed back with the ticket                            | an organiser    | `refundTicket`       | done   |
 * | -             | Stripe's account shows a refund or a dispute that began there  | Stripe          | `AlignPayment`       | done   |
 * | due, sent     | it is sent to Stripe                                            | job `refunds`   | `claimRefunds`       | sent   |
 * | sent          | it is sent to Stripe for the last time                          | job `refunds`   | `claimRefunds`       | failed |
 * | sent, failed  | Stripe has accepted it                                          | job `refunds`   | `saveRefundSent`     | done   |
 * | any but done  | Stripe's account shows it                                       | Stripe          | `AlignPayment`       | done   |
 * | done          | the bank rejected it, wherever it was made                      | Stripe          | `AlignPayment`       | failed |
 * | failed, manual | an administrator retries it                                    | an administrator | `StuckPayments.retry` | sent  |
 * | failed, manual | an administrator has paid it in another way                    | an administrator | `StuckPayments.markRefunded` | done   |
 * | failed, manual | its assumed payment was found at Stripe                        | a comparison    | `replaceAssumed`     | sent   |
 * | any           | the payment has too little left for it, or a dispute was won    | Stripe          | `RefundLedger.delete` | -     |
 */
export type RefundState = Refund['state'];

export type Refund = RefundFacts & (OpenRefund | DoneRefund);

interface RefundFacts {
  readonly refundId: string;
  readonly amountMinor: number;
  readonly origin: 'service' | 'stripe' | 'dispute';
  /** The ticket whose share it is; undefined for a refund of an order. */
  readonly ticketId?: TicketId | undefined;
  /** It was made at Stripe and fits more than one choice of tickets: a person names the ticket, and until then none is void. */
  readonly isTicketUnclear?: boolean;
}

/** `failed` and `manual` wait for a person. */
interface OpenRefund {
  readonly state: 'due' | 'sent' | 'failed' | 'manual';
}

interface DoneRefund {
  readonly state: 'done';
  /** The id of Stripe's refund or dispute, or the reference of a payment by a person. */
  readonly providerId: string;
  readonly paidBy: 'provider' | 'person';
}

/** A refund as it is first written. */
export type NewRefund = Omit<RefundFacts, 'refundId' | 'isTicketUnclear'> & {
  readonly intentId: PaymentIntentId;
  readonly reason: string;
  readonly requestedBy?: UserId;
} & ({ readonly state: 'due' | 'manual' } | DoneRefund);

/** The first state of a refund: Stripe refunds its own payments, a person refunds others. */
export function firstRefundState(source: PaymentSource): 'due' | 'manual' {
  switch (source) {
    case 'stripe':
      return 'due';
    case 'cash':
    case 'external':
      return 'manual';
    default:
      return source satisfies never;
  }
}

/** The state of a refund that a person paid, with its reference in place of the provider's id. */
export function paidByPerson(refundId: string, reference: string): DoneRefund {
  return { state: 'done', providerId: `manual:${refundId}:${reference}`, paidBy: 'person' };
}

/** Amount still refundable, in minor units: refunds that are not paid yet count as refunded. */
export function leftOf(payment: Payment, refunds: readonly Refund[]): number {
  return payment.amountMinor - refunds.reduce((total, refund) => total + refund.amountMinor, 0);
}

/** The state of a payment that follows from its refunds, paid or not. A settled payment changes state only by its refunds. */
export function stateAfter(payment: Payment, refunds: readonly Refund[]): Payment['state'] {
  const done = refunds.filter(({ state }) => state === 'done');
  if (leftOf(payment, done) <= 0) {
    return done.some(({ origin }) => origin === 'dispute') ? 'disputed' : 'refunded';
  }
  if (leftOf(payment, refunds) <= 0) return 'refund_due';
  switch (payment.state) {
    case 'received':
    case 'withheld':
    case 'applied':
      return payment.state;
    case 'refund_due':
    case 'refunded':
      return 'refund_due';
    case 'disputed':
      return 'received';
    default:
      return payment.state satisfies never;
  }
}

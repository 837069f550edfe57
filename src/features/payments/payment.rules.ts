import { as, type OrderId, type PaymentIntentId, type TicketId } from '../../kernel/ids.ts';
import { type Currency, type Money, money } from '../../kernel/money.ts';
import { mayComeLate, type Order } from '../orders/index.ts';
import type { Ticket } from '../tickets/index.ts';

/**
 * Money received, by PaymentIntent. `settle` decides once what becomes of it (I2); refunds are rows of their own, carried
 * out afterwards, and `stateAfter` says what they make of it.
 *
 * | from            | what happens                                              | function     | to         |
 * |-----------------|-----------------------------------------------------------|--------------|------------|
 * | -               | Stripe says that a PaymentIntent succeeded                | -            | received   |
 * | -               | a comparison that must not refund finds money             | -            | withheld   |
 * | -               | a migration finds a completed order without a payment     | -            | applied    |
 * | received, withheld | it is the price of a pending order                     | `settle`     | applied    |
 * | received, withheld | it came late, and the order's seats are still free     | `settle`     | applied    |
 * | received, withheld | it is a completed order's own, and nothing else pays for it | `settle` | applied    |
 * | received        | anything else: another amount, a second payment, too late | `settle`     | refund_due |
 * | withheld        | the same, and a person allowed the refund                 | `settle`     | refund_due |
 * | applied         | an admin cancels the order or gives all of it back        | `stateAfter` | refund_due |
 * | applied         | an admin gives back a part, or a bank takes back a part   | `stateAfter` | applied    |
 * | refund_due      | the last of it has gone back                              | `stateAfter` | refunded   |
 * | applied, refund_due | all of it was given back in Stripe's dashboard        | `stateAfter` | refunded   |
 * | applied, refund_due | the buyer's bank takes the last of it (dispute)       | `stateAfter` | disputed   |
 * | refunded        | a bank did not take a refund                              | `stateAfter` | refund_due |
 * | disputed        | the dispute is won: decided on again                      | `stateAfter` | received   |
 */
export interface Payment {
  readonly intentId: PaymentIntentId;
  /** Minor units as Stripe took them, and in which currency. */
  readonly amountMinor: number;
  readonly currency: string;
  readonly state: 'received' | 'withheld' | 'applied' | 'refund_due' | 'refunded' | 'disputed';
  /**
   * A payment that a migration wrote for an order completed before: `assumed` from the order alone, so that Stripe's word
   * about it counts; `confirmed` once Stripe's account of it was read. Undefined for money heard of here.
   */
  readonly takenOver?: 'assumed' | 'confirmed' | undefined;
}

/** A part of a payment that goes back, or went: it has a `providerId` from then on. */
export interface Refund {
  readonly refundId: string;
  readonly amountMinor: number;
  readonly origin: 'service' | 'stripe' | 'dispute';
  readonly providerId: string | undefined;
  /** The ticket whose money it is, when it was asked for by ticket. */
  readonly ticketId?: TicketId | undefined;
}

export type Settlement =
  | { readonly decision: 'complete' }
  | { readonly decision: 'rebook' }
  /** The order was completed by this very money before. */
  | { readonly decision: 'apply' }
  /** The order was completed by this money, and another payment was assumed in its place. */
  | { readonly decision: 'replace'; readonly assumed: Payment }
  /** The provider has to say first whether it received the payment that is assumed to pay for the order. */
  | { readonly decision: 'ask'; readonly assumed: Payment }
  | { readonly decision: 'refund'; readonly reason: string; readonly isLate: boolean }
  /** It would be refunded, but that is not allowed yet. */
  | { readonly decision: 'withheld'; readonly reason: string }
  | { readonly decision: 'already_done' };

/**
 * Whether a settlement may give money back. `refund`: it may, but for what was withheld before. `withhold`: it may not, the
 * money waits for a person. `release`: it may, also what was withheld.
 */
export type RefundPolicy = 'refund' | 'withhold' | 'release';

/** Facts beside the order that the decision needs. */
export interface SettlementFacts {
  readonly currency: Currency;
  /** Another payment that pays for this order already, or was assumed to. */
  readonly paidBy: Payment | undefined;
  /** Whether the provider received `paidBy`; undefined while it was not asked. */
  readonly isPaidByReceived?: boolean | undefined;
  /** Whether all seats of the order could be taken again. */
  readonly seatsFree: boolean;
  readonly policy?: RefundPolicy;
}

/**
 * What becomes of money received for an order. Only its exact price, in its currency, ever completes it (I8). The own
 * intent of an order that is completed is its payment whatever the amount: the order was sold for that.
 */
export function settle(order: Order, payment: Payment, facts: SettlementFacts): Settlement {
  const { paidBy, policy = 'refund' } = facts;
  const wasWithheld = payment.state === 'withheld';
  if (payment.state !== 'received' && !wasWithheld) return { decision: 'already_done' };
  if (paidBy?.takenOver === 'assumed') {
    const isReceived = isPaidElsewhere(paidBy.intentId) ? false : facts.isPaidByReceived;
    if (isReceived === undefined) return { decision: 'ask', assumed: paidBy };
    if (!isReceived) return { decision: 'replace', assumed: paidBy };
  }
  const settlement = settleUnpaid(order, payment, facts);
  const mayRefund = policy === 'release' || (policy === 'refund' && !wasWithheld);
  return settlement.decision === 'refund' && !mayRefund
    ? { decision: 'withheld', reason: settlement.reason }
    : settlement;
}

function settleUnpaid(
  order: Order,
  payment: Payment,
  { paidBy, currency, seatsFree }: SettlementFacts,
): Settlement {
  if (paidBy?.state === 'applied') return refund('the order was already paid');
  const isOwn = order.paymentIntentId === payment.intentId;
  if (order.status === 'completed' && order.price > 0 && isOwn) return { decision: 'apply' };
  if (payment.currency !== currency.code || payment.amountMinor !== order.price) {
    return refund('the amount is not the price of the order');
  }
  switch (order.status) {
    case 'pending':
      return { decision: 'complete' };
    case 'completed':
      return refund('the order was already completed');
    case 'cancelled':
      if (!mayComeLate(order)) return refund('the order had been cancelled');
      return seatsFree
        ? { decision: 'rebook' }
        : { ...refund('the hold had ended and the seats were sold'), isLate: true };
    default:
      return order satisfies never;
  }
}

function refund(reason: string): Extract<Settlement, { decision: 'refund' }> {
  return { decision: 'refund', reason, isLate: false };
}

/**
 * Keys the creation of a PaymentIntent: the same attempt at the same amount gives the same intent however often it is
 * asked for, and a new attempt never collides with an earlier one.
 */
export function intentKey(order: Order, attempt: number, amount: Money): string {
  return `order-${order.orderId}-attempt-${attempt}-amount-${amount}`;
}

/** What of a payment neither went back nor is about to, in minor units. */
export function leftOf(payment: Payment, refunds: readonly Refund[]): number {
  return payment.amountMinor - refunds.reduce((total, refund) => total + refund.amountMinor, 0);
}

/** The state that a payment's refunds make of it, those due and those done. Of a decided payment only they move it on. */
export function stateAfter(payment: Payment, refunds: readonly Refund[]): Payment['state'] {
  const done = refunds.filter(({ providerId }) => providerId !== undefined);
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

/** A ticket that an order's price was for, void or not. */
export type PaidTicket = Pick<Ticket, 'ticketId' | 'price'>;

/**
 * How an order's price is shared among the tickets it was for. Every refund of a ticket uses this, whether it begins here
 * or at Stripe (I8). `paid` are all tickets that the price was for, void or not. The shares add up to `price`
 * exactly, each within one `step` of its part, because a step goes to the ticket at which the running sum is rounded up.
 * A step is the smallest amount that can be refunded, in minor units. The order of `paid` does not matter.
 */
export function sharesOf(
  paid: readonly PaidTicket[],
  price: Money,
  step: number,
): ReadonlyMap<TicketId, Money> {
  const inOrder = paid.toSorted((a, b) => (a.ticketId < b.ticketId ? -1 : 1));
  const total = inOrder.reduce((sum, ticket) => sum + BigInt(ticket.price), 0n);
  const unit = price % step === 0 ? BigInt(step) : 1n;
  const upTo = (sum: bigint): bigint =>
    total === 0n ? 0n : (sum * (BigInt(price) / unit) * 2n + total) / (total * 2n);
  const shares = new Map<TicketId, Money>();
  let before = 0n;
  for (const { ticketId, price: ticketPrice } of inOrder) {
    const after = before + BigInt(ticketPrice);
    shares.set(ticketId, money(Number((upTo(after) - upTo(before)) * unit)));
    before = after;
  }
  return shares;
}

/**
 * The live tickets that a refund made elsewhere pays for: those whose `shares` add up to exactly that amount; of several
 * such choices one with as few used tickets as possible. Empty when there is no such choice: the money went back for
 * another reason, and the tickets stay valid.
 */
export function ticketsCovered(
  tickets: readonly Ticket[],
  shares: ReadonlyMap<TicketId, Money>,
  amountMinor: number,
): Ticket[] {
  const isUsed = (ticket: Ticket) => Number(ticket.checkedInAt !== undefined);
  const candidates = tickets
    .map((ticket) => ({ ticket, share: shares.get(ticket.ticketId) ?? 0 }))
    .filter(({ share }) => share > 0)
    // The first choice found for a sum is kept, so unused tickets come first.
    .toSorted((a, b) => isUsed(a.ticket) - isUsed(b.ticket));
  return [...(addingUpTo(amountMinor, candidates) ?? [])];
}

/** Most sums that are looked at: an order has few tickets of few prices, so few sums. */
const MAX_SUMS = 10_000;

/** Some of the tickets whose shares are together `amountMinor`; the first found for each sum is kept. */
function addingUpTo(
  amountMinor: number,
  candidates: readonly { readonly ticket: Ticket; readonly share: number }[],
): readonly Ticket[] | undefined {
  const reached = new Map<number, Ticket[]>([[0, []]]);
  for (const { ticket, share } of candidates) {
    for (const [total, chosen] of [...reached]) {
      const next = total + share;
      if (next <= amountMinor && !reached.has(next)) reached.set(next, [...chosen, ticket]);
    }
    if (reached.has(amountMinor) || reached.size > MAX_SUMS) break;
  }
  return reached.get(amountMinor);
}

const BY_HAND = 'manual:';

/** What stands for the provider's id of a refund that a person paid out in another way. */
export function byHand(refundId: string, reference: string): string {
  return `${BY_HAND}${refundId}:${reference}`;
}

/** Whether the provider has nothing to do with a refund. */
export function isByHand({ providerId }: Refund): boolean {
  return providerId?.startsWith(BY_HAND) ?? false;
}

const ELSEWHERE = 'elsewhere:';

/**
 * What stands for the PaymentIntent of money that another system took for an order; Stripe's own id when that is what
 * it says. Another system's ids are good within an order only: they may be counted anew for each.
 */
export function intentElsewhere(orderId: OrderId, paymentId: string | undefined): PaymentIntentId {
  if (paymentId?.startsWith('pi_')) return as<PaymentIntentId>(paymentId);
  return as<PaymentIntentId>(`${ELSEWHERE}${orderId}${paymentId === undefined ? '' : `:${paymentId}`}`);
}

const CASH = 'cash:';

/** What stands for the PaymentIntent of an order that was paid in cash at the box office. */
export function cashFor(orderId: OrderId): PaymentIntentId {
  return as<PaymentIntentId>(`${CASH}${orderId}`);
}

/** Money that was counted over the counter, and is given back there. */
export function isCash(intentId: PaymentIntentId): boolean {
  return intentId.startsWith(CASH);
}

/** Money that Stripe never had: another system took it, or the box office. There is nothing there to ask about or to give back. */
export function isPaidElsewhere(intentId: PaymentIntentId): boolean {
  return intentId.startsWith(ELSEWHERE) || isCash(intentId);
}

import type { OrderId, PaymentIntentId } from '../../kernel/ids.ts';
import { ZERO } from '../../kernel/money.ts';
import type { Database, Transaction } from '../../platform/postgres/database.ts';
import type { Order, OrderBook } from '../orders/index.ts';
import { type AccountDiff, describeDiff, diffOf, unfundedRefunds } from './account-diff.ts';
import type { Payment, RefundPolicy, Settlement } from './payment.ts';
import type { IntentAccount, PaymentProvider } from './payment-provider.ts';
import { lockPaymentOf, setPaymentState } from './payments.store.ts';
import { leftOf, stateAfter } from './refund.ts';
import type { RefundLedger } from './refund-ledger.ts';
import { refundsOf, saveRefundBounced, saveRefundSent, saveTicketNamed, saveTicketUnclear } from './refunds.store.ts';
import type { SettlePayment } from './settle-payment.ts';
import { saveConfirmed } from './taken-over.store.ts';
import { type Refundable, type RefundElsewhere, sharesOf, ticketsCovered, ticketsRefunded } from './ticket-share.ts';

export interface Alignment {
  /** Undefined when this service has no such order. */
  readonly orderId: OrderId | undefined;
  /** The differences that were repaired, in words for an operator. */
  readonly repaired: readonly string[];
  /** Why the money would be refunded; set when the policy does not allow refunds. */
  readonly withheld?: string | undefined;
}

interface AlignmentNeeds {
  readonly database: Database;
  readonly stripe: Pick<PaymentProvider, 'account'>;
  readonly orders: OrderBook;
  readonly settlePayment: SettlePayment;
  readonly ledger: RefundLedger;
}

const BOUNCED = 'The bank rejected the refund. Pay the buyer in another way, then mark this refund as settled.';

/**
 * Reads the provider's account of an intent and updates the database to match it: money received, and refunds and disputes
 * that began elsewhere. Voids tickets whose money was refunded. It uses the current account and not the content of an event,
 * so events may come twice, late and in any order.
 */
export class AlignPayment {
  readonly #needs: AlignmentNeeds;

  constructor(needs: AlignmentNeeds) {
    this.#needs = needs;
  }

  /** Aligns a payment, and returns what was different. Throws `payments_unavailable`. */
  async align(intentId: PaymentIntentId, policy: RefundPolicy = 'refund'): Promise<Alignment> {
    const account = await this.#needs.stripe.account(intentId);
    const orderId = account?.intent.orderId ?? (await this.#needs.orders.orderOfIntent(this.#needs.database, intentId));
    const isOurs =
      orderId !== undefined && (await this.#needs.orders.find(this.#needs.database, orderId)) !== undefined;
    if (!isOurs || account?.intent.state !== 'succeeded') return { orderId: undefined, repaired: [] };
    const { received: amountMinor, currency } = account.intent;
    const money = { intentId, orderId, source: 'stripe', amountMinor, currency } as const;
    const settlement = await this.#needs.settlePayment.settle(money, policy);
    const aligned = await this.#needs.database.transaction((tx) => this.#alignLocked(tx, orderId, account));
    // Money that came back from a won dispute is decided on like money that comes late.
    const again = aligned.state === 'received' ? await this.#needs.settlePayment.settle(money, policy) : settlement;
    const withheld = again.decision === 'withheld' ? again.reason : undefined;
    return { orderId, repaired: [...describeSettlement(settlement), ...aligned.repaired], withheld };
  }

  async #alignLocked(
    tx: Transaction,
    orderId: OrderId,
    account: IntentAccount,
  ): Promise<{ readonly repaired: readonly string[]; readonly state: Payment['state'] }> {
    const order = await this.#needs.orders.lock(tx, orderId);
    const payment = await lockPaymentOf(tx, orderId, account.intent.intentId);
    if (!order || !payment) throw new Error(`payment ${account.intent.intentId} does not belong to order ${orderId}`);
    const isOfTickets = await this.#ticketSums(tx, order, payment, account);
    const diff = diffOf(account, await refundsOf(tx, payment.intentId), payment, isOfTickets);
    await this.#write(tx, payment, diff);
    const state = await this.#saveState(tx, payment);
    await this.#voidRefunded(tx, order, payment, diff, state);
    if (payment.takenOver === 'assumed') await saveConfirmed(tx, payment.intentId);
    return { repaired: describeDiff(diff), state };
  }

  async #write(tx: Transaction, { intentId }: Payment, { sent, bounced, won, added }: AccountDiff): Promise<void> {
    for (const { refundId, providerId } of sent) await saveRefundSent(tx, refundId, providerId);
    for (const { refundId } of bounced) await saveRefundBounced(tx, refundId, BOUNCED);
    await this.#needs.ledger.delete(tx, { intentId }, won);
    for (const { providerId, amountMinor, origin, reason } of added) {
      const refund = { intentId, amountMinor, origin, reason, state: 'done', providerId, paidBy: 'provider' } as const;
      await this.#needs.ledger.write(tx, refund);
    }
  }

  /** Saves the state that follows from the refunds. A payment that is to be refunded gets a refund of the rest. */
  async #saveState(tx: Transaction, payment: Payment): Promise<Payment['state']> {
    const { intentId, amountMinor } = payment;
    await this.#needs.ledger.delete(tx, payment, unfundedRefunds(amountMinor, await refundsOf(tx, intentId)));
    const refunds = await refundsOf(tx, intentId);
    const state = stateAfter(payment, refunds);
    if (state === 'refund_due' && leftOf(payment, refunds) > 0) {
      return this.#needs.ledger.refundRest(tx, payment, 'the rest of a payment that was refunded at the provider');
    }
    if (state !== payment.state) await setPaymentState(tx, intentId, state);
    return state;
  }

  /**
   * Cancels an order whose payment is no longer applied; otherwise voids the tickets that the refunds name or cover. A refund
   * that fits more than one choice of tickets voids none and waits for a person.
   */
  async #voidRefunded(
    tx: Transaction,
    order: Order,
    payment: Payment,
    diff: AccountDiff,
    state: Payment['state'],
  ): Promise<void> {
    if (payment.state !== 'applied') return;
    if (state !== 'applied') {
      await this.#needs.orders.cancel(tx, order, state === 'disputed' ? 'payment' : 'refunded');
      return;
    }
    // A refund made before this service had the order voids no ticket: the earlier service left the tickets valid.
    if (payment.takenOver === 'assumed') return;
    const named = diff.named.map((refund) => ({ ...refund, amountMinor: 0, isDispute: false }));
    const added = diff.added.map((outflow) => ({ ...outflow, isDispute: outflow.origin === 'dispute' }));
    const elsewhere = [...added, ...named];
    if (elsewhere.length === 0) return;
    const { found, unclear } = await this.#ticketsOf(tx, order, payment, elsewhere);
    if (unclear.length > 0) await saveTicketUnclear(tx, unclear);
    for (const [providerId, [ticketId, ...more]] of found) {
      if (ticketId !== undefined && more.length === 0) await saveTicketNamed(tx, providerId, ticketId);
    }
    const refunded = new Set([...found.values()].flat());
    // A refund row names at most one ticket; where it covers several, the tickets themselves say that their money went back.
    const together = [...found.values()].filter((ticketIds) => ticketIds.length > 1).flat();
    await this.#needs.orders.saveTicketsRefunded(tx, together);
    if (order.tickets.some(({ ticketId }) => refunded.has(ticketId))) {
      await this.#needs.orders.withdraw(tx, order, refunded, 'refunded');
    } else if (diff.added.length > 0) {
      await this.#needs.orders.announcePartRefund(tx, order);
    }
  }

  /** Whether tickets of the order that are not refunded add up to an amount. Only a dispute of an applied payment asks. */
  async #ticketSums(
    tx: Transaction,
    order: Order,
    payment: Payment,
    { disputes }: IntentAccount,
  ): Promise<(amountMinor: number) => boolean> {
    if (disputes.length === 0 || payment.state !== 'applied') return () => false;
    const { candidates, shares } = await this.#refundable(tx, order, payment);
    return (amountMinor) => {
      const covered = ticketsCovered(candidates, shares, amountMinor);
      return covered === 'unclear' || covered.length > 0;
    };
  }

  /** The tickets of the order that refunds made elsewhere are for, and the refunds of which that is unclear. */
  async #ticketsOf(tx: Transaction, order: Order, payment: Payment, elsewhere: readonly RefundElsewhere[]) {
    const { candidates, shares } = await this.#refundable(tx, order, payment);
    const tickets = ticketsRefunded(elsewhere, candidates, shares);
    const all = [...tickets.found.values()].flat();
    // An order keeps a ticket while a part of its payment is left; a person decides on the last one.
    const isLast = order.tickets.length > 0 && order.tickets.every(({ ticketId }) => all.includes(ticketId));
    return isLast ? { found: new Map(), unclear: elsewhere.map(({ providerId }) => providerId) } : tickets;
  }

  /** The tickets of the order that were not refunded, void or not, and the shares of all tickets that it paid for. */
  async #refundable(tx: Transaction, order: Order, payment: Payment) {
    const { orders } = this.#needs;
    const paid = await orders.ticketsPaid(tx, order);
    const known = new Set((await refundsOf(tx, payment.intentId)).map(({ ticketId }) => ticketId));
    const candidates: Refundable[] = [...order.tickets];
    for (const { ticketId } of paid) {
      const isLive = order.tickets.some((ticket) => ticket.ticketId === ticketId);
      if (isLive || known.has(ticketId)) continue;
      const isKept = (await orders.placeOfTicket(tx, ticketId))?.isVoidedByOrganiser;
      // An organiser voided it and kept its money, which may go back now.
      if (isKept) candidates.push({ ticketId, checkedInAt: undefined });
    }
    // Shares of the order's price say nothing about amounts in another currency.
    const price = payment.currency === tx.currency.code ? order.price : ZERO;
    return { candidates, shares: sharesOf(paid, price, tx.currency.chargeStep) };
  }
}

function describeSettlement(settlement: Settlement): string[] {
  switch (settlement.decision) {
    case 'already_done':
    case 'ask':
    case 'withheld':
      return [];
    case 'refund':
      return [`the money received is refunded: ${settlement.reason}`];
    default:
      return [`received money was recorded: ${settlement.decision}`];
  }
}

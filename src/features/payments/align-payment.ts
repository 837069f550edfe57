import type { OrderId, PaymentIntentId } from '../../kernel/ids.ts';
import type { Database, Transaction } from '../../platform/postgres/database.ts';
import type { Order, OrderBook } from '../orders/index.ts';
import { type AccountDiff, ADDED_BECAUSE, describeDiff, diffOf, unfundedRefunds } from './account-diff.ts';
import type { Payment, RefundPolicy, Settlement } from './payment.ts';
import type { IntentAccount, PaymentProvider } from './payment-provider.ts';
import { lockPaymentOf, setPaymentState } from './payments.store.ts';
import { leftOf, stateAfter } from './refund.ts';
import type { RefundLedger } from './refund-ledger.ts';
import { refundsOf, saveRefundBounced, saveRefundSent } from './refunds.store.ts';
import type { SettlePayment } from './settle-payment.ts';
import { saveConfirmed } from './taken-over.store.ts';
import { sharesOf, ticketsCovered } from './ticket-share.ts';

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
    const diff = diffOf(account, await refundsOf(tx, payment.intentId));
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
    for (const outflow of added) {
      const reason = ADDED_BECAUSE[outflow.origin];
      await this.#needs.ledger.write(tx, { ...outflow, intentId, reason, state: 'done', paidBy: 'provider' });
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

  /** Cancels an order whose payment is no longer applied; otherwise voids the tickets that the refunds cover. */
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
    const amount = diff.added.reduce((total, { amountMinor }) => total + amountMinor, 0);
    if (amount === 0) return;
    const shares = sharesOf(await this.#needs.orders.ticketsPaid(tx, order), order.price, tx.currency.chargeStep);
    const covered = ticketsCovered(order.tickets, shares, amount);
    if (covered.length === 0 || covered.length === order.tickets.length) {
      await this.#needs.orders.announcePartRefund(tx, order);
      return;
    }
    await this.#needs.orders.withdraw(tx, order, new Set(covered.map((ticket) => ticket.ticketId)), 'refunded');
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

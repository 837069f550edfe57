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
  /** Undefined when it is no order of ours. */
  readonly orderId: OrderId | undefined;
  /** What was not so here before, in words for an operator. */
  readonly repaired: readonly string[];
  /** Why its money would be refunded, when the policy does not allow refunds. */
  readonly withheld?: string | undefined;
}

interface AlignmentNeeds {
  readonly database: Database;
  readonly stripe: Pick<PaymentProvider, 'account'>;
  readonly orders: OrderBook;
  readonly settlePayment: SettlePayment;
  readonly ledger: RefundLedger;
}

const BOUNCED = 'The bank did not take the money back. Pay the buyer in another way, and say so here.';

/**
 * Asks the provider how the money of an intent stands and brings what is written here to the same: money that came,
 * refunds and disputes that were made elsewhere. Tickets whose money was refunded are void. Because it looks at the account
 * as it is and not at what an event says, events may come twice, late and in any order.
 */
export class AlignPayment {
  readonly #database: Database;
  readonly #stripe: Pick<PaymentProvider, 'account'>;
  readonly #orders: OrderBook;
  readonly #settlePayment: SettlePayment;
  readonly #ledger: RefundLedger;

  constructor({ database, stripe, orders, settlePayment, ledger }: AlignmentNeeds) {
    this.#database = database;
    this.#stripe = stripe;
    this.#orders = orders;
    this.#settlePayment = settlePayment;
    this.#ledger = ledger;
  }

  /** Returns what was different. Throws `payments_unavailable`. */
  async align(intentId: PaymentIntentId, policy: RefundPolicy = 'refund'): Promise<Alignment> {
    const account = await this.#stripe.account(intentId);
    const orderId = account?.intent.orderId ?? (await this.#orders.orderOfIntent(this.#database, intentId));
    const isOurs = orderId !== undefined && (await this.#orders.find(this.#database, orderId)) !== undefined;
    if (!isOurs || account?.intent.state !== 'succeeded') return { orderId: undefined, repaired: [] };
    const { received: amountMinor, currency } = account.intent;
    const money = { intentId, orderId, source: 'stripe', amountMinor, currency } as const;
    const settlement = await this.#settlePayment.settle(money, policy);
    const aligned = await this.#database.transaction((tx) => this.#alignLocked(tx, orderId, account));
    // Money that a bank gave back again is decided on like money that comes late.
    const again = aligned.state === 'received' ? await this.#settlePayment.settle(money, policy) : settlement;
    const withheld = again.decision === 'withheld' ? again.reason : undefined;
    return { orderId, repaired: [...describeSettlement(settlement), ...aligned.repaired], withheld };
  }

  async #alignLocked(
    tx: Transaction,
    orderId: OrderId,
    account: IntentAccount,
  ): Promise<{ readonly repaired: readonly string[]; readonly state: Payment['state'] }> {
    const order = await this.#orders.lock(tx, orderId);
    const payment = await lockPaymentOf(tx, orderId, account.intent.intentId);
    if (!order || !payment) throw new Error(`payment ${account.intent.intentId} is none of order ${orderId}`);
    const diff = diffOf(account, await refundsOf(tx, payment.intentId));
    await this.#write(tx, payment, diff);
    const state = await this.#saveState(tx, payment);
    await this.#voidRefunded(tx, order, payment, diff, state);
    if (payment.takenOver === 'assumed') await saveConfirmed(tx, payment.intentId);
    return { repaired: describeDiff(diff), state };
  }

  /** Writes what the account shows down as refunds. */
  async #write(
    tx: Transaction,
    { intentId }: Payment,
    { sent, bounced, won, added }: AccountDiff,
  ): Promise<void> {
    for (const { refundId, providerId } of sent) await saveRefundSent(tx, refundId, providerId);
    for (const { refundId } of bounced) await saveRefundBounced(tx, refundId, BOUNCED);
    await this.#ledger.delete(tx, { intentId }, won);
    for (const outflow of added) {
      const reason = ADDED_BECAUSE[outflow.origin];
      await this.#ledger.write(tx, { ...outflow, intentId, reason, state: 'done', paidBy: 'provider' });
    }
  }

  /** The state that the refunds make, saved; what of a payment to be refunded is neither refunded nor due becomes due. */
  async #saveState(tx: Transaction, payment: Payment): Promise<Payment['state']> {
    const { intentId, amountMinor } = payment;
    await this.#ledger.delete(tx, payment, unfundedRefunds(amountMinor, await refundsOf(tx, intentId)));
    const refunds = await refundsOf(tx, intentId);
    const state = stateAfter(payment, refunds);
    if (state === 'refund_due' && leftOf(payment, refunds) > 0) {
      return this.#ledger.refundRest(tx, payment, 'the rest of what was given back at the provider');
    }
    if (state !== payment.state) await setPaymentState(tx, intentId, state);
    return state;
  }

  /** Cancels an order that nothing pays for any more, else voids the tickets that the refunded money covers. */
  async #voidRefunded(
    tx: Transaction,
    order: Order,
    payment: Payment,
    diff: AccountDiff,
    state: Payment['state'],
  ): Promise<void> {
    if (payment.state !== 'applied') return;
    if (state !== 'applied') {
      await this.#orders.cancel(tx, order, state === 'disputed' ? 'payment' : 'refunded');
      return;
    }
    // Refunds made before this service had the order void no ticket: the earlier service left them good.
    if (payment.takenOver === 'assumed') return;
    const amount = diff.added.reduce((total, { amountMinor }) => total + amountMinor, 0);
    if (amount === 0) return;
    const shares = sharesOf(await this.#orders.ticketsPaid(tx, order), order.price, tx.currency.chargeStep);
    const covered = ticketsCovered(order.tickets, shares, amount);
    if (covered.length === 0 || covered.length === order.tickets.length) {
      await this.#orders.announcePartRefund(tx, order);
      return;
    }
    await this.#orders.withdraw(tx, order, new Set(covered.map((ticket) => ticket.ticketId)), 'refunded');
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
      return [`money that came was written down: ${settlement.decision}`];
  }
}

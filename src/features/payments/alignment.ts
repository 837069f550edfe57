import type { IdSource, OrderId, PaymentIntentId } from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import type { Database, Transaction } from '../../platform/postgres/database.ts';
import type { Order, OrderTransitions } from '../orders/index.ts';
import { type AccountNews, GONE_BY, newsOf, tooMuch, wordsFor } from './alignment.rules.ts';
import type { TicketsPaid } from './box-office.service.ts';
import type { CountMoney, IntentAccount, PaymentProvider } from './payment.ports.ts';
import {
  leftOf,
  type Payment,
  type RefundPolicy,
  type Settlement,
  sharesOf,
  stateAfter,
  ticketsCovered,
} from './payment.rules.ts';
import { lockPaymentOf, savePaymentState } from './payment.store.ts';
import type { GiveBack, WriteRefund } from './refund.service.ts';
import { markBounced, markCarriedOut, refundsOf, removeRefunds } from './refund.store.ts';
import type { SettleMoney } from './settlement.ts';
import { saveConfirmed } from './takeover.store.ts';

/**
 * Asks the provider how the money of an intent stands and brings what is written here to the same: money that came,
 * refunds and disputes that were made elsewhere. Tickets whose money is gone are void. Because it looks at the account
 * as it is and not at what an event says, events may come twice, late and in any order.
 */
export type AlignIntent = (intentId: PaymentIntentId, policy?: RefundPolicy) => Promise<Alignment>;

export interface Alignment {
  /** Undefined when it is no order of ours. */
  readonly orderId: OrderId | undefined;
  /** What was not so here before, in words for an operator. */
  readonly repaired: readonly string[];
  /** Why its money would be refunded, when the policy does not allow refunds. */
  readonly withheld?: string | undefined;
}

export interface AlignmentOptions {
  readonly database: Database;
  readonly provider: PaymentProvider;
  readonly transitions: OrderTransitions;
  readonly settleMoney: SettleMoney;
  readonly giveBack: GiveBack;
  readonly writeRefund: WriteRefund;
  readonly countMoney: CountMoney;
  readonly orderExists: (orderId: OrderId) => Promise<boolean>;
  readonly orderOfIntent: (intentId: PaymentIntentId) => Promise<OrderId | undefined>;
  readonly ticketsPaid: TicketsPaid;
  readonly currency: Currency;
  readonly ids: IdSource;
}

export function createAlignment(options: AlignmentOptions): AlignIntent {
  const { database, provider, settleMoney } = options;
  return async (intentId, policy = 'refund') => {
    const account = await provider.account(intentId);
    const orderId = account?.intent.orderId ?? (await options.orderOfIntent(intentId));
    const isOurs = orderId !== undefined && (await options.orderExists(orderId));
    if (!isOurs || account?.intent.state !== 'succeeded') return { orderId: undefined, repaired: [] };
    const { received: amountMinor, currency } = account.intent;
    const money = { intentId, orderId, amountMinor, currency };
    const settlement = await settleMoney(money, policy);
    const repaired = wordsForSettlement(settlement);
    const moved = await database.transaction((tx) => alignLocked(tx, orderId, account, options));
    // Money that a bank gave back again is decided on like money that comes late.
    const again = moved.state === 'received' ? await settleMoney(money, policy) : settlement;
    const withheld = again.decision === 'withheld' ? again.reason : undefined;
    return { orderId, repaired: [...repaired, ...moved.repaired], withheld };
  };
}

function wordsForSettlement(settlement: Settlement): string[] {
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

interface Moved {
  readonly repaired: readonly string[];
  readonly state: Payment['state'];
}

async function alignLocked(
  tx: Transaction,
  orderId: OrderId,
  account: IntentAccount,
  options: AlignmentOptions,
): Promise<Moved> {
  const order = await options.transitions.lock(tx, orderId);
  const payment = await lockPaymentOf(tx, orderId, account.intent.intentId);
  if (!order || !payment) throw new Error(`payment ${account.intent.intentId} is none of order ${orderId}`);
  const news = newsOf(account, await refundsOf(tx, payment.intentId));
  await write(tx, payment, news, options);
  const state = await stateNow(tx, payment, options);
  await voidWhatIsGone(tx, order, { payment, news, state }, options);
  if (payment.takenOver === 'assumed') await saveConfirmed(tx, payment.intentId);
  return { repaired: wordsFor(news), state };
}

/** Writes the news down as refunds. */
async function write(
  tx: Transaction,
  payment: Payment,
  { carriedOut, bounced, wonBack, gone }: AccountNews,
  options: AlignmentOptions,
): Promise<void> {
  for (const { refundId, providerId } of carriedOut) await markCarriedOut(tx, refundId, providerId);
  for (const { refundId } of bounced) await markBounced(tx, refundId, BOUNCED);
  await takeAway(tx, payment, wonBack, options);
  for (const money of gone) {
    const refund = {
      refundId: options.ids.uuid(),
      intentId: payment.intentId,
      reason: GONE_BY[money.origin],
    };
    await options.writeRefund(tx, { ...refund, ...money });
  }
}

/** Removes refunds that are none any more. */
async function takeAway(
  tx: Transaction,
  { intentId }: Payment,
  refunds: readonly { readonly refundId: string }[],
  { countMoney }: AlignmentOptions,
): Promise<void> {
  if (refunds.length === 0) return;
  const removed = await removeRefunds(
    tx,
    refunds.map(({ refundId }) => refundId),
  );
  await countMoney(tx, { intentId, taken: 0, refunded: -removed });
}

const BOUNCED = 'The bank did not take the money back. Pay the buyer in another way, and say so here.';

/** The state that the refunds written down make, saved; what was to go back and is neither gone nor due is due. */
async function stateNow(
  tx: Transaction,
  payment: Payment,
  options: AlignmentOptions,
): Promise<Payment['state']> {
  const surplus = tooMuch(payment.amountMinor, await refundsOf(tx, payment.intentId));
  await takeAway(tx, payment, surplus, options);
  const refunds = await refundsOf(tx, payment.intentId);
  const state = stateAfter(payment, refunds);
  if (state === 'refund_due' && leftOf(payment, refunds) > 0) {
    return options.giveBack(tx, payment, 'the rest of what was given back at the provider');
  }
  if (state !== payment.state) await savePaymentState(tx, payment.intentId, state);
  return state;
}

/** Cancels an order that nothing pays for any more, else voids the tickets that the money gone covers. */
async function voidWhatIsGone(
  tx: Transaction,
  order: Order,
  { payment, news, state }: { payment: Payment; news: AccountNews; state: Payment['state'] },
  { transitions, ticketsPaid, currency }: AlignmentOptions,
): Promise<void> {
  if (payment.state !== 'applied') return;
  if (state !== 'applied') {
    await transitions.cancel(tx, order, state === 'disputed' ? 'payment' : 'refunded');
    return;
  }
  // Refunds made before this service had the order void no ticket: the earlier service left them good.
  if (payment.takenOver === 'assumed') return;
  const amount = news.gone.reduce((total, { amountMinor }) => total + amountMinor, 0);
  if (amount === 0) return;
  const shares = sharesOf(await ticketsPaid(tx, order), order.price, currency.chargeStep);
  const covered = ticketsCovered(order.tickets, shares, amount);
  if (covered.length === 0 || covered.length === order.tickets.length) {
    await transitions.announcePartRefund(tx, order);
    return;
  }
  await transitions.withdraw(tx, order, new Set(covered.map((ticket) => ticket.ticketId)), 'refunded');
}

import type { Clock } from '../../kernel/clock.ts';
import type { IdSource, OrderId, PaymentIntentId } from '../../kernel/ids.ts';
import type { Database, Transaction } from '../../platform/postgres/database.ts';
import type { Order } from '../orders/order.rules.ts';
import type { OrderTransitions } from '../orders/order.transitions.ts';
import type { IntentAccount, PaymentProvider } from './payment.ports.ts';
import { leftOf, type Payment, type Refund, ticketsCovered } from './payment.rules.ts';
import { lockPayment, savePaymentState } from './payment.store.ts';
import type { GiveBack } from './refund.service.ts';
import { insertRefund, markBounced, markCarriedOut, refundsOf, removeRefunds } from './refund.store.ts';
import type { SettleMoney } from './settlement.ts';

/**
 * Asks the provider how the money of an intent stands and brings what is written here to the same: money that came,
 * refunds and disputes that were made elsewhere. Tickets whose money is gone are void. Because it looks at the account
 * as it is and not at what an event says, events may come twice, late and in any order.
 */
export type AlignIntent = (intentId: PaymentIntentId) => Promise<Alignment>;

export interface Alignment {
  /** Undefined when it is no order of ours. */
  readonly orderId: OrderId | undefined;
  /** What was not so here before, in words for an operator. */
  readonly repaired: readonly string[];
}

export interface AlignmentOptions {
  readonly database: Database;
  readonly provider: PaymentProvider;
  readonly transitions: OrderTransitions;
  readonly settleMoney: SettleMoney;
  readonly giveBack: GiveBack;
  readonly orderExists: (orderId: OrderId) => Promise<boolean>;
  readonly orderOfIntent: (intentId: PaymentIntentId) => Promise<OrderId | undefined>;
  readonly onCancelled: (order: Order) => Promise<void>;
  readonly onCommitted: () => void;
  readonly clock: Clock;
  readonly ids: IdSource;
}

export function createAlignment(options: AlignmentOptions): AlignIntent {
  const { database, provider, settleMoney } = options;
  return async (intentId) => {
    const account = await provider.account(intentId);
    const orderId = account?.intent.orderId ?? (await options.orderOfIntent(intentId));
    const isOurs = orderId !== undefined && (await options.orderExists(orderId));
    if (!isOurs || account?.intent.state !== 'succeeded') return { orderId: undefined, repaired: [] };
    const money = {
      intentId,
      orderId,
      amountMinor: account.intent.received,
      currency: account.intent.currency,
    };
    const decision = await settleMoney(money);
    const repaired = decision === 'already_done' ? [] : [`money that came was written down: ${decision}`];
    const moved = await database.transaction((tx) => alignLocked(tx, orderId, account, options));
    if (moved.repaired.length > 0) options.onCommitted();
    if (moved.cancelled) await options.onCancelled(moved.cancelled);
    // Money that a bank gave back again is decided on like money that comes late.
    if (moved.isWonBack) await settleMoney(money);
    return { orderId, repaired: [...repaired, ...moved.repaired] };
  };
}

interface Moved {
  readonly repaired: readonly string[];
  readonly cancelled?: Order;
  readonly isWonBack?: true;
}

async function alignLocked(
  tx: Transaction,
  orderId: OrderId,
  account: IntentAccount,
  options: AlignmentOptions,
): Promise<Moved> {
  const order = await options.transitions.lock(tx, orderId);
  const payment = await lockPayment(tx, account.intent.intentId);
  if (!order || !payment) throw new Error(`payment ${account.intent.intentId} or its order is gone`);
  const known = await refundsOf(tx, payment.intentId);
  const confirmed = await confirmOurs(tx, known, account);
  const bounced = await returnBounced(tx, payment, known, account);
  if (await takeBackWon(tx, payment, known, account)) {
    return { repaired: ['a dispute was won'], isWonBack: true };
  }
  const gone = await recordGone(tx, payment, known, account, options);
  const words = [...confirmed, ...bounced, ...gone.words];
  if (gone.amount === 0) return { repaired: words };
  return { ...(await voidWhatIsGone(tx, order, payment, gone, options)), repaired: words };
}

/** Refunds of ours that the provider carried out without our having heard of it. */
async function confirmOurs(
  tx: Transaction,
  known: readonly Refund[],
  account: IntentAccount,
): Promise<string[]> {
  const words: string[] = [];
  for (const { refundId, providerId, hasFailed } of account.refunds) {
    const ours = known.find((refund) => refund.refundId === refundId && refund.providerId === undefined);
    if (!ours || hasFailed) continue;
    await markCarriedOut(tx, ours.refundId, providerId);
    words.push(`refund ${providerId} is carried out`);
  }
  return words;
}

/** Refunds of ours that a bank would not take. */
async function returnBounced(
  tx: Transaction,
  payment: Payment,
  known: readonly Refund[],
  account: IntentAccount,
): Promise<string[]> {
  const failed = account.refunds.filter(
    ({ providerId, hasFailed }) => hasFailed && known.some((refund) => refund.providerId === providerId),
  );
  for (const { providerId } of failed) {
    const refund = known.find((each) => each.providerId === providerId);
    if (refund)
      await markBounced(
        tx,
        refund.refundId,
        'The bank did not take the money back. Ask the buyer how to pay it out.',
      );
    if (payment.state === 'refunded') await savePaymentState(tx, payment.intentId, 'refund_due');
  }
  return failed.map(({ providerId }) => `refund ${providerId} did not reach the buyer`);
}

/** A dispute that was won: the money is here again. */
async function takeBackWon(
  tx: Transaction,
  payment: Payment,
  known: readonly Refund[],
  account: IntentAccount,
): Promise<boolean> {
  const won = new Set(
    account.disputes.filter(({ state }) => state === 'won').map(({ providerId }) => providerId),
  );
  const back = known.filter(({ providerId }) => providerId !== undefined && won.has(providerId));
  if (back.length === 0) return false;
  await removeRefunds(
    tx,
    back.map(({ refundId }) => refundId),
  );
  if (payment.state === 'disputed') await savePaymentState(tx, payment.intentId, 'received');
  return true;
}

interface Gone {
  /** Minor units that went back and were not known of. */
  readonly amount: number;
  readonly isDisputed: boolean;
  readonly words: readonly string[];
}

/** Writes down refunds and disputes that nobody here asked for. */
async function recordGone(
  tx: Transaction,
  payment: Payment,
  known: readonly Refund[],
  account: IntentAccount,
  { clock, ids }: AlignmentOptions,
): Promise<Gone> {
  const isNew = (providerId: string) => !known.some((refund) => refund.providerId === providerId);
  const refunds = account.refunds.filter(
    ({ providerId, refundId, hasFailed }) =>
      !hasFailed && isNew(providerId) && !known.some((refund) => refund.refundId === refundId),
  );
  const disputes = account.disputes.filter(({ providerId, state }) => state === 'taken' && isNew(providerId));
  const gone = [
    ...refunds.map((refund) => ({
      ...refund,
      origin: 'stripe' as const,
      reason: 'given back at the provider',
    })),
    ...disputes.map((dispute) => ({
      ...dispute,
      origin: 'dispute' as const,
      reason: 'taken back by the bank',
    })),
  ];
  for (const { providerId, amount, origin, reason } of gone) {
    const refund = {
      refundId: ids.uuid(),
      intentId: payment.intentId,
      amountMinor: amount,
      origin,
      reason,
      providerId,
    };
    await insertRefund(tx, refund, clock.now());
  }
  return {
    amount: gone.reduce((total, each) => total + each.amount, 0),
    isDisputed: disputes.length > 0,
    words: gone.map(({ providerId, reason }) => `${providerId} was ${reason}`),
  };
}

/** Cancels the order when all its money is gone, else voids the tickets that the amount covers. */
async function voidWhatIsGone(
  tx: Transaction,
  order: Order,
  payment: Payment,
  gone: Gone,
  { transitions, giveBack }: AlignmentOptions,
): Promise<Pick<Moved, 'cancelled'>> {
  const refunds = await refundsOf(tx, payment.intentId);
  const done = refunds.filter(({ providerId }) => providerId !== undefined);
  const left = leftOf(payment, done);
  await removeRefunds(tx, tooMuchFor(left, refunds));
  if (left <= 0) {
    await savePaymentState(tx, payment.intentId, gone.isDisputed ? 'disputed' : 'refunded');
    if (payment.state !== 'applied') return {};
    const transition = await transitions.cancel(tx, order, gone.isDisputed ? 'payment' : 'refunded');
    return transition.outcome === 'changed' ? { cancelled: transition.order } : {};
  }
  if (payment.state === 'refund_due')
    await giveBack(tx, payment, 'the rest of what was given back at the provider');
  const covered = payment.state === 'applied' ? ticketsCovered(order, gone.amount) : [];
  if (covered.length > 0 && covered.length < order.tickets.length) {
    await transitions.withdraw(tx, order, new Set(covered.map((ticket) => ticket.ticketId)));
  }
  return {};
}

/** Refunds of ours that are due, but for which the provider has no money left. */
function tooMuchFor(left: number, refunds: readonly Refund[]): string[] {
  let rest = left;
  return refunds
    .filter(({ providerId, amountMinor }) => {
      if (providerId !== undefined) return false;
      if (amountMinor > rest) return true;
      rest -= amountMinor;
      return false;
    })
    .map(({ refundId }) => refundId);
}

import type { Clock } from '../../kernel/clock.ts';
import { unreachable } from '../../kernel/errors.ts';
import type { PaymentIntentId } from '../../kernel/ids.ts';
import type { Database, Transaction } from '../../platform/postgres/database.ts';
import type { Order, OrderBook } from '../orders/index.ts';
import { correctAssumed, replaceAssumedPayment } from './assumed-payment.ts';
import type { MoneyLog, MoneyOutcome } from './money-log.ts';
import { type Payment, type RefundPolicy, type Settlement, settle } from './payment.ts';
import type { CountMoney, PaymentProvider } from './payment-provider.ts';
import { lockPaidBy, lockPaymentOf, type MoneyReceived, recordMoney, setPaymentState } from './payments.store.ts';
import type { RefundLedger } from './refund-ledger.ts';

type Decided = Exclude<Settlement, { decision: 'already_done' | 'ask' }>;

/** A try fails when another order takes a seat at the same time; the next try sees that sale. */
const MAX_REBOOK_ATTEMPTS = 3;

export interface SettlementNeeds {
  readonly database: Database;
  readonly clock: Clock;
  readonly stripe: Pick<PaymentProvider, 'findIntent'>;
  readonly orders: OrderBook;
  readonly ledger: RefundLedger;
  readonly countMoney: CountMoney;
  readonly moneyLog: MoneyLog;
}

/** Records received money in a transaction of its own, and then decides what becomes of it. */
export class SettlePayment {
  readonly #needs: SettlementNeeds;

  constructor(needs: SettlementNeeds) {
    this.#needs = needs;
  }

  /**
   * Settles money and returns the decision. Safe to repeat and to run at the same time: the lock of the order lets one caller
   * decide, and a payment is decided on once. Throws `payments_unavailable`.
   */
  async settle(money: MoneyReceived, policy: RefundPolicy = 'refund'): Promise<Settlement> {
    await this.#record(money, policy);
    const asked = new Map<PaymentIntentId, boolean>();
    for (let attempt = 1; ; attempt += 1) {
      try {
        const settlement = await this.#needs.database.transaction((tx) => this.#decide(tx, money, policy, asked));
        if (settlement.decision === 'ask') {
          const { intentId } = settlement.assumed;
          asked.set(intentId, (await this.#needs.stripe.findIntent(intentId))?.state === 'succeeded');
          continue;
        }
        if (isNew(settlement, policy)) {
          const reason = 'reason' in settlement ? settlement.reason : undefined;
          this.#needs.moneyLog.decided(outcomeOf(settlement), money, reason);
        }
        return settlement;
      } catch (error) {
        if (attempt >= MAX_REBOOK_ATTEMPTS || !this.#needs.orders.isSeatTaken(error)) throw error;
      }
    }
  }

  /** Records the money in a transaction of its own, so that a later crash loses no money. */
  async #record(money: MoneyReceived, policy: RefundPolicy): Promise<void> {
    const corrected = await this.#needs.database.transaction(async (tx) => {
      // After a crash the job `decision` settles `received` money and may refund it, so money to withhold is not `received`.
      const state = policy === 'withhold' ? 'withheld' : 'received';
      const isRecorded = await recordMoney(tx, money, this.#needs.clock.now(), state);
      if (!isRecorded) return correctAssumed(tx, money, this.#needs.countMoney);
      await this.#needs.countMoney(tx, { intentId: money.intentId, taken: money.amountMinor, refunded: 0 });
      return undefined;
    });
    if (corrected) this.#needs.moneyLog.corrected(money, corrected);
  }

  /** `asked` holds the provider's answers so far: whether it received a payment. */
  async #decide(
    tx: Transaction,
    { orderId, intentId }: MoneyReceived,
    policy: RefundPolicy,
    asked: ReadonlyMap<PaymentIntentId, boolean>,
  ): Promise<Settlement> {
    const order = await this.#needs.orders.lock(tx, orderId);
    const payment = await lockPaymentOf(tx, orderId, intentId);
    if (!order || !payment) throw new Error(`payment ${intentId} was recorded for another order than ${orderId}`);
    const paidBy = await lockPaidBy(tx, orderId, intentId);
    const settlement = settle(order, payment, {
      currency: tx.currency,
      paidBy,
      isPaidByReceived: paidBy && asked.get(paidBy.intentId),
      seatsFree: order.status !== 'cancelled' || (await this.#needs.orders.seatsFree(tx, order)),
      policy,
    });
    await this.#save(tx, order, payment, settlement);
    return settlement;
  }

  /** Saves a decision about a locked payment of a locked order. */
  async #save(tx: Transaction, order: Order, payment: Payment, settlement: Settlement): Promise<void> {
    const { intentId } = payment;
    switch (settlement.decision) {
      case 'complete':
        await this.#needs.orders.complete(tx, order);
        return setPaymentState(tx, intentId, 'applied');
      case 'rebook':
        await this.#needs.orders.rebook(tx, order);
        return setPaymentState(tx, intentId, 'applied');
      case 'apply':
        return setPaymentState(tx, intentId, 'applied');
      case 'replace':
        return replaceAssumedPayment(tx, settlement.assumed, payment, this.#needs.countMoney, this.#needs.ledger);
      case 'withheld':
        if (payment.state !== 'withheld') await setPaymentState(tx, intentId, 'withheld');
        return;
      case 'refund':
        await this.#needs.ledger.refundRest(tx, payment, settlement.reason);
        if (settlement.isLate) await this.#needs.orders.refundLate(tx, order);
        return;
      case 'ask':
      case 'already_done':
        return;
      default:
        unreachable(settlement);
    }
  }
}

/** Whether the decision is to be counted and logged: money that stays withheld was reported before. */
function isNew(settlement: Exclude<Settlement, { decision: 'ask' }>, policy: RefundPolicy): settlement is Decided {
  const isKnown = settlement.decision === 'withheld' && policy === 'refund';
  return settlement.decision !== 'already_done' && !isKnown;
}

function outcomeOf(settlement: Decided): MoneyOutcome {
  switch (settlement.decision) {
    case 'complete':
      return 'completed';
    case 'rebook':
      return 'late_rebooked';
    case 'apply':
    case 'replace':
      return 'taken_over';
    case 'withheld':
      return 'withheld';
    case 'refund':
      return settlement.isLate ? 'late_refunded' : 'refunded';
    default:
      return unreachable(settlement);
  }
}

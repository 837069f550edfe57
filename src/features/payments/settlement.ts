import { type Clock, later } from '../../kernel/clock.ts';
import { unreachable } from '../../kernel/errors.ts';
import type { OnFailure } from '../../kernel/failures.ts';
import type { PaymentIntentId } from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import type { Database, Transaction } from '../../platform/postgres/database.ts';
import type { Order, OrderTransitions } from '../orders/index.ts';
import type { CountMoney, PaymentProvider } from './payment.ports.ts';
import { type Payment, type RefundPolicy, type Settlement, settle } from './payment.rules.ts';
import {
  lockPaidBy,
  lockPaymentOf,
  type MoneyReceived,
  recordMoney,
  savePaymentState,
  undecided,
} from './payment.store.ts';
import type { GiveBack } from './refund.service.ts';
import { correctAssumed, takePlaceOf } from './takeover.service.ts';

/**
 * Writes money that came down first, on its own, then decides and carries out what becomes of it. Safe to repeat and
 * to race: the order's lock lets one decide, and a payment is decided on once. Returns what was decided.
 */
export type SettleMoney = (money: MoneyReceived, policy?: RefundPolicy) => Promise<Settlement>;

export interface SettlementOptions {
  readonly database: Database;
  readonly provider: Pick<PaymentProvider, 'findIntent'>;
  readonly transitions: OrderTransitions;
  /** Whether an error says that a seat was sold between the look and the booking. */
  readonly isSeatTaken: (error: unknown) => boolean;
  readonly currency: Currency;
  readonly clock: Clock;
  readonly giveBack: GiveBack;
  readonly countMoney: CountMoney;
  /** Told what became of money, once for each payment; `late` money came after its order had ended. */
  readonly onDecided: (outcome: MoneyOutcome, money: MoneyReceived, reason: string | undefined) => void;
  /** Called when the provider received another amount than was assumed from the order. */
  readonly onCorrected: (money: MoneyReceived, assumed: MoneyAmount) => void;
}

type MoneyAmount = Pick<MoneyReceived, 'amountMinor' | 'currency'>;

/** `taken_over`: its order was completed before this service knew it. `withheld`: a person decides about its refund. */
export type MoneyOutcome =
  | 'completed'
  | 'refunded'
  | 'late_rebooked'
  | 'late_refunded'
  | 'taken_over'
  | 'withheld';
type Decided = Exclude<Settlement, { decision: 'already_done' | 'ask' }>;

/** Each further try sees the sale that beat the one before. */
const MAX_REBOOK_ATTEMPTS = 3;

export function createSettlement(options: SettlementOptions): SettleMoney {
  const { database, isSeatTaken, provider } = options;
  return async (money, policy = 'refund') => {
    await writeDown(money, policy, options);
    const asked = new Map<PaymentIntentId, boolean>();
    for (let attempt = 1; ; attempt += 1) {
      try {
        const settlement = await database.transaction((tx) =>
          settleLocked(tx, { money, policy, asked }, options),
        );
        if (settlement.decision === 'ask') {
          const { intentId } = settlement.assumed;
          asked.set(intentId, (await provider.findIntent(intentId))?.state === 'succeeded');
          continue;
        }
        if (isNews(settlement, policy)) report(settlement, money, options);
        return settlement;
      } catch (error) {
        if (attempt >= MAX_REBOOK_ATTEMPTS || !isSeatTaken(error)) throw error;
      }
    }
  };
}

/** Whoever wrote money down decides on it well within this; after it he is taken to have died. */
const UNDECIDED_MS = 15_000;
const UNDECIDED_BATCH = 100;

/**
 * Decides on money that was written down by somebody who died before he could. A turn: true when there may be more.
 * One that fails is told of, and comes again.
 */
export function createUndecidedSweep(
  settleMoney: SettleMoney,
  {
    database,
    clock,
    onError,
  }: Pick<SettlementOptions, 'database' | 'clock'> & {
    readonly onError: OnFailure;
  },
): () => Promise<boolean> {
  return async () => {
    const left = await undecided(database, later(clock.now(), -UNDECIDED_MS), UNDECIDED_BATCH);
    let decided = 0;
    for (const money of left) {
      try {
        await settleMoney(money);
        decided += 1;
      } catch (error) {
        onError(error, { orderId: money.orderId, paymentIntentId: money.intentId });
      }
    }
    return decided === UNDECIDED_BATCH;
  };
}

/** On its own, before anything is decided: a crash from here on loses no money. */
async function writeDown(
  money: MoneyReceived,
  policy: RefundPolicy,
  { database, clock, countMoney, onCorrected }: SettlementOptions,
): Promise<void> {
  const corrected = await database.transaction(async (tx) => {
    // A crash can leave this money undecided. The job that settles such money may refund, so it must not find this one.
    const state = policy === 'withhold' ? 'withheld' : 'received';
    if (!(await recordMoney(tx, money, clock.now(), state))) return correctAssumed(tx, money, countMoney);
    await countMoney(tx, { intentId: money.intentId, taken: money.amountMinor, refunded: 0 });
    return undefined;
  });
  if (corrected) onCorrected(money, corrected);
}

/** That money is withheld was told by the comparison that withheld it. */
function isNews(
  settlement: Exclude<Settlement, { decision: 'ask' }>,
  policy: RefundPolicy,
): settlement is Decided {
  const isKnown = settlement.decision === 'withheld' && policy === 'refund';
  return settlement.decision !== 'already_done' && !isKnown;
}

function report(settlement: Decided, money: MoneyReceived, { onDecided }: SettlementOptions): void {
  onDecided(outcomeOf(settlement), money, 'reason' in settlement ? settlement.reason : undefined);
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

interface SettlementRequest {
  readonly money: MoneyReceived;
  readonly policy: RefundPolicy;
  /** Whether the provider received the payments that it was asked about. */
  readonly asked: ReadonlyMap<PaymentIntentId, boolean>;
}

async function settleLocked(
  tx: Transaction,
  { money: { orderId, intentId }, policy, asked }: SettlementRequest,
  options: SettlementOptions,
): Promise<Settlement> {
  const { transitions, currency } = options;
  const order = await transitions.lock(tx, orderId);
  const payment = await lockPaymentOf(tx, orderId, intentId);
  if (!order || !payment)
    throw new Error(`payment ${intentId} was first told of for another order than ${orderId}`);
  const paidBy = await lockPaidBy(tx, orderId, intentId);
  const settlement = settle(order, payment, {
    currency,
    paidBy,
    isPaidByReceived: paidBy && asked.get(paidBy.intentId),
    seatsFree: order.status !== 'cancelled' || (await transitions.seatsFree(tx, order)),
    policy,
  });
  await save(tx, order, payment, settlement, options);
  return settlement;
}

/** Saves what was decided on a locked payment of a locked order. */
async function save(
  tx: Transaction,
  order: Order,
  payment: Payment,
  settlement: Settlement,
  options: SettlementOptions,
): Promise<void> {
  const { transitions, giveBack } = options;
  const { intentId } = payment;
  switch (settlement.decision) {
    case 'complete':
      await transitions.complete(tx, order);
      return savePaymentState(tx, intentId, 'applied');
    case 'rebook':
      await transitions.rebook(tx, order);
      return savePaymentState(tx, intentId, 'applied');
    case 'apply':
      return savePaymentState(tx, intentId, 'applied');
    case 'replace':
      return takePlaceOf(tx, settlement.assumed, payment, options);
    case 'withheld':
      if (payment.state !== 'withheld') await savePaymentState(tx, intentId, 'withheld');
      return;
    case 'refund':
      await giveBack(tx, payment, settlement.reason);
      if (settlement.isLate) await transitions.refuseLate(tx, order);
      return;
    case 'ask':
    case 'already_done':
      return;
    default:
      unreachable(settlement);
  }
}

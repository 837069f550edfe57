import { type Clock, later } from '../../kernel/clock.ts';
import { unreachable } from '../../kernel/errors.ts';
import type { OnFailure } from '../../kernel/failures.ts';
import type { Currency } from '../../kernel/money.ts';
import type { Database, Transaction } from '../../platform/postgres/database.ts';
import type { OrderTransitions } from '../orders/order.transitions.ts';
import type { CountMoney } from './payment.ports.ts';
import { type Settlement, settle } from './payment.rules.ts';
import {
  isPaid,
  lockPaymentOf,
  type MoneyReceived,
  recordMoney,
  savePaymentState,
  undecided,
} from './payment.store.ts';
import type { GiveBack } from './refund.service.ts';

/**
 * Writes money that came down first, on its own, then decides and carries out what becomes of it. Safe to repeat and
 * to race: the order's lock lets one decide, and a payment is decided on once. Returns what was decided.
 */
export type SettleMoney = (money: MoneyReceived) => Promise<Settlement['decision']>;

export interface SettlementOptions {
  readonly database: Database;
  readonly transitions: OrderTransitions;
  /** Whether an error says that a seat was sold between the look and the booking. */
  readonly isSeatTaken: (error: unknown) => boolean;
  readonly currency: Currency;
  readonly clock: Clock;
  readonly giveBack: GiveBack;
  readonly countMoney: CountMoney;
  /** A refund is due. */
  readonly onDue: () => void;
  readonly onCommitted: () => void;
  /** Told what became of money, once for each payment; `late` money came after its order had ended. */
  readonly onDecided: (outcome: MoneyOutcome) => void;
}

export type MoneyOutcome = 'completed' | 'refunded' | 'late_rebooked' | 'late_refunded';
type Decided = Exclude<Settlement, { decision: 'already_done' }>;

/** Each further try sees the sale that beat the one before. */
const MAX_REBOOK_ATTEMPTS = 3;

export function createSettlement(options: SettlementOptions): SettleMoney {
  const { database, isSeatTaken } = options;
  return async (money) => {
    await writeDown(money, options);
    for (let attempt = 1; ; attempt += 1) {
      try {
        const settlement = await database.transaction((tx) => settleLocked(tx, money, options));
        if (settlement.decision !== 'already_done') tell(settlement, options);
        return settlement.decision;
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
function writeDown(money: MoneyReceived, { database, clock, countMoney }: SettlementOptions): Promise<void> {
  return database.transaction(async (tx) => {
    const isNew = await recordMoney(tx, money, clock.now());
    if (isNew) await countMoney(tx, { intentId: money.intentId, taken: money.amountMinor, refunded: 0 });
  });
}

function tell(settlement: Decided, { onCommitted, onDue, onDecided }: SettlementOptions): void {
  onCommitted();
  if (settlement.decision === 'refund') onDue();
  onDecided(outcomeOf(settlement));
}

function outcomeOf(settlement: Decided): MoneyOutcome {
  switch (settlement.decision) {
    case 'complete':
      return 'completed';
    case 'rebook':
      return 'late_rebooked';
    case 'refund':
      return settlement.isLate ? 'late_refunded' : 'refunded';
    default:
      return unreachable(settlement);
  }
}

async function settleLocked(
  tx: Transaction,
  { orderId, intentId }: MoneyReceived,
  { transitions, giveBack, currency }: SettlementOptions,
): Promise<Settlement> {
  const order = await transitions.lock(tx, orderId);
  const payment = await lockPaymentOf(tx, orderId, intentId);
  if (!order || !payment)
    throw new Error(`payment ${intentId} was first told of for another order than ${orderId}`);
  const settlement = settle(order, payment, {
    currency,
    paidByAnother: await isPaid(tx, orderId),
    seatsFree: order.status !== 'cancelled' || (await transitions.seatsFree(tx, order)),
  });
  switch (settlement.decision) {
    case 'complete':
      await transitions.complete(tx, order);
      await savePaymentState(tx, intentId, 'applied');
      break;
    case 'rebook':
      await transitions.rebook(tx, order);
      await savePaymentState(tx, intentId, 'applied');
      break;
    case 'refund':
      await giveBack(tx, payment, settlement.reason);
      if (settlement.isLate) await transitions.refuseLate(tx, order);
      break;
    case 'already_done':
      break;
    default:
      unreachable(settlement);
  }
  return settlement;
}

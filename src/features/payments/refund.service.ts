import type { Clock } from '../../kernel/clock.ts';
import { eachOf } from '../../kernel/concurrency.ts';
import { AppError, reasonOf } from '../../kernel/errors.ts';
import type { OnFailure } from '../../kernel/failures.ts';
import type { IdSource, OrderId, PaymentIntentId } from '../../kernel/ids.ts';
import { type Currency, type Money, minus, money } from '../../kernel/money.ts';
import { demandAdmin, type Principal } from '../../kernel/principal.ts';
import type { Database, Transaction } from '../../platform/postgres/database.ts';
import type { RecordAction } from '../audit/index.ts';
import type { Order, OrderTransitions } from '../orders/index.ts';
import type { CountMoney, PaymentProvider } from './payment.ports.ts';
import { byHand, isPaidElsewhere, leftOf, type Payment, stateAfter } from './payment.rules.ts';
import { lockApplied, lockPayment, savePaymentState } from './payment.store.ts';
import {
  claimRefunds,
  type DueRefund,
  findStuckRefund,
  insertRefund,
  isDue,
  markCarriedOut,
  type NewRefund,
  noteRefundFailure,
  refundsOf,
} from './refund.store.ts';

/** What an administrator gives back; without an amount all that is left. */
export interface RefundRequest {
  readonly amount: Money | undefined;
  readonly reason: string;
}

export interface RefundIssued {
  readonly refundId: string;
  readonly amount: Money;
  readonly reason: string;
  /** As it is afterwards: cancelled when all was given back, else as it was. */
  readonly order: Order;
}

export interface RefundService {
  /**
   * Gives money of a completed order back. All that is left cancels the order; a part leaves it and its tickets good.
   * For administrators. Throws `forbidden`, `order_not_found`, `refund_not_possible`.
   */
  issue(orderId: OrderId, request: RefundRequest, who: Principal): Promise<RefundIssued>;
  /**
   * A refund that waits for a person was paid out in another way, which `reference` names: it is done. For
   * administrators. Throws `forbidden`, `payment_not_stuck`.
   */
  settleByHand(refundId: string, reference: string, who: Principal): Promise<void>;
  /** Carries out refunds that are due; true when there may be more. */
  refundDue(): Promise<boolean>;
}

/** In the caller's transaction: all that is left of a locked payment becomes due to be given back. Its state from then on. */
export type GiveBack = (tx: Transaction, payment: Payment, reason: string) => Promise<Payment['state']>;

/** In the caller's transaction: writes a refund of a locked payment down, and counts it. */
export type WriteRefund = (tx: Transaction, refund: NewRefund) => Promise<void>;

export function createWriteRefund(options: {
  readonly clock: Clock;
  readonly countMoney: CountMoney;
}): WriteRefund {
  return async (tx, refund) => {
    const { intentId, amountMinor } = refund;
    const isNew = await insertRefund(tx, refund, options.clock.now());
    if (isNew) await options.countMoney(tx, { intentId, taken: 0, refunded: amountMinor });
  };
}

export function createGiveBack(options: {
  readonly writeRefund: WriteRefund;
  readonly ids: IdSource;
}): GiveBack {
  const { writeRefund, ids } = options;
  return async (tx, payment, reason) => {
    const amountMinor = leftOf(payment, await refundsOf(tx, payment.intentId));
    if (amountMinor > 0) {
      const isManual = isPaidElsewhere(payment.intentId);
      const refund = { refundId: ids.uuid(), intentId: payment.intentId, amountMinor, reason, isManual };
      await writeRefund(tx, { ...refund, origin: 'service' });
    }
    return moveOn(tx, payment);
  };
}

/** Saves the state that a locked payment's refunds make of it. */
export async function moveOn(tx: Transaction, payment: Payment): Promise<Payment['state']> {
  const state = stateAfter(payment, await refundsOf(tx, payment.intentId));
  if (state !== payment.state) await savePaymentState(tx, payment.intentId, state);
  return state;
}

export interface RefundServiceOptions {
  readonly database: Database;
  readonly provider: PaymentProvider;
  readonly transitions: OrderTransitions;
  readonly writeRefund: WriteRefund;
  readonly recordAction: RecordAction;
  /** Asks the provider how an intent's money stands, and does the same here. */
  readonly align: (intentId: PaymentIntentId) => Promise<unknown>;
  /** Reads the provider's account of a payment that was only assumed for an order. */
  readonly confirmTakenOver: (orderId: OrderId) => Promise<void>;
  readonly onError: OnFailure;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly currency: Currency;
}

const BATCH = 64;
const CONCURRENT = 8;

export function createRefundService(options: RefundServiceOptions): RefundService {
  const { database, clock } = options;

  return {
    async issue(orderId, request, who) {
      demandAdmin(who);
      await options.confirmTakenOver(orderId);
      return database.transaction(async (tx) => {
        const result = await issueLocked(tx, orderId, request, who, options);
        tx.keepAnswer(result);
        return result;
      });
    },

    async settleByHand(refundId, reference, who) {
      demandAdmin(who);
      await database.transaction(async (tx) => {
        await settleLocked(tx, refundId, reference, who, options);
        tx.keepAnswer(undefined);
      });
    },

    async refundDue() {
      const due = await claimRefunds(database, clock.now(), BATCH);
      await eachOf(due, CONCURRENT, (refund) => carryOut(refund, options));
      return due.length === BATCH;
    },
  };
}

async function settleLocked(
  tx: Transaction,
  refundId: string,
  reference: string,
  who: Principal,
  { transitions, recordAction, currency }: RefundServiceOptions,
): Promise<void> {
  const stuck = await findStuckRefund(tx, refundId);
  const order = stuck && (await transitions.lock(tx, stuck.orderId));
  const payment = stuck && (await lockPayment(tx, stuck.intentId));
  const isDone = payment && (await markCarriedOut(tx, refundId, byHand(refundId, reference)));
  if (!order || !isDone) throw new AppError('payment_not_stuck', 'No refund by this id waits for a person.');
  await moveOn(tx, payment);
  await recordAction(tx, {
    actor: who.userId,
    action: 'refund.settled',
    about: order,
    before: { refund_id: refundId, is_paid_out: false },
    after: { refund_id: refundId, is_paid_out: true, amount: currency.toMajor(money(stuck.amountMinor)) },
  });
}

async function issueLocked(
  tx: Transaction,
  orderId: OrderId,
  { amount: wanted, reason }: RefundRequest,
  who: Principal,
  { transitions, writeRefund, recordAction, ids, currency }: RefundServiceOptions,
): Promise<RefundIssued> {
  const order = await transitions.lock(tx, orderId);
  if (!order) throw new AppError('order_not_found', 'There is no order with this id.');
  const payment = await lockApplied(tx, orderId);
  if (!payment)
    throw new AppError('refund_not_possible', 'Nothing pays for this order that could be given back.');
  const left = leftOf(payment, await refundsOf(tx, payment.intentId));
  const amount = wanted ?? money(left);
  refuseUnlessPossible(amount, left, currency);
  const refundId = ids.uuid();
  const { intentId } = payment;
  const isManual = isPaidElsewhere(intentId);
  const refund = { refundId, intentId, amountMinor: amount, reason, requestedBy: who.userId, isManual };
  await writeRefund(tx, { ...refund, origin: 'service' });
  const isWhole = (await moveOn(tx, payment)) !== 'applied';
  const transition = isWhole ? await transitions.cancel(tx, order, 'refunded') : undefined;
  if (!isWhole) await transitions.announcePartRefund(tx, order);
  const after = transition?.outcome === 'changed' ? transition.order : order;
  await recordAction(tx, {
    actor: who.userId,
    action: 'order.refunded',
    about: order,
    before: { status: order.status, left: currency.toMajor(money(left)) },
    after: { status: after.status, left: currency.toMajor(minus(money(left), amount)), refund_id: refundId },
  });
  return { refundId, amount, reason, order: after };
}

function refuseUnlessPossible(amount: Money, left: number, currency: Currency): void {
  if (amount > left || left === 0) {
    const most = currency.toMajor(money(left));
    throw new AppError('refund_not_possible', `Of what was paid ${most} is left to give back.`);
  }
  if (amount % currency.chargeStep !== 0) {
    const code = currency.code.toUpperCase();
    throw new AppError(
      'refund_not_possible',
      `The amount has more decimals than can be given back in ${code}.`,
    );
  }
}

/**
 * Whether an earlier try has given it back after all. Stripe forgets the idempotency key after a day, and a refund may be
 * tried again much later: only its account tells.
 */
async function wasCarriedOut(
  { refundId, intentId, attempts }: DueRefund,
  { database, align }: RefundServiceOptions,
): Promise<boolean> {
  if (attempts === 1) return false;
  await align(intentId);
  return !(await isDue(database, refundId));
}

async function carryOut(refund: DueRefund, options: RefundServiceOptions): Promise<void> {
  const { database, provider } = options;
  const { refundId, intentId, amountMinor } = refund;
  try {
    if (await wasCarriedOut(refund, options)) return;
    const providerId = await provider.refund(intentId, amountMinor, refundId, refund.attempts === 1);
    await database.transaction(async (tx) => {
      const payment = await lockPayment(tx, intentId);
      await markCarriedOut(tx, refundId, providerId);
      if (payment) await moveOn(tx, payment);
    });
  } catch (error) {
    const about = { refundId, paymentIntentId: intentId };
    options.onError(error, about);
    await noteRefundFailure(database, refundId, reasonOf(error));
    // Refused: perhaps somebody gave it back in the provider's dashboard.
    if (error instanceof AppError && error.code === 'payment_refused') {
      await options.align(intentId).catch((failure) => options.onError(failure, about));
    }
  }
}

import type { Clock } from '../../kernel/clock.ts';
import type { OrderId, SeatId } from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import { appendToOutbox } from '../../platform/outbox/outbox.store.ts';
import type { Transaction } from '../../platform/postgres/database.ts';
import type { SeatHolds } from '../seats/index.ts';
import type { Ticket } from '../tickets/index.ts';
import { amendTicket } from './box-office.store.ts';
import {
  amend,
  type CancelReason,
  cancel,
  complete,
  type Order,
  type PendingOrder,
  rebook,
  refuseLate,
  type Transition,
  type WithdrawReason,
  withdraw,
} from './order.rules.ts';
import {
  liveSeats,
  lockOrder,
  lockOrders,
  saveCancelled,
  saveTerms,
  saveTransition,
  voidTickets,
} from './order.store.ts';
import { announcementsOf } from './order.wire.ts';

/** An order before and after something happened to it. */
export interface OrderChange {
  readonly from: Order;
  readonly to: Order;
}

/** Port: keeps what a change means for the sales of an event, in the transaction of the change. */
export type RecordSales = (tx: Transaction, changes: readonly OrderChange[]) => Promise<void>;

/**
 * The transitions of a locked order, each saved and announced in the caller's transaction. Seats that one frees are
 * released after the commit.
 */
export interface OrderTransitions {
  /** The order, locked until the transaction ends. */
  lock(tx: Transaction, orderId: OrderId): Promise<Order | undefined>;
  /** The same for several. */
  lockAll(tx: Transaction, orderIds: readonly OrderId[]): Promise<Order[]>;
  /** Whether a cancelled order could have its seats again. */
  seatsFree(tx: Transaction, order: Order): Promise<boolean>;
  complete(tx: Transaction, order: Order): Promise<Transition>;
  cancel(tx: Transaction, order: Order, reason: CancelReason): Promise<Transition>;
  /** The same for many locked orders in a few statements; those that were cancelled, as they are now. */
  cancelAll(tx: Transaction, orders: readonly Order[], reason: CancelReason): Promise<Order[]>;
  /** Throws an error that `isSeatTaken` knows when a seat was sold meanwhile. */
  rebook(tx: Transaction, order: Order): Promise<Transition>;
  /** Late money goes back: the order says so from now on. Consumers see no difference, so nothing is announced. */
  refuseLate(tx: Transaction, order: Order): Promise<Transition>;
  /** Some tickets of a completed order are void from now on. */
  withdraw(
    tx: Transaction,
    order: Order,
    ticketIds: ReadonlySet<Ticket['ticketId']>,
    reason: WithdrawReason,
  ): Promise<Transition>;
  /**
   * A ticket of a completed order has another seat, label or note. Throws an error that `isSeatTaken` knows when the seat
   * is somebody else's.
   */
  amend(tx: Transaction, order: Order, ticket: Ticket): Promise<Transition>;
  /** Announces that a part of a completed order's money was refunded while its tickets stay as they are. */
  announcePartRefund(tx: Transaction, order: Order): Promise<void>;
  /**
   * A pending order has new terms. False when its new discount is used up: the caller then rolls back. Throws an error
   * that `isSeatTaken` knows when a seat is somebody else's.
   */
  change(
    tx: Transaction,
    from: PendingOrder,
    to: PendingOrder,
    maxDiscountUses: number | undefined,
  ): Promise<boolean>;
}

export interface OrderTransitionsOptions {
  readonly recordSales: RecordSales;
  readonly holds: SeatHolds;
  /** Told of orders that have another status, in the transaction that gives it to them. */
  readonly onChanged: (tx: Transaction, orders: readonly Order[]) => void;
  readonly clock: Clock;
  readonly currency: Currency;
}

export function createOrderTransitions(options: OrderTransitionsOptions): OrderTransitions {
  const { recordSales, holds, onChanged, clock, currency } = options;

  /** The one place at which seats become free: PostgreSQL has freed them by the commit, and a hold left over ends by itself. */
  function free(tx: Transaction, { orderId, sessionId }: Order, seatIds: readonly SeatId[]): void {
    if (seatIds.length === 0) return;
    tx.afterCommit(`free seats of ${orderId}`, () =>
      holds.release(sessionId, seatIds, orderId).catch(() => undefined),
    );
  }

  async function save(tx: Transaction, from: Order, transition: Transition): Promise<Transition> {
    if (transition.outcome === 'changed') {
      await saveTransition(tx, from, transition.order);
      await appendToOutbox(tx, announcementsOf(from, transition.order, currency));
      await recordSales(tx, [{ from, to: transition.order }]);
      onChanged(tx, [transition.order]);
      if (transition.order.status === 'cancelled') free(tx, from, seatsOf(from));
    }
    return transition;
  }

  return {
    lock: (tx, orderId) => lockOrder(tx, orderId),
    lockAll: (tx, orderIds) => lockOrders(tx, orderIds),
    async seatsFree(tx, order) {
      return (await liveSeats(tx, order.sessionId, seatsOf(order))).length === 0;
    },
    complete: (tx, order) => save(tx, order, complete(order, clock.now())),
    cancel: (tx, order, reason) => save(tx, order, cancel(order, reason, clock.now())),
    async cancelAll(tx, orders, reason) {
      const at = clock.now();
      const changes = orders.flatMap((from) => {
        const transition = cancel(from, reason, at);
        return transition.outcome === 'changed' ? [{ from, to: transition.order }] : [];
      });
      const cancelled = changes.map(({ to }) => to);
      if (cancelled.length === 0) return [];
      await saveCancelled(tx, cancelled, at, reason);
      await appendToOutbox(
        tx,
        changes.flatMap(({ from, to }) => announcementsOf(from, to, currency)),
      );
      await recordSales(tx, changes);
      onChanged(tx, cancelled);
      for (const { from } of changes) free(tx, from, seatsOf(from));
      return cancelled;
    },
    rebook: (tx, order) => save(tx, order, rebook(order, clock.now())),
    async refuseLate(tx, order) {
      const transition = refuseLate(order);
      if (transition.outcome === 'changed') await saveTransition(tx, order, transition.order);
      return transition;
    },
    async withdraw(tx, order, ticketIds, reason) {
      const transition = withdraw(order, ticketIds, reason);
      if (transition.outcome === 'not_possible') return transition;
      const gone = order.tickets.filter((ticket) => ticketIds.has(ticket.ticketId));
      await voidTickets(tx, gone, clock.now(), reason);
      await appendToOutbox(tx, announcementsOf(order, transition.order, currency));
      await recordSales(tx, [{ from: order, to: transition.order }]);
      free(tx, order, seatsOf({ ...order, tickets: gone }));
      return transition;
    },
    async amend(tx, order, ticket) {
      const transition = amend(order, ticket);
      if (transition.outcome === 'not_possible') return transition;
      await amendTicket(tx, ticket);
      await appendToOutbox(tx, announcementsOf(order, transition.order, currency));
      await recordSales(tx, [{ from: order, to: transition.order }]);
      free(tx, order, seatsLeft(order, transition.order));
      return transition;
    },
    async announcePartRefund(tx, order) {
      if (order.status === 'completed') await appendToOutbox(tx, announcementsOf(order, order, currency));
    },
    async change(tx, from, to, maxDiscountUses) {
      if (!(await saveTerms(tx, from, to, clock.now(), maxDiscountUses))) return false;
      await appendToOutbox(tx, announcementsOf(from, to, currency));
      free(tx, from, seatsLeft(from, to));
      return true;
    },
  };
}

function seatsOf(order: Order): SeatId[] {
  return order.tickets.map((ticket) => ticket.seatId);
}

/** The seats that an order had and has no longer. */
function seatsLeft(from: Order, to: Order): SeatId[] {
  const kept = new Set(seatsOf(to));
  return seatsOf(from).filter((seatId) => !kept.has(seatId));
}

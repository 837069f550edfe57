import type { OrderId, SeatId, TicketId } from '../../kernel/ids.ts';
import type { Core } from '../../platform/core.ts';
import { appendToOutbox } from '../../platform/outbox/outbox.store.ts';
import type { Database, Executor, Transaction } from '../../platform/postgres/database.ts';
import { notFound } from '../access/index.ts';
import { OrderJson } from './json.ts';
import { insertOrder } from './new-orders.store.ts';
import {
  amend,
  type CancelReason,
  cancel,
  complete,
  type Order,
  type OrderChange,
  type PendingOrder,
  rebook,
  refundLate,
  seatsFreedBy,
  type Transition,
  type WithdrawReason,
  withdraw,
} from './order.ts';
import {
  attachIntent,
  findOrder,
  findOrders,
  lockOrder,
  lockOrders,
  orderOfIntent,
  placeOfTicket,
  ticketsPaid,
} from './orders.store.ts';
import { isSeatTaken, liveSeats } from './seats.store.ts';
import {
  amendTicket,
  saveCancelled,
  saveTerms,
  saveTicketsRefunded,
  saveTransition,
  voidTickets,
} from './transitions.store.ts';

const NO_LIMITS = { maxDiscountUses: undefined, maxHeldSeats: 0 };

/** Port: records changes of orders in the sales of their events, in the transaction of the changes. */
export type RecordSales = (tx: Transaction, changes: readonly OrderChange[]) => Promise<void>;

/** Port: receives the seats that a commit freed, once for each order and transaction. */
export type OnSeatsFreed = (order: Order, seatIds: readonly SeatId[]) => Promise<void> | void;

type OrderBookCore = Pick<Core, 'clock' | 'metrics'> & { readonly database: Pick<Database, 'currency'> };

export interface OrderBookNeeds {
  readonly recordSales: readonly RecordSales[];
  /** Absent in a script that releases no holds. */
  readonly onSeatsFreed?: OnSeatsFreed;
}

/**
 * Reads orders, locks them, and changes the state of locked ones. A transition is saved, announced and recorded in the sales
 * in the caller's transaction. After the commit it is counted in the metrics, and `onSeatsFreed` receives the freed seats.
 */
export class OrderBook {
  readonly #needs: OrderBookNeeds;
  readonly #clock: Core['clock'];
  readonly #metrics: Pick<Core['metrics'], 'order'>;
  readonly #json: OrderJson;

  constructor({ database, clock, metrics }: OrderBookCore, needs: OrderBookNeeds) {
    this.#clock = clock;
    this.#metrics = metrics;
    this.#json = new OrderJson(database.currency);
    this.#needs = needs;
  }

  /** Reads and locks that decide nothing: as the store has them. */
  readonly find = findOrder;
  readonly findAll = findOrders;
  readonly lock = lockOrder;
  readonly lockAll = lockOrders;
  readonly orderOfIntent = orderOfIntent;
  readonly placeOfTicket = placeOfTicket;
  readonly ticketsPaid = ticketsPaid;
  readonly attachIntent = attachIntent;
  readonly saveTicketsRefunded = saveTicketsRefunded;
  /** Whether an error of `insert`, `change`, `rebook` or `amend` says that another order has a seat. */
  readonly isSeatTaken = isSeatTaken;

  /** The order. Throws `order_not_found`. */
  async get(executor: Executor, orderId: OrderId): Promise<Order> {
    return found(await findOrder(executor, orderId));
  }

  /** The order, locked until the transaction ends. Throws `order_not_found`. */
  async getLocked(tx: Transaction, orderId: OrderId): Promise<Order> {
    return found(await lockOrder(tx, orderId));
  }

  /** Whether all seats of a cancelled order are free. */
  async seatsFree(tx: Transaction, order: Order): Promise<boolean> {
    const seatIds = order.tickets.map((ticket) => ticket.seatId);
    return (await liveSeats(tx, order.sessionId, seatIds)).length === 0;
  }

  /** Writes and announces a new pending order of the box office, without a discount and without a limit. Throws an error that `isSeatTaken` recognises. */
  async insert(tx: Transaction, order: PendingOrder): Promise<void> {
    const announcements = this.#json.announcementsOf(undefined, order);
    await insertOrder(tx, { order, announcements, traceparent: tx.traceparent() }, NO_LIMITS);
    for (const ticket of order.tickets) if (ticket.note !== undefined) await amendTicket(tx, ticket);
  }

  /** Completes a pending order. */
  complete(tx: Transaction, order: Order): Promise<Transition> {
    return this.#moveTo(tx, order, complete(order, this.#clock.now()));
  }

  /** Cancels a pending or completed order and voids its tickets. */
  cancel(tx: Transaction, order: Order, reason: CancelReason): Promise<Transition> {
    return this.#moveTo(tx, order, cancel(order, reason, this.#clock.now()));
  }

  /** `cancel` for many locked orders in a few statements. Returns the cancelled orders. */
  async cancelAll(tx: Transaction, orders: readonly Order[], reason: CancelReason): Promise<Order[]> {
    const at = this.#clock.now();
    const changes = orders.flatMap((from) => {
      const transition = cancel(from, reason, at);
      return transition.outcome === 'changed' ? [{ from, to: transition.order }] : [];
    });
    if (changes.length === 0) return [];
    const cancelled = changes.map(({ to }) => to);
    await saveCancelled(tx, cancelled, at, reason);
    await this.#announce(tx, changes);
    this.#countAfterCommit(tx, cancelled);
    return cancelled;
  }

  /** Completes a cancelled order with its former seats. Throws an error that `isSeatTaken` recognises. */
  rebook(tx: Transaction, order: Order): Promise<Transition> {
    return this.#moveTo(tx, order, rebook(order, this.#clock.now()));
  }

  /** Gives a cancelled order whose late money is refunded that reason. Its message would be the same, so it has none. */
  async refundLate(tx: Transaction, order: Order): Promise<Transition> {
    const transition = refundLate(order);
    if (transition.outcome === 'changed') await saveTransition(tx, order, transition.order);
    return transition;
  }

  /** Voids some tickets of a completed order. */
  async withdraw(
    tx: Transaction,
    order: Order,
    ticketIds: ReadonlySet<TicketId>,
    reason: WithdrawReason,
  ): Promise<Transition> {
    const transition = withdraw(order, ticketIds, reason);
    if (transition.outcome === 'not_possible') return transition;
    const withdrawn = order.tickets.filter((ticket) => ticketIds.has(ticket.ticketId));
    await voidTickets(tx, withdrawn, this.#clock.now(), reason);
    await this.#announce(tx, [{ from: order, to: transition.order }]);
    return transition;
  }

  /** Changes the seat, label or note of a ticket of a completed order. Throws an error that `isSeatTaken` recognises. */
  async amend(tx: Transaction, order: Order, ticket: Order['tickets'][number]): Promise<Transition> {
    const transition = amend(order, ticket);
    if (transition.outcome === 'not_possible') return transition;
    await amendTicket(tx, ticket);
    await this.#announce(tx, [{ from: order, to: transition.order }]);
    return transition;
  }

  /** Announces that a part of a completed order's money was refunded while its tickets stay as they are. */
  async announcePartRefund(tx: Transaction, order: Order): Promise<void> {
    if (order.status === 'completed') await appendToOutbox(tx, this.#json.announcementsOf(order, order));
  }

  /**
   * Saves the new terms of a pending order. False when the new discount is used up: the caller then rolls back. Throws an
   * error that `isSeatTaken` recognises.
   */
  async change(
    tx: Transaction,
    from: PendingOrder,
    to: PendingOrder,
    maxDiscountUses: number | undefined,
  ): Promise<boolean> {
    if (!(await saveTerms(tx, from, to, this.#clock.now(), maxDiscountUses))) return false;
    await appendToOutbox(tx, this.#json.announcementsOf(from, to));
    this.#freeAfterCommit(tx, { from, to });
    return true;
  }

  async #moveTo(tx: Transaction, from: Order, transition: Transition): Promise<Transition> {
    if (transition.outcome === 'not_possible') return transition;
    await saveTransition(tx, from, transition.order);
    await this.#announce(tx, [{ from, to: transition.order }]);
    this.#countAfterCommit(tx, [transition.order]);
    return transition;
  }

  /** Announces changes, records them in the sales, and has `onSeatsFreed` called after the commit. */
  async #announce(tx: Transaction, changes: readonly OrderChange[]): Promise<void> {
    const announcements = changes.flatMap(({ from, to }) => this.#json.announcementsOf(from, to));
    await appendToOutbox(tx, announcements);
    for (const recordSales of this.#needs.recordSales) await recordSales(tx, changes);
    for (const change of changes) this.#freeAfterCommit(tx, change);
  }

  #countAfterCommit(tx: Transaction, orders: readonly Order[]): void {
    tx.afterCommit(`count ${orders[0]?.orderId}`, () => {
      for (const order of orders) {
        this.#metrics.order(order.status === 'cancelled' ? `cancelled_${order.reason}` : order.status);
      }
    });
  }

  /** The only place that reports freed seats: after the commit, which frees them in PostgreSQL. */
  #freeAfterCommit(tx: Transaction, { from, to }: OrderChange): void {
    const onSeatsFreed = this.#needs.onSeatsFreed;
    const freed = seatsFreedBy(from, to);
    if (freed.length === 0 || !onSeatsFreed) return;
    tx.afterCommit(`free seats ${freed.join()} of ${to.orderId}`, () => onSeatsFreed(to, freed));
  }
}

function found(order: Order | undefined): Order {
  if (order) return order;
  throw notFound('order');
}

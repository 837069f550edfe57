import type { Core } from '../../platform/core.ts';
import type { Feature, Job } from '../../platform/feature.ts';
import type { Once } from '../../platform/http/once.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import type { Access } from '../access/index.ts';
import type { RecordAction } from '../audit/index.ts';
import type { HoldRecords, SeatingServices } from '../seats/index.ts';
import { CancelOrder } from './cancel-order.ts';
import { ChangeOrder } from './change-order.ts';
import { ExpireOrders } from './expire-orders.ts';
import { type HoldSeats, PLACING_HOLD_MS } from './hold-seats.ts';
import { OrderJson, type TicketsForReader } from './json.ts';
import type { OrderBook } from './order-book.ts';
import type { PaymentConclusion, PaymentPreparation, RefundPayment } from './payments.ports.ts';
import { PlaceOrder } from './place-order.ts';
import { ReadOrders } from './read-orders.ts';
import { orderRoutes } from './routes.ts';
import { liveSeats, stillHeld } from './seats.store.ts';

export { orderChecks } from './checks.store.ts';
export { HoldSeats } from './hold-seats.ts';
export { OrderJson } from './json.ts';
export {
  acceptsLateMoney,
  holdMinutesLeft,
  notPending,
  type Order,
  type PendingOrder,
  place,
  requireHeld,
  ticketFor,
} from './order.ts';
export { OrderBook, type RecordSales } from './order-book.ts';
export type { PaymentConclusion, PaymentPreparation, RefundPayment } from './payments.ports.ts';
export { toOrderId } from './routes.ts';
export { ITS_TICKETS, ORDER_COLUMNS, type OrderTicketRow, toOrders } from './rows.ts';
export { ORDER_EXAMPLE, OrderParamsSchema, OrderSchema, SeatIdSchema } from './schemas.ts';

export interface OrdersNeeds {
  readonly book: OrderBook;
  readonly seats: HoldSeats;
  readonly seating: Pick<SeatingServices, 'discount'>;
  readonly payments: PaymentConclusion & PaymentPreparation & RefundPayment;
  readonly access: Access;
  readonly audit: { readonly record: RecordAction };
  readonly once: Once;
  readonly tickets: TicketsForReader;
  readonly holdMs: number;
  readonly ordersPerStatement: number;
  readonly maxHeldSeats: number;
  readonly maxSeatsPerOrder: number;
  readonly sweepMs: number;
}

export interface Orders extends Feature {
  /** An order, for those who may read it. Throws `order_not_found`, `forbidden`. */
  readonly read: ReadOrders['read'];
  readonly routes: (api: Parameters<typeof orderRoutes>[0]) => void;
  readonly jobs: readonly Job[];
}

/** Orders: placed, changed, cancelled, read and expired. */
export function createOrders(core: Core, needs: OrdersNeeds): Orders {
  const { access, audit, book, payments, seats, seating, once, tickets } = needs;
  const { holdMs, ordersPerStatement, maxHeldSeats, maxSeatsPerOrder, sweepMs } = needs;
  const place = new PlaceOrder(core, { access, seats, holdMs, ordersPerStatement, maxHeldSeats });
  const change = new ChangeOrder(core, { access, book, seats, seating, payments, maxHeldSeats });
  const cancel = new CancelOrder(core, { access, book, payments, audit });
  const read = new ReadOrders(core, { access, book });
  const json = new OrderJson(core.database.currency);
  const expire = new ExpireOrders(core, { book, payments, onFailure: core.failed('conclusion') });
  return {
    read: (orderId, who) => read.read(orderId, who),
    routes: (api) => orderRoutes(api, { place, change, cancel, read, once, tickets, json, maxSeatsPerOrder }),
    jobs: [
      { name: 'expiry', everyMs: sweepMs, turn: () => expire.cancelUnpaid() },
      { name: 'conclusion', everyMs: sweepMs, turn: () => expire.cancelWithIntent() },
    ],
  };
}

/** The seats that the database knows as held or sold, to check holds against. */
export function holdRecords(executor: Executor): HoldRecords {
  return {
    stillHeld: (sessionId, found) => stillHeld(executor, sessionId, found, PLACING_HOLD_MS),
    live: (sessionId, seatIds) => liveSeats(executor, sessionId, seatIds),
  };
}
export { orderErrors } from './errors.ts';
export type { OrderResponseSchema } from './schemas.ts';

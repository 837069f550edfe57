export { announcementsOf, toWireOrder } from './json.ts';
export { mayPay } from './order.access.rules.ts';
export {
  completedAtOf,
  holdMinutesLeft,
  holdStands,
  mayComeLate,
  notPending,
  type Order,
  type OrderChange,
  type PendingOrder,
  requireHeld,
  type Transition,
  whyNotPending,
} from './order.ts';
export {
  createOrderBook,
  type OnSeatsFreed,
  OrderBook,
  OrderBook as OrderTransitions,
  type RecordSales,
} from './order-book.ts';
export type { PaymentConclusion, PaymentPreparation, RefundPayment } from './payments.ports.ts';
export { toOrderId } from './routes.ts';
export { ITS_TICKETS, ORDER_COLUMNS, type OrderTicketRow, toOrders } from './rows.ts';
export { ORDER_EXAMPLE, OrderParamsSchema, OrderSchema } from './schemas.ts';
export { isSeatTaken, liveSeats, seatLabels, stillHeld } from './seats.store.ts';

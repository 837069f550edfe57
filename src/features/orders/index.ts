export { mayPay } from './order.access.rules.ts';
export type { PaymentPreparation } from './order.changing.ts';
export { toOrderId } from './order.routes.ts';
export { ITS_TICKETS, ORDER_COLUMNS, type OrderTicketRow, toOrders } from './order.rows.ts';
export { holdMinutesLeft, holdStands, mayComeLate, type Order, whyNotPending } from './order.rules.ts';
export { ORDER_EXAMPLE, OrderParamsSchema, OrderSchema } from './order.schemas.ts';
export type { PaymentConclusion } from './order.service.ts';
export type { OrderTransitions, RecordSales } from './order.transitions.ts';
export { toWireOrder } from './order.wire.ts';

import type { Instant } from '../../kernel/clock.ts';
import type {
  DiscountId,
  EventId,
  OrderId,
  OrganizationId,
  PaymentIntentId,
  SessionId,
  UserId,
} from '../../kernel/ids.ts';
import type { Money } from '../../kernel/money.ts';
import { type TicketRow, toTicket } from '../tickets/index.ts';
import type { CancelReason, Order, OrderFacts, OrderState } from './order.ts';

interface OrderRow {
  readonly order_id: OrderId;
  readonly user_id: UserId;
  readonly event_id: EventId;
  readonly organization_id: OrganizationId;
  readonly session_id: SessionId;
  readonly status: 'pending' | 'completed' | 'cancelled';
  readonly subtotal: Money;
  readonly discount_id: DiscountId | null;
  readonly discount_code: string | null;
  readonly discount_amount: Money;
  readonly price: Money;
  readonly created_at: Instant;
  readonly payment_intent_id: PaymentIntentId | null;
  readonly payment_attempt: number;
  readonly expires_at: Instant | null;
  readonly completed_at: Instant | null;
  readonly cancelled_at: Instant | null;
  readonly cancel_reason: CancelReason | null;
}

/** The columns of `orders o` that `toOrders` reads. */
export const ORDER_COLUMNS = `
  o.order_id, o.user_id, o.event_id, o.organization_id, o.session_id, o.status, o.subtotal, o.discount_id,
  o.discount_code, o.discount_amount, o.price, o.created_at, o.payment_intent_id, o.payment_attempt, o.expires_at,
  o.completed_at, o.cancelled_at, o.cancel_reason`;

/** The tickets of an order: the live ones, and those that were voided with a cancelled order. */
export const ITS_TICKETS = `tickets t ON t.order_id = o.order_id AND (t.voided_at IS NULL OR t.void_reason = 'order')`;

/** A row of orders left-joined with tickets: the ticket's columns are null for an order without any. */
export type OrderTicketRow = OrderRow & (TicketRow | { readonly ticket_id: null });

/** Orders with their tickets from joined rows, in the order of the rows. */
export function toOrders(rows: readonly OrderTicketRow[]): Order[] {
  const byOrder = Map.groupBy(rows, (row) => row.order_id);
  return [...byOrder.values()].flatMap((group) => {
    const [first] = group;
    return first ? [toOrder(first, group)] : [];
  });
}

function toOrder(row: OrderTicketRow, group: readonly OrderTicketRow[]): Order {
  const facts: OrderFacts = {
    orderId: row.order_id,
    userId: row.user_id,
    eventId: row.event_id,
    organizationId: row.organization_id,
    sessionId: row.session_id,
    subtotal: row.subtotal,
    discount: row.discount_id ? { id: row.discount_id, code: row.discount_code ?? '' } : undefined,
    discountAmount: row.discount_amount,
    price: row.price,
    createdAt: row.created_at,
    paymentIntentId: row.payment_intent_id ?? undefined,
    paymentAttempt: row.payment_attempt,
    tickets: group.flatMap((each) => (each.ticket_id === null ? [] : [toTicket(each)])),
  };
  return { ...facts, ...toState(row) };
}

function toState(row: OrderTicketRow): OrderState {
  switch (row.status) {
    case 'pending':
      return { status: 'pending', expiresAt: present(row.expires_at) };
    case 'completed':
      return { status: 'completed', completedAt: present(row.completed_at) };
    case 'cancelled':
      return {
        status: 'cancelled',
        cancelledAt: present(row.cancelled_at),
        reason: present(row.cancel_reason),
        completedAt: row.completed_at ?? undefined,
      };
    default:
      return row.status satisfies never;
  }
}

/** The table's checks guarantee these values; one that is missing means that the schema was changed by hand. */
function present<Value>(value: Value | null): Value {
  if (value === null) throw new Error('an order row contradicts its status');
  return value;
}

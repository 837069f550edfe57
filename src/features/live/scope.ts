import type { EventId, OrganizationId } from '../../kernel/ids.ts';
import { type Money, minus, ZERO } from '../../kernel/money.ts';
import type { Order } from '../orders/index.ts';

/** Whose sales: those of one event, or of all events of an organisation. */
export type SalesScope =
  | { readonly kind: 'event'; readonly id: EventId }
  | { readonly kind: 'organization'; readonly id: OrganizationId };

/** One text for a scope: equal for equal scopes. */
export function keyOf({ kind, id }: SalesScope): string {
  return `${kind} ${id}`;
}

/** Running totals over completed orders: their number, their live tickets, their prices. */
export interface SalesTotals {
  readonly orders: number;
  readonly tickets: number;
  readonly revenue: Money;
}

export const NO_SALES: SalesTotals = { orders: 0, tickets: 0, revenue: ZERO };

/** What a change of an order adds to the totals of its event and its organisation. */
export interface SaleChange {
  readonly order: Order;
  readonly difference: SalesTotals;
  /** Whether the order is completed by it, which organisers are told of one by one. */
  readonly isCompletion: boolean;
}

/** What became of an order as its organiser sees it; undefined when that is nothing. */
export function saleChange(from: Order, to: Order): SaleChange | undefined {
  const before = countedOf(from);
  const after = countedOf(to);
  const difference = {
    orders: after.orders - before.orders,
    tickets: after.tickets - before.tickets,
    revenue: minus(after.revenue, before.revenue),
  };
  const isChange = Object.values(difference).some((part) => part !== 0);
  return isChange ? { order: to, difference, isCompletion: difference.orders > 0 } : undefined;
}

/** What an order is counted as: completed ones only. */
function countedOf(order: Order): SalesTotals {
  if (order.status !== 'completed') return NO_SALES;
  return { orders: 1, tickets: order.tickets.length, revenue: order.price };
}

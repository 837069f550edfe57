import type { Principal } from '../../kernel/principal.ts';
import type { Order } from './order.ts';

/** Only the buyer pays for an order: the receipt and the tickets are the buyer's. */
export function mayPay(order: Order, who: Principal): boolean {
  return order.userId === who.userId;
}

import type { UserId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Order } from './order.ts';

/** Who somebody is to an order. Organisers are known to the seating service only, so that part is asked for last. */
export type Standing = 'buyer' | 'admin' | 'stranger';

/** A stranger may still turn out to be the organiser of the order's event. */
export function standingTo(owner: UserId, who: Principal): Standing {
  if (owner === who.userId) return 'buyer';
  return who.isAdmin ? 'admin' : 'stranger';
}

/** A buyer cancels while the order is pending, an admin whenever there is something to cancel. */
export function mayCancel(order: Order, who: Principal): boolean {
  return standingTo(order.userId, who) !== 'stranger';
}

/** Only its buyer changes an order. */
export function mayChange(order: Order, who: Principal): boolean {
  return standingTo(order.userId, who) === 'buyer';
}

/** Nobody pays for another: the receipt and the tickets are the buyer's. */
export function mayPay(order: Order, who: Principal): boolean {
  return standingTo(order.userId, who) === 'buyer';
}

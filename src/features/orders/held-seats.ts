import type { Core } from '../../platform/core.ts';
import { seatsHeldByOthers } from './held-seats.store.ts';
import { type Order, tooManySeatsHeld } from './order.ts';

/**
 * Throws `too_many_seats_held` when the order's user, with `seats` in this order, would hold more than `maxHeldSeats` (0: no limit) in
 * pending orders of its session. It counts without a lock, so that a refusal costs nobody anything; the count under the lock decides.
 */
export async function requireRoomFor(
  { database, clock }: Pick<Core, 'database' | 'clock'>,
  order: Pick<Order, 'userId' | 'sessionId' | 'orderId'>,
  seats: number,
  maxHeldSeats: number,
): Promise<void> {
  if (maxHeldSeats === 0) return;
  const held = await seatsHeldByOthers(database, order, clock.now());
  if (held + seats > maxHeldSeats) throw tooManySeatsHeld(maxHeldSeats);
}

import type { Order } from '../../lib/api/client.ts';

const MS_PER_MINUTE = 60_000;

/** Where an order is, as its page shows it. */
export type Phase = 'open' | 'hold ended' | 'completed' | 'cancelled';

/** When the hold of a pending order ends, in milliseconds since 1970. */
export function heldUntilMs(order: Order, holdMinutes: number): number {
  return Date.parse(order.CreatedAt) + holdMinutes * MS_PER_MINUTE;
}

/** What the page shows now; the service may still complete an order whose payment came in time. */
export function phaseOf(order: Order, holdMinutes: number, nowMs: number): Phase {
  switch (order.Status) {
    case 'completed':
      return 'completed';
    case 'cancelled':
      return 'cancelled';
    case 'pending':
      return nowMs < heldUntilMs(order, holdMinutes) ? 'open' : 'hold ended';
    default:
      return order.Status satisfies never;
  }
}

/** What the timer says aloud at this many seconds left; a screen reader would not hear a ticking clock. */
export const SPOKEN_AT_S = [60, 20];

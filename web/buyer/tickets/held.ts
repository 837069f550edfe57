import type { Order } from '../../lib/api/client.ts';
import type { EventInfo, Session } from '../../lib/catalogue/catalogue.ts';

/** An order with its event and session, if the catalogue knows them. */
export interface KnownOrder {
  readonly order: Order;
  readonly about: { readonly event: EventInfo; readonly session: Session } | undefined;
}

/** What a user holds, as their tickets page shows it. */
export interface Held {
  /** Orders that are still to be paid. */
  readonly open: readonly KnownOrder[];
  /** The next session first. */
  readonly next: readonly KnownOrder[];
  /** The latest session first; also orders that were completed and cancelled since. */
  readonly past: readonly KnownOrder[];
}

/** Sorts orders for the page. An order that was never paid and has ended is not shown. */
export function sortHeld(orders: readonly KnownOrder[], nowMs: number): Held {
  const startOf = ({ about, order }: KnownOrder) => Date.parse(about?.session.startTime ?? order.CreatedAt);
  const isOver = ({ about }: KnownOrder) => about !== undefined && Date.parse(about.session.endTime) < nowMs;
  const withTickets = orders.filter(({ order }) => order.Status === 'completed');
  return {
    open: orders.filter(({ order }) => order.Status === 'pending'),
    next: withTickets.filter((order) => !isOver(order)).sort((a, b) => startOf(a) - startOf(b)),
    past: withTickets.filter(isOver).sort((a, b) => startOf(b) - startOf(a)),
  };
}

/** Asks for each id once, and gives undefined for what cannot be read: a ticket is shown also without its event. */
export function onceEach<Found>(ask: (id: string) => Promise<Found>): (id: string) => Promise<Found | undefined> {
  const asked = new Map<string, Promise<Found | undefined>>();
  return (id) => {
    const answer = asked.get(id) ?? ask(id).catch(() => undefined);
    asked.set(id, answer);
    return answer;
  };
}

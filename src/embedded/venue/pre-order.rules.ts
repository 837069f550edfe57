import type { Instant } from '../../kernel/clock.ts';
import type { SeatState } from './seat-states.ts';
import { type Seat, type Session, timeOf, type VenueDiscount, type VenueEvent } from './venue.model.ts';

export interface PreOrder {
  readonly session_id: string;
  readonly event_id: string;
  readonly organization_id: string;
  readonly seat_ids: readonly string[];
  readonly discount_id?: string | null;
}

export type PreOrderDecision =
  | { readonly outcome: 'agreed'; readonly seats: readonly Seat[]; readonly discount: VenueDiscount | undefined }
  | { readonly outcome: 'refused'; readonly message: string };

/** What the ids of a pre-order refer to; undefined when they refer to nothing. */
export interface PreOrderFacts {
  readonly event: VenueEvent | undefined;
  readonly session: Session | undefined;
  readonly seatOf: (seatId: string) => Seat | undefined;
  readonly stateOf: (seat: Seat) => SeatState;
  readonly now: Instant;
}

/**
 * The states that refuse a seat, for each service. The seating service is asked after the seats are held, so a hold that it
 * knows of is the caller's own.
 */
const REFUSING = {
  query: ['LOCKED', 'BOOKED', 'RESERVED'],
  seating: ['BOOKED', 'RESERVED'],
} as const satisfies Record<string, readonly SeatState[]>;

/** Decides whether the venue would sell these seats. */
export function decidePreOrder(request: PreOrder, facts: PreOrderFacts, side: keyof typeof REFUSING): PreOrderDecision {
  const { event, session } = facts;
  if (!event || event.organizationId !== request.organization_id) return refused('There is no such event.');
  if (!session || session.eventId !== event.id) return refused('There is no such session of this event.');
  if (session.status !== 'ON_SALE') return refused('This session is not on sale.');
  const seats: Seat[] = [];
  for (const seatId of request.seat_ids) {
    const seat = facts.seatOf(seatId);
    if (!seat) return refused(`There is no seat ${seatId} in this session.`);
    const states: readonly SeatState[] = REFUSING[side];
    if (seat.isReserved || states.includes(facts.stateOf(seat))) return refused(`Seat ${seat.label} is not available.`);
    seats.push(seat);
  }
  if (!request.discount_id) return { outcome: 'agreed', seats, discount: undefined };
  const discount = event.discounts.find(({ id }) => id === request.discount_id);
  const problem = discountProblem(discount, facts.now);
  return problem === undefined ? { outcome: 'agreed', seats, discount } : refused(problem);
}

function discountProblem(discount: VenueDiscount | undefined, now: Instant): string | undefined {
  if (!discount) return 'There is no such discount for this event.';
  if (!discount.active) return 'The discount is not active.';
  if (discount.activeFrom && now < timeOf(discount.activeFrom)) return 'The discount is not valid yet.';
  if (discount.expiresAt && now >= timeOf(discount.expiresAt)) return 'The discount has expired.';
  return undefined;
}

function refused(message: string): PreOrderDecision {
  return { outcome: 'refused', message };
}

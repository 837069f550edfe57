import type { Instant } from '../../kernel/clock.ts';
import type { DiscountId, EventId, OrderId, OrganizationId, SeatId, SessionId, UserId } from '../../kernel/ids.ts';
import type { Discount, PricedSeat } from '../pricing/index.ts';

/** The seats that a buyer requests. */
export interface SeatRequest {
  readonly sessionId: SessionId;
  readonly eventId: EventId;
  readonly organizationId: OrganizationId;
  readonly seatIds: readonly SeatId[];
  readonly discountId: DiscountId | undefined;
}

export type HoldOutcome =
  | { readonly outcome: 'held' }
  | { readonly outcome: 'taken'; readonly seatIds: readonly SeatId[] };

/**
 * Port: holds on seats. A hold only makes refusals fast; PostgreSQL decides who has a seat (I1), so an implementation that
 * loses its holds oversells nothing.
 */
export interface SeatHolds {
  /** Holds all the seats for the order until `until`, or none of them, and returns those that are taken. */
  hold(sessionId: SessionId, seatIds: readonly SeatId[], orderId: OrderId, until: Instant): Promise<HoldOutcome>;
  /** Sets a new end for the order's holds on these seats. */
  extend(sessionId: SessionId, seatIds: readonly SeatId[], orderId: OrderId, until: Instant): Promise<void>;
  /** Releases the order's holds on these seats; holds of other orders stay. */
  release(sessionId: SessionId, seatIds: readonly SeatId[], orderId: OrderId): Promise<void>;
}

/** An existing hold that prevents a new one. */
export interface FoundHold {
  readonly seatId: SeatId;
  /** The stored text, which might not be the id of an order. */
  readonly orderId: string;
  /** Infinite for a hold without an end. */
  readonly leftMs: number;
}

/** Port: the seats that the database knows as held or sold, to check holds against. */
export interface HoldRecords {
  /**
   * The seats that are really held or sold in the session. A hold can be stale because its release was lost, belong to another
   * session that has a seat with the same id, or to no order at all.
   */
  stillHeld(sessionId: SessionId, found: readonly FoundHold[]): Promise<SeatId[]>;
  /** Which of the seats have a live ticket. */
  live(sessionId: SessionId, seatIds: readonly SeatId[]): Promise<SeatId[]>;
}

/** A refusal in the service's own words. */
interface Refused {
  readonly outcome: 'refused';
  readonly message: string;
}

export type SeatQuote =
  | { readonly outcome: 'quoted'; readonly seats: readonly PricedSeat[]; readonly discount: Discount | undefined }
  | Refused;

export type SeatAgreement = { readonly outcome: 'agreed' } | Refused;

export type DiscountAnswer = { readonly outcome: 'found'; readonly discount: Discount } | Refused;

/** Port: the platform's seating services (contract section 4). Failures raise `seating_unavailable`. */
export interface SeatingServices {
  /** The prices of the seats, from the event-query service. */
  quote(request: SeatRequest): Promise<SeatQuote>;
  /** Whether the seating service accepts the request; called after the seats are held. */
  agree(request: SeatRequest): Promise<SeatAgreement>;
  /**
   * The terms of the request's discount, whatever state its seats are in. It is looked up in the catalogue by its `code` where
   * that is known, otherwise among the public discounts; a private one is found only while the service quotes the seats.
   */
  discount(
    request: SeatRequest & { readonly discountId: DiscountId },
    code: string | undefined,
  ): Promise<DiscountAnswer>;
  ownsEvent(eventId: EventId, userId: UserId): Promise<boolean>;
  ownsSession(sessionId: SessionId, userId: UserId): Promise<boolean>;
  ownsOrganization(organizationId: OrganizationId, userId: UserId): Promise<boolean>;
  /** Whether the user owns all of the events. */
  ownsAllEvents(eventIds: readonly EventId[], userId: UserId): Promise<boolean>;
  isScanner(sessionId: SessionId, userId: UserId): Promise<boolean>;
}

import type { Instant } from '../../kernel/clock.ts';
import type {
  DiscountId,
  EventId,
  OrderId,
  OrganizationId,
  SeatId,
  SessionId,
  UserId,
} from '../../kernel/ids.ts';
import type { Discount, PricedSeat } from '../pricing/index.ts';

/** Which seats a buyer asks for. */
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
 * Port: holds on seats, made fast. A hold only refuses early; PostgreSQL decides who has a seat (I1), so an
 * implementation that lost its memory oversells nothing.
 */
export interface SeatHolds {
  /** Holds all the seats for the order until `until`, or none of them and names those taken. */
  hold(
    sessionId: SessionId,
    seatIds: readonly SeatId[],
    orderId: OrderId,
    until: Instant,
  ): Promise<HoldOutcome>;
  /** Moves the end of the holds that this order has. */
  extend(sessionId: SessionId, seatIds: readonly SeatId[], orderId: OrderId, until: Instant): Promise<void>;
  /** Ends the holds that this order has; those of others stay. */
  release(sessionId: SessionId, seatIds: readonly SeatId[], orderId: OrderId): Promise<void>;
}

/** A hold of another order in the way of one, as it was found. */
export interface FoundHold {
  readonly seatId: SeatId;
  /** Whatever was written there, which need not be an order's id. */
  readonly orderId: string;
  readonly leftMs: number;
}

/** Port: what the database has of seats, for holds that may be wrong or may not be known. */
export interface HoldRecords {
  /**
   * Which of the seats are really held or sold in the session. A hold that was found can be over (its release was
   * lost) or of another session that has a seat of the same id.
   */
  stillHeld(sessionId: SessionId, found: readonly FoundHold[]): Promise<SeatId[]>;
  /** Which of the seats have a live ticket. */
  live(sessionId: SessionId, seatIds: readonly SeatId[]): Promise<SeatId[]>;
}

export type SeatQuote =
  | {
      readonly outcome: 'quoted';
      readonly seats: readonly PricedSeat[];
      readonly discount: Discount | undefined;
    }
  | { readonly outcome: 'refused'; readonly message: string };

export type SeatAgreement =
  | { readonly outcome: 'agreed' }
  | { readonly outcome: 'refused'; readonly message: string };

export type DiscountAnswer =
  | { readonly outcome: 'found'; readonly discount: Discount }
  | { readonly outcome: 'refused'; readonly message: string };

/** Port: the platform's seating services (contract section 4). Failures raise `seating_unavailable`. */
export interface SeatingServices {
  /** What the seats cost, from the reading side. */
  quote(request: SeatRequest): Promise<SeatQuote>;
  /** Whether the writing side agrees; asked after the seats are held. */
  agree(request: SeatRequest): Promise<SeatAgreement>;
  /**
   * The terms of the request's discount, whatever state its seats are in: from the catalogue, by its `code` where that
   * is known, else among the public ones; a private one only where the service still quotes the seats.
   */
  discount(
    request: SeatRequest & { readonly discountId: DiscountId },
    code: string | undefined,
  ): Promise<DiscountAnswer>;
  ownsEvent(eventId: EventId, userId: UserId): Promise<boolean>;
  ownsSession(sessionId: SessionId, userId: UserId): Promise<boolean>;
  ownsOrganization(organizationId: OrganizationId, userId: UserId): Promise<boolean>;
  /** Whether every one of the events is the user's. */
  ownsAllEvents(eventIds: readonly EventId[], userId: UserId): Promise<boolean>;
  isScanner(sessionId: SessionId, userId: UserId): Promise<boolean>;
}

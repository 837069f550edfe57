import type { DiscountId, EventId, OrganizationId, SeatId, SessionId, TierId } from '../../kernel/ids.ts';
import { readInstant } from '../../kernel/iso-date.ts';

export type SessionStatus = 'PENDING' | 'SCHEDULED' | 'ON_SALE' | 'SOLD_OUT' | 'CLOSED' | 'CANCELED';

export interface Tier {
  readonly id: TierId;
  readonly name: string;
  /** Major units of the service's currency. */
  readonly price: number;
  readonly color: string;
}

export interface Seat {
  readonly id: SeatId;
  readonly label: string;
  readonly tier: Tier;
  /** Reserved by the organiser, and never on sale. */
  readonly isReserved: boolean;
}

interface AnyBlock {
  readonly id: string;
  readonly name: string;
  readonly position: { readonly x: number; readonly y: number };
}

interface Sized {
  readonly width: number;
  readonly height: number;
}

interface Row {
  readonly id: string;
  readonly label: string;
  readonly seats: readonly Seat[];
}

export type Block = AnyBlock &
  (
    | { readonly type: 'seated_grid'; readonly rows: readonly Row[] }
    | (Sized & { readonly type: 'standing_capacity'; readonly seats: readonly Seat[]; readonly capacity: number })
    | (Sized & { readonly type: 'non_sellable' })
  );

/** Pages cannot show an amount without its currency, so those that have one name it. */
export type VenueDiscountParameters =
  | { readonly type: 'FLAT_OFF'; readonly amount: number; readonly currency: string; readonly minSpend?: number }
  | {
      readonly type: 'PERCENTAGE';
      readonly percentage: number;
      readonly minSpend?: number;
      readonly maxDiscount?: number;
    }
  | { readonly type: 'BUY_N_GET_N_FREE'; readonly buyQuantity: number; readonly getQuantity: number };

/** A discount as the wire has it (contract section 4). */
export interface VenueDiscount {
  readonly id: DiscountId;
  readonly code: string;
  readonly parameters: VenueDiscountParameters;
  readonly activeFrom: string | null;
  readonly expiresAt: string | null;
  readonly maxUsage: number | null;
  readonly currentUsage: number;
  /** Every tier it applies to by name: pages take an empty list for none. */
  readonly applicableTiers: readonly [Tier, ...Tier[]];
  readonly applicableSessionIds: readonly SessionId[];
  readonly active: boolean;
  readonly public: boolean;
}

/** A place as GeoJSON has it (RFC 7946): longitude first, degrees. */
export interface GeoPoint {
  readonly type: 'Point';
  readonly coordinates: readonly [longitude: number, latitude: number];
}

export interface Category {
  readonly id: string;
  readonly name: string;
  /** Undefined for one that others are part of. */
  readonly parent: Category | undefined;
}

export interface Session {
  readonly id: SessionId;
  readonly eventId: EventId;
  readonly startTime: string;
  readonly endTime: string;
  readonly salesStartTime: string;
  readonly status: SessionStatus;
  readonly sessionType: 'PHYSICAL' | 'ONLINE';
  readonly venueDetails: {
    readonly name: string;
    readonly address?: string;
    readonly onlineLink?: string;
    readonly location?: GeoPoint;
  };
  readonly city: string;
  readonly mapName: string;
  readonly blocks: readonly Block[];
}

export interface VenueEvent {
  readonly id: EventId;
  readonly organizationId: OrganizationId;
  readonly title: string;
  readonly description: string;
  readonly overview: string;
  readonly category: Category;
  readonly tiers: readonly Tier[];
  readonly sessions: readonly Session[];
  readonly discounts: readonly VenueDiscount[];
}

export interface Catalogue {
  readonly organization: { readonly id: OrganizationId; readonly name: string; readonly logoUrl: string };
  /** Those that others are part of first. */
  readonly categories: readonly Category[];
  readonly events: readonly VenueEvent[];
}

/** Every seat of a session. */
export function seatsOf(session: Session): Seat[] {
  return session.blocks.flatMap((block) => {
    switch (block.type) {
      case 'seated_grid':
        return block.rows.flatMap((row) => row.seats);
      case 'standing_capacity':
        return [...block.seats];
      case 'non_sellable':
        return [];
      default:
        return block satisfies never;
    }
  });
}

/** A time of the catalogue in milliseconds; NaN if the text is no time, so that every comparison with it is false. */
export function timeOf(text: string): number {
  return readInstant(text) ?? Number.NaN;
}

import type { Catalogue } from '../../src/features/catalogue/index.ts';
import type { Discount, PricedSeat } from '../../src/features/pricing/discount.ts';
import type { SeatingServices } from '../../src/features/seats/seats.ports.ts';
import { type Instant, instant, later } from '../../src/kernel/clock.ts';
import type { IdSource, SeatId } from '../../src/kernel/ids.ts';
import { as, type DiscountId, type TierId } from '../../src/kernel/ids.ts';
import { type Money, money } from '../../src/kernel/money.ts';

/** A clock that stands still until a sequence moves it, and never runs backwards. */
export interface ModelClock {
  now(): Instant;
  advance(milliseconds: number): void;
}

/**
 * Years before today: whatever the database compares with its own clock is overdue at once, and no grace
 * period hides it.
 */
const BEGINNING = Date.UTC(2015, 0, 1);

export function createModelClock(): ModelClock {
  let now = instant(BEGINNING);
  return {
    now: () => now,
    advance(milliseconds) {
      now = later(now, milliseconds);
    },
  };
}

const HEX = 16;
const UUID_TAIL = 12;
const UUID_VERSION_7_ZERO = '00000000-0000-7000-8000-';

/** Ids in the order of creation, so that a repeated sequence has the same ids. */
export function createCountingIds(): IdSource {
  let made = 0;
  return {
    uuid() {
      made += 1;
      return UUID_VERSION_7_ZERO + made.toString(HEX).padStart(UUID_TAIL, '0');
    },
  };
}

/** Two seats cost the same and none is the sum of others: a part of the money can match one ticket, or no ticket. */
export const SEATS: Readonly<Record<string, Money>> = {
  A1: money(10_000),
  A2: money(10_000),
  B1: money(15_050),
  C1: money(3_333),
};
export const SEAT_IDS: readonly string[] = Object.keys(SEATS);

/** The discounts that a buyer may request: one that only one order can use, and one that makes an order free. */
export const DISCOUNTS = {
  tenth: discountOf('10000000-0000-4000-8000-000000000001', 10n, 1),
  free: discountOf('20000000-0000-4000-8000-000000000002', 100n, 2),
} as const;
export type DiscountName = keyof typeof DISCOUNTS;

function discountOf(id: string, percent: bigint, maxUsage: number): Discount {
  return {
    id: as<DiscountId>(id),
    code: `OFF${percent}`,
    terms: {
      type: 'PERCENTAGE',
      percentage: { numerator: percent, decimals: 0 },
      minSpend: undefined,
      maxDiscount: undefined,
    },
    activeFrom: undefined,
    expiresAt: undefined,
    maxUsage,
    // The platform’s own count arrives late: only the orders of this service count here.
    currentUsage: 0,
    applicableTiers: [],
    applicableSessions: [],
    active: true,
  };
}

/** The platform’s seating services: every seat is on sale, every discount is valid, every user may scan. */
export const SEATING: SeatingServices = {
  async quote(request) {
    const discount = discountById(request.discountId);
    return { outcome: 'quoted', seats: request.seatIds.map(pricedSeat), discount };
  },
  agree: async () => ({ outcome: 'agreed' }),
  async discount(request) {
    const discount = discountById(request.discountId);
    return discount ? { outcome: 'found', discount } : { outcome: 'refused', message: 'There is none.' };
  },
  ownsEvent: async () => false,
  ownsSession: async () => false,
  ownsOrganization: async () => false,
  ownsAllEvents: async () => false,
  isScanner: async () => true,
};

/** A catalogue without sessions: the seating services decide. */
export const CATALOGUE: Catalogue = { place: async () => undefined, session: async () => undefined };

const TIER = { id: as<TierId>('33333333-3333-4333-8333-333333333333'), name: 'VIP', color: '#FFD700' };

function pricedSeat(seatId: SeatId): PricedSeat {
  const price = SEATS[seatId];
  if (price === undefined) throw new Error(`no seat ${seatId}`);
  return { seatId, label: seatId, tier: TIER, price };
}

function discountById(id: DiscountId | undefined): Discount | undefined {
  return Object.values(DISCOUNTS).find((discount) => discount.id === id);
}

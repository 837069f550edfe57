import type { Instant } from '../../kernel/clock.ts';
import type { DiscountId, SeatId, SessionId, TierId } from '../../kernel/ids.ts';
import { type Money, money, smaller, sum, ZERO } from '../../kernel/money.ts';

/** A seat with its price, as the seating service quotes it. */
export interface PricedSeat {
  readonly seatId: SeatId;
  readonly label: string;
  readonly tier: { readonly id: TierId; readonly name: string; readonly color: string };
  readonly price: Money;
}

/** A percentage held exactly: `numerator / 10 ** decimals`, so 12.5 is 125 over 10. */
export interface Percentage {
  readonly numerator: bigint;
  readonly decimals: number;
}

export type DiscountTerms =
  | { readonly type: 'FLAT_OFF'; readonly amount: Money; readonly minSpend: Money | undefined }
  | {
      readonly type: 'PERCENTAGE';
      readonly percentage: Percentage;
      readonly minSpend: Money | undefined;
      readonly maxDiscount: Money | undefined;
    }
  | { readonly type: 'BUY_N_GET_N_FREE'; readonly buyQuantity: number; readonly getQuantity: number }
  /** Its amounts are in a currency that this service does not charge in. */
  | { readonly type: 'OTHER_CURRENCY' }
  /** A number or a text of it is larger than this service keeps. */
  | { readonly type: 'TOO_LARGE' };

/** A discount of the platform (contract section 4). */
export interface Discount {
  readonly id: DiscountId;
  readonly code: string;
  readonly terms: DiscountTerms;
  /** The first moment at which it is valid. */
  readonly activeFrom: Instant | undefined;
  /** The first moment at which it is not valid any more. */
  readonly expiresAt: Instant | undefined;
  readonly maxUsage: number | undefined;
  readonly currentUsage: number;
  /** Empty: all tiers. */
  readonly applicableTiers: readonly TierId[];
  /** Empty: all sessions. */
  readonly applicableSessions: readonly SessionId[];
  readonly active: boolean;
}

export type DiscountRefusal =
  | 'inactive'
  | 'not_started'
  | 'expired'
  | 'used_up'
  | 'other_session'
  | 'other_currency'
  | 'too_large'
  | 'no_seat'
  | 'min_spend'
  | 'too_few_seats'
  | 'nothing_off';

/** Refusals as buyers read them. */
export const REFUSAL_WORDS = {
  inactive: 'The discount is not active.',
  not_started: 'The discount is not valid yet.',
  expired: 'The discount has expired.',
  used_up: 'The discount is used up.',
  other_session: 'The discount is not for this session.',
  other_currency: 'The discount is in another currency than the prices. Please inform the organiser.',
  too_large: 'A number or a text of the discount is too large. Please inform the organiser.',
  no_seat: 'The discount does not apply to these seats.',
  min_spend: 'The order is below the minimum amount of the discount.',
  too_few_seats: 'The discount needs more seats in the order.',
  nothing_off: 'The discount takes nothing off these seats.',
} as const satisfies Record<DiscountRefusal, string>;

export type DiscountOutcome =
  | { readonly outcome: 'applies'; readonly amount: Money }
  | { readonly outcome: 'refused'; readonly reason: DiscountRefusal };

/** Whether uses, counted by the platform or by the orders here, have reached the most there may be. */
export function isUsedUp(uses: number, maxUsage: number | undefined): boolean {
  return maxUsage !== undefined && uses >= maxUsage;
}

/** The amount that the discount takes off, at most the price of the seats it applies to; or why it cannot be used. */
export function applyDiscount(
  discount: Discount,
  seats: readonly PricedSeat[],
  sessionId: SessionId,
  now: Instant,
): DiscountOutcome {
  const refusal = refusalFor(discount, sessionId, now);
  if (refusal) return refused(refusal);
  const tiers = new Set(discount.applicableTiers);
  const applicable = seats.filter((seat) => tiers.size === 0 || tiers.has(seat.tier.id));
  if (applicable.length === 0) return refused('no_seat');
  const offered = amountOff(discount.terms, prices(applicable), sum(prices(seats)));
  if (offered.outcome === 'refused') return offered;
  const amount = smaller(offered.amount, sum(prices(applicable)));
  return amount > 0 ? { outcome: 'applies', amount } : refused('nothing_off');
}

function refusalFor(discount: Discount, sessionId: SessionId, now: Instant): DiscountRefusal | undefined {
  if (!discount.active) return 'inactive';
  if (discount.activeFrom !== undefined && now < discount.activeFrom) return 'not_started';
  if (discount.expiresAt !== undefined && now >= discount.expiresAt) return 'expired';
  if (isUsedUp(discount.currentUsage, discount.maxUsage)) return 'used_up';
  const sessions = discount.applicableSessions;
  return sessions.length > 0 && !sessions.includes(sessionId) ? 'other_session' : undefined;
}

function amountOff(terms: DiscountTerms, applicable: readonly Money[], subtotal: Money): DiscountOutcome {
  switch (terms.type) {
    case 'FLAT_OFF':
      return reaches(subtotal, terms.minSpend) ? applies(terms.amount) : refused('min_spend');
    case 'PERCENTAGE': {
      if (!reaches(subtotal, terms.minSpend)) return refused('min_spend');
      const share = shareOf(sum(applicable), terms.percentage);
      return applies(terms.maxDiscount === undefined ? share : smaller(share, terms.maxDiscount));
    }
    case 'BUY_N_GET_N_FREE':
      return freeSeats(applicable, terms.buyQuantity, terms.getQuantity);
    case 'OTHER_CURRENCY':
      return refused('other_currency');
    case 'TOO_LARGE':
      return refused('too_large');
    default:
      return terms satisfies never;
  }
}

function reaches(subtotal: Money, minSpend: Money | undefined): boolean {
  return minSpend === undefined || subtotal >= minSpend;
}

const PERCENT = 100n;

/** Rounds half a minor unit up, in favour of the buyer; more than 100 percent is the whole amount. */
function shareOf(amount: Money, { numerator, decimals }: Percentage): Money {
  const whole = BigInt(amount);
  const divisor = PERCENT * 10n ** BigInt(decimals);
  const share = (whole * numerator * 2n + divisor) / (divisor * 2n);
  return share < whole ? money(Number(share)) : amount;
}

/** For each full group of `buyQuantity` seats, `getQuantity` seats are free; the cheapest seats are free first. */
function freeSeats(applicable: readonly Money[], buyQuantity: number, getQuantity: number): DiscountOutcome {
  const groups = Math.floor(applicable.length / buyQuantity);
  if (groups === 0) return refused('too_few_seats');
  const free = applicable.toSorted((a, b) => a - b).slice(0, groups * getQuantity);
  return applies(free.length === 0 ? ZERO : sum(free));
}

function prices(seats: readonly PricedSeat[]): Money[] {
  return seats.map((seat) => seat.price);
}

function applies(amount: Money): DiscountOutcome {
  return { outcome: 'applies', amount };
}

function refused(reason: DiscountRefusal): DiscountOutcome {
  return { outcome: 'refused', reason };
}

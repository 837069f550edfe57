import type { EventId, OrganizationId, SessionId } from '../../kernel/ids.ts';
import type { DiscountSales, SaleChange, SalesTotals, TierSales } from '../sales/index.ts';
import { quarterHourOf } from './time-zones.ts';

/** Changes of sales as rows to insert into the tables of sums. Numbers may be negative. */
export interface SalesRows {
  readonly times: readonly TimeRow[];
  readonly tiers: readonly TierRow[];
  readonly discounts: readonly DiscountRow[];
}

interface TimeRow extends SalesTotals {
  readonly organizationId: OrganizationId;
  readonly eventId: EventId;
  readonly sessionId: SessionId;
  /** When the order was placed. */
  readonly quarterHour: number;
}

interface TierRow extends TierSales {
  readonly organizationId: OrganizationId;
  readonly eventId: EventId;
  readonly sessionId: SessionId;
}

interface DiscountRow extends DiscountSales {
  readonly eventId: EventId;
  readonly quarterHour: number;
}

/** Limits for texts from other services, which are indexed. The migration uses the same limits. */
const MAX_NAME_CHARS = 200;
const MAX_COLOR_CHARS = 64;

/** Converts changes to rows. */
export function salesRows(changes: readonly SaleChange[]): SalesRows {
  return {
    times: changes.map(({ order, difference }) => ({
      organizationId: order.organizationId,
      eventId: order.eventId,
      sessionId: order.sessionId,
      quarterHour: quarterHourOf(order.createdAt),
      ...difference,
    })),
    tiers: changes.flatMap(({ order, tiers }) =>
      tiers.map((tier) => ({
        ...tier,
        organizationId: order.organizationId,
        eventId: order.eventId,
        sessionId: order.sessionId,
        tierName: cut(tier.tierName, MAX_NAME_CHARS),
        tierColor: cut(tier.tierColor, MAX_COLOR_CHARS),
      })),
    ),
    discounts: changes.flatMap(({ order, discounts }) =>
      discounts.map((discount) => ({
        ...discount,
        eventId: order.eventId,
        quarterHour: quarterHourOf(order.createdAt),
        code: cut(discount.code, MAX_NAME_CHARS),
      })),
    ),
  };
}

/** Cuts a text to `maxChars` without splitting a character. */
function cut(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : [...text].slice(0, maxChars).join('');
}

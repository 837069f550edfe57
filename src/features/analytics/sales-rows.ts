import type { EventId, OrganizationId, SessionId, TierId } from '../../kernel/ids.ts';
import { type Money, money } from '../../kernel/money.ts';
import type { Order } from '../orders/index.ts';
import { quarterHourOf } from './time-zones.ts';

/** What is counted of sales, as rows that are added to what was counted before; a row may be negative. */
export interface SalesCounted {
  readonly sales: readonly TimeRow[];
  readonly tiers: readonly TierRow[];
  readonly discounts: readonly DiscountRow[];
}

interface TimeRow {
  readonly organizationId: OrganizationId;
  readonly eventId: EventId;
  readonly sessionId: SessionId;
  readonly quarterHour: number;
  readonly orders: number;
  readonly tickets: number;
  readonly revenue: Money;
  readonly beforeDiscounts: Money;
}

interface TierRow {
  readonly organizationId: OrganizationId;
  readonly eventId: EventId;
  readonly sessionId: SessionId;
  readonly tierId: TierId;
  readonly tierName: string;
  readonly tierColor: string;
  readonly tickets: number;
  readonly revenue: Money;
}

interface DiscountRow {
  readonly eventId: EventId;
  readonly code: string;
  readonly quarterHour: number;
  readonly uses: number;
  readonly amount: Money;
}

/** Texts of other services, cut to what an index can hold; the migration cuts the same. */
const MAX_NAME_CHARS = 200;
const MAX_COLOR_CHARS = 64;

/** What changes in the counts when an order becomes another: only what is completed counts. */
export function salesChanged(from: Order, to: Order): SalesCounted {
  const before = counted(from, -1);
  const after = counted(to, 1);
  const nothing = before.sales.length === 0 && after.sales.length === 0;
  return nothing ? NOTHING : merge([before, after]);
}

/** The rows of many changes as one. */
export function allOf(changes: readonly SalesCounted[]): SalesCounted {
  return {
    sales: changes.flatMap((change) => change.sales),
    tiers: changes.flatMap((change) => change.tiers),
    discounts: changes.flatMap((change) => change.discounts),
  };
}

const NOTHING: SalesCounted = { sales: [], tiers: [], discounts: [] };

/** What an order counts for, `sign` times. */
function counted(order: Order, sign: 1 | -1): SalesCounted {
  if (order.status !== 'completed') return NOTHING;
  const { organizationId, eventId, sessionId, discount } = order;
  const quarterHour = quarterHourOf(order.createdAt);
  const session = { organizationId, eventId, sessionId };
  const tickets = order.tickets.filter((ticket) => ticket.voidedAt === undefined);
  return {
    sales: [
      {
        ...session,
        quarterHour,
        orders: sign,
        tickets: sign * tickets.length,
        revenue: money(sign * order.price),
        beforeDiscounts: money(sign * order.subtotal),
      },
    ],
    tiers: tickets.map((ticket) => ({
      ...session,
      tierId: ticket.tierId,
      tierName: cut(ticket.tierName, MAX_NAME_CHARS),
      tierColor: cut(ticket.colour, MAX_COLOR_CHARS),
      tickets: sign,
      revenue: money(sign * ticket.price),
    })),
    discounts: discount
      ? [
          {
            eventId,
            code: cut(discount.code, MAX_NAME_CHARS),
            quarterHour,
            uses: sign,
            amount: money(sign * order.discountAmount),
          },
        ]
      : [],
  };
}

/** At most so many characters, none of them halved. */
function cut(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : [...text].slice(0, maxChars).join('');
}

/** Rows of one key as one, and none that adds nothing. */
function merge(parts: readonly SalesCounted[]): SalesCounted {
  const all = allOf(parts);
  return {
    sales: added(
      all.sales,
      (row) => `${row.eventId} ${row.sessionId} ${row.quarterHour}`,
      (a, b) => ({
        ...a,
        orders: a.orders + b.orders,
        tickets: a.tickets + b.tickets,
        revenue: money(a.revenue + b.revenue),
        beforeDiscounts: money(a.beforeDiscounts + b.beforeDiscounts),
      }),
    ).filter((row) => row.orders !== 0 || row.tickets !== 0 || row.revenue !== 0),
    tiers: added(
      all.tiers,
      (row) => JSON.stringify([row.sessionId, row.tierId, row.tierName, row.tierColor]),
      (a, b) => ({ ...a, tickets: a.tickets + b.tickets, revenue: money(a.revenue + b.revenue) }),
    ).filter((row) => row.tickets !== 0),
    discounts: added(
      all.discounts,
      (row) => JSON.stringify([row.eventId, row.code, row.quarterHour]),
      (a, b) => ({ ...a, uses: a.uses + b.uses, amount: money(a.amount + b.amount) }),
    ).filter((row) => row.uses !== 0),
  };
}

function added<Row>(rows: readonly Row[], keyOf: (row: Row) => string, add: (a: Row, b: Row) => Row): Row[] {
  const byKey = Map.groupBy(rows, keyOf);
  return [...byKey.values()].map((group) => group.reduce(add));
}

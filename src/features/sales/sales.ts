import type { TierId } from '../../kernel/ids.ts';
import { type Money, minus, money, sum, ZERO } from '../../kernel/money.ts';
import type { Order } from '../orders/index.ts';

/** Sums over completed orders: their number, live tickets, prices and subtotals. */
export interface SalesTotals {
  readonly orders: number;
  readonly tickets: number;
  /** Prices at the time of sale. */
  readonly revenue: Money;
  readonly beforeDiscounts: Money;
}

/** Live tickets of one tier under one of its names and colours. */
export interface TierSales {
  readonly tierId: TierId;
  readonly tierName: string;
  readonly tierColor: string;
  readonly tickets: number;
  /** Prices of the tickets, before discounts. */
  readonly revenue: Money;
}

/** Uses of one discount code by completed orders. */
export interface DiscountSales {
  readonly code: string;
  readonly uses: number;
  readonly amount: Money;
}

/** What a change of an order adds to the sales of its session, event and organisation. All numbers may be negative. */
export interface SaleChange {
  /** The order after the change. */
  readonly order: Order;
  readonly difference: SalesTotals;
  readonly tiers: readonly TierSales[];
  readonly discounts: readonly DiscountSales[];
  /** Whether the change completes the order, which live streams announce. */
  readonly isCompletion: boolean;
}

interface Counted {
  readonly totals: SalesTotals;
  readonly tiers: readonly TierSales[];
  readonly discounts: readonly DiscountSales[];
}

const NOTHING: Counted = {
  totals: { orders: 0, tickets: 0, revenue: ZERO, beforeDiscounts: ZERO },
  tiers: [],
  discounts: [],
};

/** Counts sales, for both the figures and the live streams. Changes that add nothing are left out. */
export function saleChanges(changes: readonly { readonly from: Order; readonly to: Order }[]): SaleChange[] {
  return changes.flatMap(({ from, to }) => {
    const before = counted(from);
    const after = counted(to);
    if (before === NOTHING && after === NOTHING) return [];
    const difference = {
      orders: after.totals.orders - before.totals.orders,
      tickets: after.totals.tickets - before.totals.tickets,
      revenue: minus(after.totals.revenue, before.totals.revenue),
      beforeDiscounts: minus(after.totals.beforeDiscounts, before.totals.beforeDiscounts),
    };
    const tiers = tierDifferences(before.tiers, after.tiers);
    const discounts = discountDifferences(before.discounts, after.discounts);
    const isChange = tiers.length > 0 || discounts.length > 0 || Object.values(difference).some((part) => part !== 0);
    return isChange ? [{ order: to, difference, tiers, discounts, isCompletion: difference.orders > 0 }] : [];
  });
}

/** What an order counts for. Only completed orders count, with their live tickets. */
function counted(order: Order): Counted {
  if (order.status !== 'completed') return NOTHING;
  const { price, subtotal, discount, discountAmount } = order;
  const tickets = order.tickets.filter(({ voidedAt }) => voidedAt === undefined);
  return {
    totals: { orders: 1, tickets: tickets.length, revenue: price, beforeDiscounts: subtotal },
    tiers: tickets.map((ticket) => ({
      tierId: ticket.tierId,
      tierName: ticket.tierName,
      tierColor: ticket.colour,
      tickets: 1,
      revenue: ticket.price,
    })),
    discounts: discount ? [{ code: discount.code, uses: 1, amount: discountAmount }] : [],
  };
}

function tierDifferences(before: readonly TierSales[], after: readonly TierSales[]): TierSales[] {
  const negated = before.map((tier) => ({
    ...tier,
    tickets: -tier.tickets,
    revenue: negative(tier.revenue),
  }));
  const keyOf = ({ tierId, tierName, tierColor }: TierSales) => JSON.stringify([tierId, tierName, tierColor]);
  return [...Map.groupBy([...negated, ...after], keyOf).values()]
    .flatMap(([first, ...rest]) =>
      first
        ? [
            {
              ...first,
              tickets: rest.reduce((total, { tickets }) => total + tickets, first.tickets),
              revenue: sum([first, ...rest].map(({ revenue }) => revenue)),
            },
          ]
        : [],
    )
    .filter(({ tickets, revenue }) => tickets !== 0 || revenue !== 0);
}

function discountDifferences(before: readonly DiscountSales[], after: readonly DiscountSales[]): DiscountSales[] {
  const negated = before.map((use) => ({ ...use, uses: -use.uses, amount: negative(use.amount) }));
  return [...Map.groupBy([...negated, ...after], ({ code }) => code).entries()]
    .map(([code, uses]) => ({
      code,
      uses: uses.reduce((total, use) => total + use.uses, 0),
      amount: sum(uses.map(({ amount }) => amount)),
    }))
    .filter(({ uses, amount }) => uses !== 0 || amount !== 0);
}

function negative(amount: Money): Money {
  return money(-amount);
}

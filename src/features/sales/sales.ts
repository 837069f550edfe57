import type { TierId } from '../../kernel/ids.ts';
import { bigSum } from '../../kernel/money.ts';
import type { Order } from '../orders/index.ts';

/** Sums over completed orders: their number, live tickets, prices and subtotals. Amounts are minor units. */
export interface SalesTotals {
  readonly orders: number;
  readonly tickets: number;
  /** Prices at the time of sale. */
  readonly revenue: bigint;
  readonly beforeDiscounts: bigint;
}

/** Live tickets of one tier under one of its names and colours. */
export interface TierSales {
  readonly tierId: TierId;
  readonly tierName: string;
  readonly tierColor: string;
  readonly tickets: number;
  /** Prices of the tickets, before discounts. */
  readonly revenue: bigint;
}

/** Uses of one discount code by completed orders. */
export interface DiscountSales {
  readonly code: string;
  readonly uses: number;
  readonly amount: bigint;
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

type Counted = Pick<SaleChange, 'tiers' | 'discounts'> & { readonly totals: SalesTotals };

const NOTHING: Counted = {
  totals: { orders: 0, tickets: 0, revenue: 0n, beforeDiscounts: 0n },
  tiers: [],
  discounts: [],
};

/** Counts sales, for both the figures and the live streams. Changes that add nothing are left out. */
export function saleChanges(changes: readonly { readonly from: Order; readonly to: Order }[]): SaleChange[] {
  return changes.flatMap(({ from, to }) => {
    const before = negated(counted(from));
    const after = counted(to);
    const difference = totalOf([before.totals, after.totals]);
    const tiers = tierDifferences([...before.tiers, ...after.tiers]);
    const discounts = discountDifferences([...before.discounts, ...after.discounts]);
    const isChange = tiers.length > 0 || discounts.length > 0 || Object.values(difference).some(Boolean);
    return isChange ? [{ order: to, difference, tiers, discounts, isCompletion: difference.orders > 0 }] : [];
  });
}

/** The sum of several totals. */
export function totalOf(totals: readonly SalesTotals[]): SalesTotals {
  return {
    orders: totals.reduce((all, { orders }) => all + orders, 0),
    tickets: totals.reduce((all, { tickets }) => all + tickets, 0),
    revenue: bigSum(totals.map(({ revenue }) => revenue)),
    beforeDiscounts: bigSum(totals.map(({ beforeDiscounts }) => beforeDiscounts)),
  };
}

/** The sum of sales of one tier, under the name of the first; empty if there are none. */
export function addTiers(tiers: readonly TierSales[]): TierSales[] {
  const [first] = tiers;
  if (!first) return [];
  const tickets = tiers.reduce((all, tier) => all + tier.tickets, 0);
  return [{ ...first, tickets, revenue: bigSum(tiers.map(({ revenue }) => revenue)) }];
}

/** What an order counts for. Only completed orders count, with their live tickets. */
function counted(order: Order): Counted {
  if (order.status !== 'completed') return NOTHING;
  const { price, subtotal, discount, discountAmount } = order;
  const tickets = order.tickets.filter(({ voidedAt }) => voidedAt === undefined);
  return {
    totals: { orders: 1, tickets: tickets.length, revenue: BigInt(price), beforeDiscounts: BigInt(subtotal) },
    tiers: tickets.map((ticket) => ({
      tierId: ticket.tierId,
      tierName: ticket.tierName,
      tierColor: ticket.colour,
      tickets: 1,
      revenue: BigInt(ticket.price),
    })),
    discounts: discount ? [{ code: discount.code, uses: 1, amount: BigInt(discountAmount) }] : [],
  };
}

function negated({ totals, tiers, discounts }: Counted): Counted {
  return {
    totals: {
      orders: -totals.orders,
      tickets: -totals.tickets,
      revenue: -totals.revenue,
      beforeDiscounts: -totals.beforeDiscounts,
    },
    tiers: tiers.map((tier) => ({ ...tier, tickets: -tier.tickets, revenue: -tier.revenue })),
    discounts: discounts.map((use) => ({ ...use, uses: -use.uses, amount: -use.amount })),
  };
}

function tierDifferences(tiers: readonly TierSales[]): TierSales[] {
  const keyOf = ({ tierId, tierName, tierColor }: TierSales) => JSON.stringify([tierId, tierName, tierColor]);
  return [...Map.groupBy(tiers, keyOf).values()]
    .flatMap(addTiers)
    .filter(({ tickets, revenue }) => tickets !== 0 || revenue !== 0n);
}

function discountDifferences(discounts: readonly DiscountSales[]): DiscountSales[] {
  return [...Map.groupBy(discounts, ({ code }) => code).entries()]
    .map(([code, uses]) => ({
      code,
      uses: uses.reduce((all, use) => all + use.uses, 0),
      amount: bigSum(uses.map(({ amount }) => amount)),
    }))
    .filter(({ uses, amount }) => uses !== 0 || amount !== 0n);
}

import type { Static } from 'typebox';
import type { Currency } from '../../kernel/money.ts';
import { type Order, toWireOrder } from '../orders/index.ts';
import { type DiscountDay, type Figures, netOf, type SessionFigures } from './figures.ts';
import type { DiscountsSchema, FiguresSchema, ListedOrderSchema, SessionsSchema } from './schemas.ts';

/** What every `EventAnalytics` of the contract has beside the id it is about. */
export type WireFigures = Static<typeof FiguresSchema>;

export function toWireFigures(figures: Figures, currency: Currency): WireFigures {
  const { days, tiers } = figures;
  return {
    ...toWireTotals(figures, currency),
    daily_sales: days.map((day) => ({
      date: day.date,
      revenue: currency.toMajor(day.revenue),
      tickets_sold: day.tickets,
    })),
    sales_by_tier: tiers.map((tier) => ({
      tier_id: tier.tierId,
      tier_name: tier.name,
      tier_color: tier.color,
      tickets_sold: tier.tickets,
      revenue: currency.toMajor(tier.revenue),
    })),
  };
}

export function toWireSession(
  session: SessionFigures,
  currency: Currency,
): Static<typeof SessionsSchema>['sessions'][number] {
  return { session_id: session.sessionId, ...toWireTotals(session, currency) };
}

export function toWireDiscount(
  { date, code, uses, amount }: DiscountDay,
  currency: Currency,
): Static<typeof DiscountsSchema>['discount_usage'][number] {
  return { date, discount_code: code, usage_count: uses, total_discount_amount: currency.toMajor(amount) };
}

function toWireTotals(totals: Omit<SessionFigures, 'sessionId'>, currency: Currency) {
  const { orders, tickets, revenue, beforeDiscounts, money } = totals;
  return {
    total_revenue: currency.toMajor(revenue),
    total_before_discounts: currency.toMajor(beforeDiscounts),
    total_tickets_sold: tickets,
    total_orders: orders,
    money_taken: currency.toMajor(money.taken),
    money_refunded: currency.toMajor(money.refunded),
    money_net: currency.toMajor(netOf(money)),
    currency: currency.code,
  };
}

/** An order in an organiser's list; `TotalCount` is how many the list has. */
export function toListedOrder(
  order: Order,
  total: number,
  currency: Currency,
): Static<typeof ListedOrderSchema> {
  return { ...toWireOrder(order, currency), TotalCount: total };
}

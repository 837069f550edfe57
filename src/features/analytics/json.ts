import type { Static } from 'typebox';
import type { Currency } from '../../kernel/money.ts';
import { type Order, OrderJson } from '../orders/index.ts';
import { type DiscountDay, type Figures, netOf, type SessionFigures } from './figures.ts';
import type { DiscountsSchema, FiguresSchema, ListedOrderSchema, SessionsSchema } from './schemas.ts';

/** The fields of the contract's `EventAnalytics` without its id. */
export type WireFigures = Static<typeof FiguresSchema>;

/** Figures and lists in the JSON of HTTP responses, in the service's currency. */
export class AnalyticsJson {
  readonly #currency: Currency;
  readonly #orders: OrderJson;

  constructor(currency: Currency) {
    this.#currency = currency;
    this.#orders = new OrderJson(currency);
  }

  figures(figures: Figures): WireFigures {
    const { days, tiers } = figures;
    return {
      ...this.#totals(figures),
      daily_sales: days.map((day) => ({
        date: day.date,
        revenue: this.#currency.toMajor(day.revenue),
        tickets_sold: day.tickets,
      })),
      sales_by_tier: tiers.map((tier) => ({
        tier_id: tier.tierId,
        tier_name: tier.tierName,
        tier_color: tier.tierColor,
        tickets_sold: tier.tickets,
        revenue: this.#currency.toMajor(tier.revenue),
      })),
    };
  }

  session(session: SessionFigures): Static<typeof SessionsSchema>['sessions'][number] {
    return { session_id: session.sessionId, ...this.#totals(session) };
  }

  discount({ date, code, uses, amount }: DiscountDay): Static<typeof DiscountsSchema>['discount_usage'][number] {
    return { date, discount_code: code, usage_count: uses, total_discount_amount: this.#currency.toMajor(amount) };
  }

  /** An order in an organiser's list; `total` is the length of the whole list. */
  listedOrder(order: Order, total: number): Static<typeof ListedOrderSchema> {
    return { ...this.#orders.toWire(order), TotalCount: total };
  }

  #totals({ orders, tickets, revenue, beforeDiscounts, money }: Omit<SessionFigures, 'sessionId'>) {
    const currency = this.#currency;
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
}

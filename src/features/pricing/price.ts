import type { Instant } from '../../kernel/clock.ts';
import type { SessionId } from '../../kernel/ids.ts';
import { type ChargeProblem, type Currency, type Money, minus, money, sum, ZERO } from '../../kernel/money.ts';
import { applyDiscount, type Discount, type DiscountRefusal, type PricedSeat, REFUSAL_WORDS } from './discount.ts';

export interface PricingInput {
  readonly seats: readonly PricedSeat[];
  readonly discount: Discount | undefined;
  readonly sessionId: SessionId;
  readonly now: Instant;
  readonly currency: Currency;
}

export interface Priced {
  readonly outcome: 'priced';
  readonly subtotal: Money;
  readonly discountAmount: Money;
  readonly price: Money;
  readonly discount: Discount | undefined;
}

export interface PriceRefused {
  readonly outcome: 'refused';
  readonly code: 'discount_refused' | 'price_not_chargeable';
  readonly reason: DiscountRefusal | 'not_chargeable';
  readonly detail: string;
}

/** Prices an order: the sum of its seats less the discount, exact in minor units (I8); or the reason for a refusal. */
export function priceOrder({ seats, discount, sessionId, now, currency }: PricingInput): Priced | PriceRefused {
  const subtotal = sum(seats.map((seat) => seat.price));
  const off = discountedBy(subtotal, { seats, discount, sessionId, now, currency });
  if (typeof off !== 'number') return off;
  const price = minus(subtotal, off);
  const problem = price === 0 ? undefined : currency.chargeProblem(price);
  if (problem === undefined) return { outcome: 'priced', subtotal, discountAmount: off, price, discount };
  return {
    outcome: 'refused',
    code: 'price_not_chargeable',
    reason: 'not_chargeable',
    detail: whyNotChargeable(problem, price, currency),
  };
}

function whyNotChargeable(problem: ChargeProblem, price: Money, currency: Currency): string {
  const inWords = (amount: number) => `${currency.toDecimal(money(amount))} ${currency.code.toUpperCase()}`;
  switch (problem) {
    case 'decimals':
      return `The price has more decimals than can be charged in ${currency.code.toUpperCase()}. Please inform the organiser.`;
    case 'too_small':
      return `${inWords(price)} is less than ${inWords(currency.minCharge)}, the least that can be charged. Order more seats, or leave out the discount.`;
    case 'too_large':
      return `${inWords(price)} is more than ${inWords(currency.maxCharge)}, the most that can be charged at once. Order fewer seats.`;
    default:
      return problem satisfies never;
  }
}

function discountedBy(
  subtotal: Money,
  { seats, discount, sessionId, now, currency }: PricingInput,
): Money | PriceRefused {
  if (discount === undefined) return ZERO;
  const off = applyDiscount(discount, seats, sessionId, now);
  if (off.outcome === 'refused') {
    const { reason } = off;
    return { outcome: 'refused', code: 'discount_refused', reason, detail: REFUSAL_WORDS[reason] };
  }
  // Rounds the discount up, in favour of the buyer, so that the price can be charged.
  return money(off.amount + (minus(subtotal, off.amount) % currency.chargeStep));
}

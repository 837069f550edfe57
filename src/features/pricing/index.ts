export { type Discount, type PricedSeat, REFUSAL_WORDS } from './discount.rules.ts';
export { DiscountSchema, readDiscount } from './discount.schema.ts';
export { pricingErrors } from './errors.ts';
export { type Priced, priceOrder } from './pricing.rules.ts';

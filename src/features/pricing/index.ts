export { type Discount, type PricedSeat, REFUSAL_WORDS } from './discount.ts';
export { type DiscountJson, DiscountReader, DiscountSchema } from './discount-json.ts';
export { pricingErrors } from './errors.ts';
export { priceOrder } from './price.ts';

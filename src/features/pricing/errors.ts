import type { ErrorTable } from '../../kernel/errors.ts';

export const pricingErrors = {
  discount_refused: { status: 400, title: 'The discount cannot be used', retry: false },
  price_not_chargeable: { status: 422, title: 'The price cannot be charged', retry: false },
} as const satisfies ErrorTable;

declare module '../../kernel/errors.ts' {
  interface ErrorCodes extends Record<keyof typeof pricingErrors, true> {}
}

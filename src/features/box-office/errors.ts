import type { ErrorTable } from '../../kernel/errors.ts';

export const boxOfficeErrors = {
  price_too_high: { status: 422, title: 'The price is higher than a ticket can cost', retry: false },
  ticket_change_refused: { status: 409, title: 'The ticket cannot be changed like this', retry: false },
} as const satisfies ErrorTable;

declare module '../../kernel/errors.ts' {
  interface ErrorCodes extends Record<keyof typeof boxOfficeErrors, true> {}
}

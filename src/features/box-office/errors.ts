import type { ErrorTable } from '../../kernel/errors.ts';

export const boxOfficeErrors = {
  ticket_change_refused: { status: 409, title: 'The ticket cannot be changed like this', retry: false },
} as const satisfies ErrorTable;

declare module '../../kernel/errors.ts' {
  interface ErrorCodes extends Record<keyof typeof boxOfficeErrors, true> {}
}

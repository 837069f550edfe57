import type { ErrorTable } from '../../kernel/errors.ts';

export const ticketErrors = {
  ticket_not_found: { status: 404, title: 'There is no such ticket', retry: false },
  ticket_cancelled: { status: 409, title: 'The ticket is cancelled', retry: false, doorWord: 'cancelled' },
  ticket_not_paid: { status: 409, title: 'The ticket is not paid', retry: false, doorWord: 'not_paid' },
} as const satisfies ErrorTable;

declare module '../../kernel/errors.ts' {
  interface ErrorCodes extends Record<keyof typeof ticketErrors, true> {}
}

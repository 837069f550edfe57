import type { ErrorTable } from '../../kernel/errors.ts';

export const orderErrors = {
  order_not_found: { status: 404, title: 'There is no such order', retry: false },
  order_not_pending: { status: 409, title: 'The order is no longer pending', retry: false },
  order_changed: { status: 409, title: 'Another request changed the order', retry: true },
  order_already_paid: { status: 409, title: 'The order is already paid', retry: false },
  too_many_seats_held: { status: 409, title: 'The user holds too many seats of the session', retry: false },
  hold_ended: { status: 409, title: 'The hold on the seats has ended', retry: false },
} as const satisfies ErrorTable;

declare module '../../kernel/errors.ts' {
  interface ErrorCodes extends Record<keyof typeof orderErrors, true> {}
}

import type { ErrorTable } from '../../kernel/errors.ts';

export const paymentErrors = {
  nothing_to_pay: { status: 409, title: 'The order costs nothing', retry: false },
  payment_missing: { status: 402, title: 'The order has not been paid', retry: true },
  refund_not_possible: { status: 409, title: 'This cannot be refunded', retry: false },
  payment_not_stuck: { status: 404, title: 'No refund or webhook with this id is stuck', retry: false },
  payment_mismatch: { status: 409, title: 'The payment is not the price of the order', retry: false },
  payment_refused: { status: 402, title: 'The payment was refused', retry: false },
  payments_unavailable: { status: 503, title: 'The payment provider cannot be reached', retry: true },
  webhook_signature_invalid: { status: 400, title: 'The webhook signature is not valid', retry: false },
} as const satisfies ErrorTable;

declare module '../../kernel/errors.ts' {
  interface ErrorCodes extends Record<keyof typeof paymentErrors, true> {}
}

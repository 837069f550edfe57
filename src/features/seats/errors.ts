import type { ErrorTable } from '../../kernel/errors.ts';

export const seatErrors = {
  seats_taken: { status: 409, title: 'Seats are taken', retry: false },
  seats_refused: { status: 400, title: 'The seats cannot be ordered', retry: false },
  session_mismatch: { status: 400, title: 'The session is of another event', retry: false },
  seating_unavailable: { status: 503, title: 'The seating service cannot be reached', retry: true },
} as const satisfies ErrorTable;

declare module '../../kernel/errors.ts' {
  interface ErrorCodes extends Record<keyof typeof seatErrors, true> {}
}

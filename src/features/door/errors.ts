import type { ErrorTable } from '../../kernel/errors.ts';

export const doorErrors = {
  ticket_forged: { status: 400, title: 'This is not a genuine ticket', retry: false, doorWord: 'forged' },
  ticket_superseded: {
    status: 409,
    title: 'A newer code was issued for the ticket',
    retry: false,
    doorWord: 'superseded',
  },
  ticket_wrong_session: {
    status: 403,
    title: 'The ticket is for another session',
    retry: false,
    doorWord: 'wrong_session',
  },
  ticket_too_early: { status: 409, title: 'The doors are not open yet', retry: false, doorWord: 'too_early' },
  ticket_too_late: { status: 409, title: 'The doors are closed', retry: false, doorWord: 'too_late' },
  already_checked_in: {
    status: 409,
    title: 'The ticket is already checked in',
    retry: false,
    doorWord: 'already_checked_in',
  },
  not_checked_in: { status: 409, title: 'The ticket is not checked in', retry: false },
  reentry_not_allowed: { status: 409, title: 'The session does not allow re-entry', retry: false },
  scan_time_refused: { status: 400, title: 'The time of the scan cannot be right', retry: false },
} as const satisfies ErrorTable;

declare module '../../kernel/errors.ts' {
  interface ErrorCodes extends Record<keyof typeof doorErrors, true> {}
}

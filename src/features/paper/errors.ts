import type { ErrorTable } from '../../kernel/errors.ts';

export const paperErrors = {
  printing_busy: { status: 503, title: 'Too many tickets are being drawn', retry: true },
} as const satisfies ErrorTable;

declare module '../../kernel/errors.ts' {
  interface ErrorCodes extends Record<keyof typeof paperErrors, true> {}
}

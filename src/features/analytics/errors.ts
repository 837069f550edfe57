import type { ErrorTable } from '../../kernel/errors.ts';

export const analyticsErrors = {
  exports_busy: { status: 503, title: 'Too many exports are under way', retry: true },
} as const satisfies ErrorTable;

declare module '../../kernel/errors.ts' {
  interface ErrorCodes extends Record<keyof typeof analyticsErrors, true> {}
}

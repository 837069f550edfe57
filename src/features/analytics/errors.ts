import type { ErrorTable } from '../../kernel/errors.ts';

export const analyticsErrors = {
  export_under_way: { status: 429, title: 'You already have an export under way', retry: true },
  exports_busy: { status: 503, title: 'Too many exports are under way', retry: true },
} as const satisfies ErrorTable;

declare module '../../kernel/errors.ts' {
  interface ErrorCodes extends Record<keyof typeof analyticsErrors, true> {}
}

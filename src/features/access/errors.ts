import type { ErrorTable } from '../../kernel/errors.ts';

export const accessErrors = {
  forbidden: { status: 403, title: 'The caller may not do this', retry: false },
} as const satisfies ErrorTable;

declare module '../../kernel/errors.ts' {
  interface ErrorCodes extends Record<keyof typeof accessErrors, true> {}
}

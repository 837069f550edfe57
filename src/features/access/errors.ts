import type { ErrorTable } from '../../kernel/errors.ts';

export const accessErrors = {
  forbidden: { status: 403, title: 'This is not yours', retry: false },
} as const satisfies ErrorTable;

declare module '../../kernel/errors.ts' {
  interface ErrorCodes extends Record<keyof typeof accessErrors, true> {}
}

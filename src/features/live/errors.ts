import type { ErrorTable } from '../../kernel/errors.ts';

export const liveErrors = {
  too_many_streams: { status: 429, title: 'You have too many event streams open', retry: true },
  streams_full: { status: 503, title: 'There is no room for another event stream', retry: true },
} as const satisfies ErrorTable;

declare module '../../kernel/errors.ts' {
  interface ErrorCodes extends Record<keyof typeof liveErrors, true> {}
}

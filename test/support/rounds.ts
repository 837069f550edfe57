import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** Set for `npm run test:slow`, which runs every round of a race; `npm test` runs a few of them. */
    readonly isThorough?: boolean;
  }
}

const SHARE_OF_ROUNDS = 10;

/** Whether this run goes through every round, and so must see every possible outcome. */
export function isThorough(): boolean {
  return inject('isThorough') === true;
}

/** This many rounds in `npm run test:slow`, a tenth of them in `npm test`: a race can fail in both. */
export function rounds(all: number): number {
  return isThorough() ? all : Math.ceil(all / SHARE_OF_ROUNDS);
}

import type { Instant } from '../../kernel/clock.ts';

export interface SharedToken {
  readonly token: string;
  readonly expiresAt: Instant;
}

/** Shares one token among replicas. Its calls never fail: while the store is unavailable, each replica fetches its own. */
export interface SharedTokens {
  /** The stored token, until it expires. */
  read(): Promise<SharedToken | undefined>;
  /** Stores a token until it expires. */
  keep(token: SharedToken): Promise<void>;
  /** Removes this token, and no other, so that no replica uses a refused token. */
  forget(token: string): Promise<void>;
  /** Whether this replica should fetch the next token. The claim expires after `forMs`. */
  claim(forMs: number): Promise<boolean>;
  unclaim(): Promise<void>;
}

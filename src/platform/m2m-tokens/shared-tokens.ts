import type { Instant } from '../../kernel/clock.ts';

export interface SharedToken {
  readonly token: string;
  readonly expiresAt: Instant;
}

/** Where the replicas share one token. It never fails: while it is away, each replica is on its own. */
export interface SharedTokens {
  /** The token that was kept last, while it lives. */
  read(): Promise<SharedToken | undefined>;
  /** Keeps a token until it ends. */
  keep(token: SharedToken): Promise<void>;
  /** Removes this token, and no other, so that nobody takes one that was refused. */
  forget(token: string): Promise<void>;
  /** Whether this replica is the one to fetch the next token; the claim ends by itself after `forMs`. */
  claim(forMs: number): Promise<boolean>;
  unclaim(): Promise<void>;
}

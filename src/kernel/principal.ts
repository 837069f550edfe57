import type { Instant } from './clock.ts';
import type { UserId } from './ids.ts';

/** Who is calling, from a verified access token. Organisers and scanners are not in it: the seating service knows them. */
export interface Principal {
  readonly userId: UserId;
  readonly isAdmin: boolean;
  /** OAuth scopes of the token. */
  readonly scopes: readonly string[];
  readonly expiresAt: Instant;
}

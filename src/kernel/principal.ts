import type { Instant } from './clock.ts';
import type { UserId } from './ids.ts';

/** The caller, from a verified access token. It does not say who is an organiser or scanner; the seating service does. */
export interface Principal {
  readonly userId: UserId;
  readonly isAdmin: boolean;
  /** OAuth scopes of the token. */
  readonly scopes: readonly string[];
  readonly expiresAt: Instant;
  /** Set when the token stands for a service and not for a user. */
  readonly isMachine?: true;
}

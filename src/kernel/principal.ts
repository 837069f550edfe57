import type { Instant } from './clock.ts';
import { AppError } from './errors.ts';
import type { UserId } from './ids.ts';

/** The caller, from a verified access token. It does not say who is an organiser or scanner; the seating service does. */
export interface Principal {
  readonly userId: UserId;
  readonly isAdmin: boolean;
  /** OAuth scopes of the token. */
  readonly scopes: readonly string[];
  readonly expiresAt: Instant;
}

/** Throws `forbidden` unless the caller is an administrator. */
export function demandAdmin(who: Principal): void {
  if (!who.isAdmin) throw new AppError('forbidden', 'This is for administrators.');
}

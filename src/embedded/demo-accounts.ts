import { as, type UserId } from '../kernel/ids.ts';

/** A person of the embedded identity provider; `sub` never changes, so that a database outlives a restart. */
export interface DemoUser {
  readonly username: string;
  readonly sub: UserId;
  readonly realmRoles: readonly string[];
  readonly groups: readonly string[];
}

/** The one password of every demo user: the stand-in guards nothing worth more. */
export const DEMO_PASSWORD = 'demo';

/** Keys of the embedded Stripe: they open nothing but this process. */
export const DEMO_STRIPE_KEYS = {
  secretKey: 'sk_test_embedded',
  publishableKey: 'pk_test_embedded',
} as const;

/** The group whose members are administrators of the platform. */
const ADMIN_GROUP = '/Permissions/Users/System Admins';

export const DEMO_USERS = {
  buyer: person('buyer', 'b0000000-0000-4000-8000-000000000001'),
  buyer2: person('buyer2', 'b0000000-0000-4000-8000-000000000002'),
  organiser: person('organiser', 'b0000000-0000-4000-8000-000000000003'),
  scanner: person('scanner', 'b0000000-0000-4000-8000-000000000004'),
  admin: person('admin', 'b0000000-0000-4000-8000-000000000005', [ADMIN_GROUP]),
} as const satisfies Record<string, DemoUser>;

function person(username: string, sub: string, groups: readonly string[] = []): DemoUser {
  return { username, sub: as<UserId>(sub), realmRoles: ['user'], groups };
}

import { as, type UserId } from '../kernel/ids.ts';

/** A user of the embedded identity provider. `sub` never changes, so that stored data stays valid after a restart. */
export interface DemoUser {
  readonly username: string;
  readonly sub: UserId;
  readonly email: string;
  readonly isEmailVerified: boolean;
  readonly firstName: string;
  readonly lastName: string;
  readonly realmRoles: readonly string[];
  readonly groups: readonly string[];
}

/** The password of every demo user; the stand-in protects nothing valuable. */
export const DEMO_PASSWORD = 'demo';

/** Keys of the embedded Stripe, which are valid in this process only. */
export const DEMO_STRIPE_KEYS = { secretKey: 'sk_test_embedded', publishableKey: 'pk_test_embedded' } as const;

/** The group whose members are administrators of the platform. */
const ADMIN_GROUP = '/Permissions/Users/System Admins';

export const DEMO_USERS = {
  buyer: person('buyer', 'Bea', 'b0000000-0000-4000-8000-000000000001'),
  buyer2: person('buyer2', 'Ben', 'b0000000-0000-4000-8000-000000000002'),
  organiser: person('organiser', 'Ola', 'b0000000-0000-4000-8000-000000000003'),
  scanner: person('scanner', 'Sam', 'b0000000-0000-4000-8000-000000000004'),
  admin: person('admin', 'Ada', 'b0000000-0000-4000-8000-000000000005', [ADMIN_GROUP]),
} as const satisfies Record<string, DemoUser>;

/** The same accounts are in `deploy/keycloak`, so that pages show the same with a real Keycloak. */
function person(username: string, firstName: string, sub: string, groups: readonly string[] = []): DemoUser {
  return {
    username,
    sub: as<UserId>(sub),
    email: `${username}@example.com`,
    isEmailVerified: true,
    firstName,
    lastName: 'Demo',
    realmRoles: ['user'],
    groups,
  };
}

import { timingSafeEqual } from 'node:crypto';
import { DEMO_PASSWORD, DEMO_USERS, type DemoUser } from '../demo-accounts.ts';

/** The service account of the machine-to-machine client: Keycloak gives each one a user id, too. */
const SERVICE_ACCOUNT = 'b0000000-0000-4000-8000-0000000000ff';

const USERS: readonly DemoUser[] = Object.values(DEMO_USERS);

export function userBySub(sub: string): DemoUser | undefined {
  return USERS.find((user) => user.sub === sub);
}

/** The user whom name and password belong to. */
export function authenticate(username: string, password: string): DemoUser | undefined {
  const user = USERS.find((candidate) => candidate.username === username.toLowerCase());
  const given = Buffer.from(password);
  const wanted = Buffer.from(DEMO_PASSWORD);
  const isRight = given.length === wanted.length && timingSafeEqual(given, wanted);
  return isRight ? user : undefined;
}

/** What Keycloak writes into a person's access token beside the standard claims (contract section 5). */
export function accessTokenClaims(user: DemoUser, clientId: string): Record<string, unknown> {
  return {
    typ: 'Bearer',
    azp: clientId,
    preferred_username: user.username,
    realm_access: { roles: user.realmRoles },
    ...(user.groups.length === 0 ? {} : { user_groups: user.groups }),
  };
}

/** The same for a service's own token. */
export function serviceTokenClaims(clientId: string): Record<string, unknown> {
  return {
    sub: SERVICE_ACCOUNT,
    typ: 'Bearer',
    azp: clientId,
    preferred_username: `service-account-${clientId}`,
    realm_access: { roles: [] },
  };
}

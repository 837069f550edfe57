import type { Account } from './accounts.ts';

/** The service account of the machine-to-machine client: Keycloak gives each one a user id, too. */
const SERVICE_ACCOUNT = 'b0000000-0000-4000-8000-0000000000ff';

/** A person's claims, as Keycloak's default scopes put it into ID tokens, access tokens and userinfo. */
export function profileClaims(account: Account): Record<string, unknown> {
  return {
    name: `${account.firstName} ${account.lastName}`,
    preferred_username: account.username,
    given_name: account.firstName,
    family_name: account.lastName,
    email: account.email,
    email_verified: account.isEmailVerified,
    ...(account.groups.length === 0 ? {} : { user_groups: account.groups }),
  };
}

/** The names of the above, all given with the scope `openid`: pages ask for no other. */
export const PROFILE_CLAIMS = [
  'name',
  'preferred_username',
  'given_name',
  'family_name',
  'email',
  'email_verified',
  'user_groups',
];

/** What Keycloak writes into a person's access token beside the standard claims (contract section 5). */
export function accessTokenClaims(
  account: Account,
  clientId: string,
  sid: string | undefined,
): Record<string, unknown> {
  return {
    typ: 'Bearer',
    azp: clientId,
    ...(sid === undefined ? {} : { sid }),
    realm_access: { roles: account.realmRoles },
    ...profileClaims(account),
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

import type { Account } from './accounts.ts';

/** User id of the machine-to-machine client; Keycloak gives clients a user id too. */
const SERVICE_ACCOUNT = 'b0000000-0000-4000-8000-0000000000ff';

/** A user's claims in ID tokens, access tokens and userinfo, as with Keycloak's default scopes. */
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

/** The names of these claims. All of them are in the scope `openid`, the only one that pages request. */
export const PROFILE_CLAIMS = [
  'name',
  'preferred_username',
  'given_name',
  'family_name',
  'email',
  'email_verified',
  'user_groups',
];

/** Keycloak's claims in a user's access token, in addition to the standard ones (contract section 5). */
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

/** Keycloak's claims in the access token of a service. */
export function serviceTokenClaims(clientId: string): Record<string, unknown> {
  return {
    sub: SERVICE_ACCOUNT,
    typ: 'Bearer',
    azp: clientId,
    client_id: clientId,
    preferred_username: `service-account-${clientId}`,
    realm_access: { roles: [] },
  };
}

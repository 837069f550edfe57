import type { JWTHeaderParameters, JWTPayload } from 'jose';
import { instant, MS_PER_SECOND } from '../../kernel/clock.ts';
import { as, toUuid, type UserId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';

/** In a list of names: every one. */
export const ANY = '*';

/** Whose tokens this service accepts. */
export interface Trust {
  /** The client of this service itself, which only gets tokens for machines. */
  readonly serviceClient: string;
  /** Clients (`azp` or `client_id`) whose tokens are accepted, beside the service's own; `*`: every client. */
  readonly clients: readonly string[];
  /**
   * Audiences of which a token must name one; `*`: any. Undefined: a token that names audiences must name Keycloak's
   * `account` or an accepted client. The service's own tokens are not asked for theirs.
   */
  readonly audiences: readonly string[] | undefined;
}

/** The clients of the platform (contract sections 5 and 11). */
export const PLATFORM: Trust = {
  serviceClient: 'ticket-service-client',
  clients: ['web-frontend', 'login-testing'],
  audiences: undefined,
};

/** Why a token of the issuer is refused: its kind, its user, or the client or audience that was found. */
export type Refusal =
  | { readonly reason: 'kind' | 'user' }
  | { readonly reason: 'client' | 'audience'; readonly found: string };

const ADMIN_GROUP = '/Permissions/Users/System Admins';
/** Keycloak's audience for the account page that every user has. */
const ACCOUNT_AUDIENCE = 'account';
/** The scope of the platform's services (contract section 5). */
const SERVICE_SCOPE = 'internal-api';
/** RFC 9068 section 2.1, and what most issuers write. Other types name other tokens, such as `logout+jwt`. */
const HEADER_TYPES = ['at+jwt', 'jwt'];
/** Claims of ID tokens (OpenID Connect Core 2 and 3.3.2.11). */
const ID_TOKEN_CLAIMS = ['nonce', 'at_hash', 'c_hash', 's_hash'];

/** The caller of a token whose signature, issuer and times are right, or why it is no access token for this service. */
export function principalIn(header: JWTHeaderParameters, claims: JWTPayload, trust: Trust): Principal | Refusal {
  const refusal = refusalOf(header, claims, trust);
  if (refusal) return refusal;
  const userId = toUuid(claims.sub ?? '');
  if (userId === undefined) return { reason: 'user' };
  return {
    userId: as<UserId>(userId),
    isAdmin: Array.isArray(claims.user_groups) && claims.user_groups.includes(ADMIN_GROUP),
    scopes: scopesOf(claims),
    expiresAt: instant((claims.exp ?? 0) * MS_PER_SECOND),
    ...(isOfMachine(claims, trust) ? { isMachine: true as const } : {}),
  };
}

function refusalOf(header: JWTHeaderParameters, claims: JWTPayload, trust: Trust): Refusal | undefined {
  const { serviceClient, clients, audiences } = trust;
  const ofClients = clientsOf(claims);
  const named = [claims.aud ?? []].flat();
  const isAnyClient = clients.includes(ANY);
  const isKnownClient = (name: string) => name === serviceClient || clients.includes(name);
  const isOursAlone = ofClients.length > 0 && ofClients.every((name) => name === serviceClient);
  const namesUs = audiences?.some((audience) => audience !== ANY && named.includes(audience)) ?? false;
  const isForUs = audiences && (namesUs || audiences.includes(ANY));

  if (!isAccessToken(header, claims, isKnownClient)) return { reason: 'kind' };
  const stranger = ofClients.find((name) => !isKnownClient(name));
  if (stranger !== undefined && !isAnyClient) return { reason: 'client', found: stranger };
  // Without a client and a type, only an audience that the configuration names shows that the token is for this API.
  if (ofClients.length === 0 && !isMarked(header, claims) && !namesUs) return { reason: 'kind' };
  // The audience of this service's own token is the servers that it calls.
  if (isOursAlone) return undefined;
  const isExpected =
    isForUs ?? (named.length === 0 || named.some((name) => name === ACCOUNT_AUDIENCE || isKnownClient(name)));
  return isExpected ? undefined : { reason: 'audience', found: named.join(' ') };
}

/** Whether the token is an access token, and not an ID, refresh or logout token. */
function isAccessToken(
  header: JWTHeaderParameters,
  claims: JWTPayload,
  isKnownClient: (name: string) => boolean,
): boolean {
  const headerType = typeOf(header);
  if (headerType !== undefined && !HEADER_TYPES.includes(headerType)) return false;
  // Keycloak writes `Bearer`, `ID`, `Refresh`, `Offline` or `Logout` here.
  if (claims.typ !== undefined && claims.typ !== 'Bearer') return false;
  // A security event, such as a logout token, says what has happened: RFC 8417 section 2.2.
  if (claims.events !== undefined) return false;
  if (isMarked(header, claims)) return true;
  // The audience of an ID token is the client that asked for it; that of an access token is an API.
  const ofClients = clientsOf(claims);
  const isForClient = [claims.aud ?? []].flat().some((name) => ofClients.includes(name) || isKnownClient(name));
  return !isForClient && !ID_TOKEN_CLAIMS.some((name) => name in claims);
}

/** Whether the issuer says that this is an access token. */
function isMarked(header: JWTHeaderParameters, claims: JWTPayload): boolean {
  return claims.typ === 'Bearer' || typeOf(header) === 'at+jwt';
}

/** RFC 7515 section 4.1.9: without regard to case, and `application/` may be left out. */
function typeOf({ typ }: JWTHeaderParameters): string | undefined {
  return typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : undefined;
}

/** The clients that the token names: `azp` in Keycloak's tokens, `client_id` in those of RFC 9068. */
function clientsOf({ azp, client_id: clientId }: JWTPayload): string[] {
  return [azp, clientId].filter((name) => name !== undefined).map(String);
}

/** Whether the token stands for a service and not for a user: it comes from the client credentials grant. */
function isOfMachine(claims: JWTPayload, { serviceClient }: Trust): boolean {
  const { sub, preferred_username: name, typ, sid, client_id: clientId, clientId: olderClientId } = claims;
  const scopes = scopesOf(claims);
  // Keycloak writes the client's id into the tokens of services alone, and gives a session to those of users alone.
  const isKeycloakService = typ === 'Bearer' && sid === undefined && (clientId ?? olderClientId) !== undefined;
  return (
    clientsOf(claims).includes(serviceClient) ||
    // RFC 9068 section 2.2: without a user, the subject is the client.
    (sub !== undefined && clientsOf(claims).includes(sub)) ||
    (typeof name === 'string' && name.startsWith('service-account-')) ||
    (scopes.includes(SERVICE_SCOPE) && !scopes.includes('openid')) ||
    isKeycloakService
  );
}

function scopesOf({ scope }: JWTPayload): string[] {
  return typeof scope === 'string' ? scope.split(' ') : [];
}

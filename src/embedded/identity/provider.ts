import { randomBytes } from 'node:crypto';
import type Provider from 'oidc-provider';
import type { Adapter, Configuration, KoaContextWithOIDC, TokenEndpointGrantContext } from 'oidc-provider';
import type { Accounts } from './accounts.ts';
import { accessTokenClaims, PROFILE_CLAIMS, profileClaims, serviceTokenClaims } from './claims.ts';
import { allowAnyPath, type Clients, clientMetadata } from './clients.ts';
import { confirmSignOutPage, errorPage, SUBMIT_HASH, signedOutPage, signOutAtOncePage } from './pages.ts';
import { writeRefreshTokensAsJwt } from './refresh-tokens.ts';
import type { SigningKeys } from './signing-keys.ts';
import { createIdentityStore } from './store.ts';
import type { WebOrigins } from './web-origins.ts';

type OidcProvider = typeof import('oidc-provider');

const PERSON_TOKEN_S = 3_600;
const SERVICE_TOKEN_S = 300;
const SESSION_S = 86_400;
const CODE_S = 60;
const INTERACTION_S = 3_600;
const KEY_BYTES = 64;
const SCOPES = ['openid', 'profile', 'email', 'offline_access', 'internal-api'];
const PERSON_SCOPES = 'openid profile email offline_access';
/** Keycloak's audience for its account service. It is not checked here. */
const AUDIENCE = 'account';
const RESOURCE = 'urn:ms-ticketing:api';
/** Keycloak's paths, below the realm. */
export const OPENID_PATH = '/protocol/openid-connect';
/** Parameter of a sign-in that begins with the sign-up form. */
export const SIGN_UP_PARAM = 'sign_up';

/** The provider with Keycloak's paths, the realm's clients and the password grant. */
export function createProvider(
  library: OidcProvider,
  issuer: string,
  keys: SigningKeys,
  accounts: Accounts,
  clients: Clients,
): Provider {
  const provider = new library.Provider(issuer, {
    ...fixedConfiguration(issuer),
    ...accountConfiguration(accounts),
    ...clientConfiguration(clients),
    jwks: keys as NonNullable<Configuration['jwks']>,
  });
  allowAnyPath(provider, clients.webOrigins);
  writeRefreshTokensAsJwt(provider, randomBytes(KEY_BYTES));
  describeSessions(provider, clients.webOrigins);
  provider.registerGrantType<PasswordGrant>('password', (ctx) => passwordGrant(library, provider, accounts, ctx), [
    'username',
    'password',
    'scope',
  ]);
  return provider;
}

/** Paths, lifetimes and pages of every realm. */
function fixedConfiguration(issuer: string): Configuration {
  return {
    cookies: { keys: [randomBytes(KEY_BYTES).toString('base64')] },
    scopes: SCOPES,
    claims: { openid: ['sub', 'typ', 'azp', ...PROFILE_CLAIMS] },
    clientAuthMethods: ['none', 'client_secret_post', 'client_secret_basic'],
    extraParams: [SIGN_UP_PARAM],
    discovery: { check_session_iframe: `${issuer}${OPENID_PATH}/login-status-iframe.html` },
    routes: {
      authorization: `${OPENID_PATH}/auth`,
      token: `${OPENID_PATH}/token`,
      jwks: `${OPENID_PATH}/certs`,
      userinfo: `${OPENID_PATH}/userinfo`,
      end_session: `${OPENID_PATH}/logout`,
    },
    ttl: {
      AccessToken: PERSON_TOKEN_S,
      ClientCredentials: SERVICE_TOKEN_S,
      AuthorizationCode: CODE_S,
      IdToken: PERSON_TOKEN_S,
      Interaction: INTERACTION_S,
      RefreshToken: SESSION_S,
      Session: SESSION_S,
      Grant: SESSION_S,
    },
    pkce: { required: () => true },
    loadExistingGrant: grantWithoutConsent,
    interactions: { url: (_ctx, interaction) => `${new URL(issuer).pathname}/interaction/${interaction.uid}` },
    renderError: (ctx, { error, error_description: description }) => {
      ctx.type = 'html';
      ctx.body = errorPage(description ?? error);
    },
  };
}

/** The claims of accounts and services. */
function accountConfiguration(accounts: Accounts): Configuration {
  return {
    findAccount(ctx, sub) {
      const account = accounts.bySub(sub);
      if (!account) return undefined;
      const idToken = { typ: 'ID', azp: ctx.oidc.client?.clientId };
      return {
        accountId: sub,
        claims: (use) => ({ sub, ...profileClaims(account), ...(use === 'id_token' ? idToken : {}) }),
      };
    },
    extraTokenClaims(_ctx, token) {
      if (!('accountId' in token)) return undefined;
      const account = accounts.bySub(token.accountId);
      return account && accessTokenClaims(account, token.clientId ?? '', token.sid);
    },
    formats: {
      customizers: {
        jwt: (_ctx, token, parts) => {
          if (!('accountId' in token)) Object.assign(parts.payload, serviceTokenClaims(token.clientId ?? ''));
          // In Keycloak's tokens this claim marks a service; the client of a user's token is in `azp`.
          else delete parts.payload.client_id;
        },
      },
    },
  };
}

/** The clients, their origins, and the tokens they get. */
function clientConfiguration(clients: Clients): Configuration {
  return {
    adapter: createAdapter(clients),
    clientBasedCORS: (_ctx, origin) => clients.webOrigins.includes(origin),
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      rpInitiatedLogout: { enabled: true, logoutSource, postLogoutSuccessSource },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, _resource, client) => resourceServer(client.clientId, clients),
      },
    },
  };
}

/** Adds Keycloak's fields to token answers, and removes the library's CORS headers for origins that are not listed. */
function describeSessions(provider: Provider, webOrigins: WebOrigins): void {
  provider.use(async (ctx: KoaContextWithOIDC, next) => {
    await next();
    if (!webOrigins.includes(ctx.get('origin') || undefined)) {
      for (const name of ['allow-origin', 'expose-headers']) ctx.remove(`access-control-${name}`);
    }
    const token = 'oidc' in ctx && ctx.oidc.route === 'token' ? ctx.oidc.entities.AccessToken : undefined;
    if (!token?.sid || typeof ctx.body !== 'object') return;
    ctx.body = { ...ctx.body, session_state: token.sid, refresh_expires_in: SESSION_S, 'not-before-policy': 0 };
  });
}

/** Signs out without a question if the page sent the ID token of the signed-in user. */
function logoutSource(ctx: KoaContextWithOIDC, form: string): void {
  const { session, entities } = ctx.oidc;
  const isAskedFor = entities.IdTokenHint?.payload.sub === session?.accountId;
  if (!isAskedFor) {
    ctx.body = confirmSignOutPage(form);
    return;
  }
  const policy = ctx.response.get('content-security-policy');
  ctx.set('content-security-policy', policy.replace('script-src', `script-src ${SUBMIT_HASH}`));
  ctx.body = signOutAtOncePage(form);
}

function postLogoutSuccessSource(ctx: KoaContextWithOIDC): void {
  ctx.type = 'html';
  ctx.body = signedOutPage();
}

function resourceServer(clientId: string, { serviceClient }: Clients) {
  const isService = clientId === serviceClient.id;
  return {
    scope: isService ? SCOPES.join(' ') : PERSON_SCOPES,
    audience: AUDIENCE,
    accessTokenTTL: isService ? SERVICE_TOKEN_S : PERSON_TOKEN_S,
    accessTokenFormat: 'jwt' as const,
    jwt: { sign: { alg: 'RS256' as const } },
  };
}

/** Clients are found through the store, because the service's client may authenticate in two ways, as in Keycloak. */
function createAdapter(clients: Clients): (model: string) => Adapter {
  const store = createIdentityStore();
  return (model) => {
    if (model !== 'Client') return store(model);
    return { ...store(model), find: async (id) => clientMetadata(id, clients) };
  };
}

/** Grants access without a consent page, because the realm's own pages are the only clients. */
async function grantWithoutConsent(ctx: KoaContextWithOIDC) {
  const { client, session, provider } = ctx.oidc;
  if (!client || !session?.accountId) return undefined;
  const known = session.grantIdFor(client.clientId);
  const grant =
    (known && (await provider.Grant.find(known))) ||
    new provider.Grant({ accountId: session.accountId, clientId: client.clientId });
  grant.addOIDCScope(PERSON_SCOPES);
  grant.addResourceScope(RESOURCE, PERSON_SCOPES);
  await grant.save();
  return grant;
}

interface PasswordGrant {
  username?: string;
  password?: string;
  scope?: string;
}

/** RFC 6749 section 4.3, for tests and benchmarks: Keycloak's "direct access grants". */
async function passwordGrant(
  { errors }: OidcProvider,
  provider: Provider,
  accounts: Accounts,
  ctx: TokenEndpointGrantContext<PasswordGrant>,
): Promise<void> {
  const { client, params } = ctx.oidc;
  const user = await accounts.authenticate(params.username ?? '', params.password ?? '');
  if (user === 'busy') throw new errors.TemporarilyUnavailable('too many sign-ins at this moment; try again');
  if (!user) throw new errors.InvalidGrant('Invalid user credentials');
  const grant = new provider.Grant({ accountId: user.sub, clientId: client.clientId });
  grant.addResourceScope(RESOURCE, PERSON_SCOPES);
  const grantId = await grant.save();
  const session = new provider.Session();
  session.accountId = user.sub;
  await session.save(SESSION_S);
  const wanted = new Set((params.scope ?? 'openid').split(' '));
  const scope = PERSON_SCOPES.split(' ')
    .filter((name) => wanted.has(name))
    .join(' ');
  const by = { accountId: user.sub, sid: session.uid };
  const token = new provider.AccessToken({ ...by, client, grantId, gty: 'password', scope });
  token.resourceServer = new provider.ResourceServer(RESOURCE, {
    scope: PERSON_SCOPES,
    audience: AUDIENCE,
    accessTokenTTL: PERSON_TOKEN_S,
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: 'RS256' } },
  });
  ctx.oidc.entity('AccessToken', token);
  ctx.body = { access_token: await token.save(), expires_in: PERSON_TOKEN_S, token_type: 'Bearer', scope };
}

import { randomBytes } from 'node:crypto';
import type Provider from 'oidc-provider';
import type { Adapter, Configuration, KoaContextWithOIDC, TokenEndpointGrantContext } from 'oidc-provider';
import type { Accounts } from './accounts.ts';
import { accessTokenClaims, PROFILE_CLAIMS, profileClaims, serviceTokenClaims } from './claims.ts';
import { allowAnyPath, type ClientsOptions, clientMetadata } from './clients.ts';
import { confirmSignOutPage, errorPage, SUBMIT_HASH, signedOutPage, signOutAtOncePage } from './pages.ts';
import { writeRefreshTokensAsJwt } from './refresh-tokens.ts';
import type { SigningKeys } from './signing-keys.ts';
import { createIdentityStore } from './store.ts';

type OidcProvider = typeof import('oidc-provider');

export interface ProviderOptions extends ClientsOptions {
  readonly issuer: string;
  readonly keys: SigningKeys;
  readonly accounts: Accounts;
}

const PERSON_TOKEN_S = 3_600;
const SERVICE_TOKEN_S = 300;
const SESSION_S = 86_400;
const CODE_S = 60;
const INTERACTION_S = 3_600;
const KEY_BYTES = 64;
const SCOPES = ['openid', 'profile', 'email', 'offline_access', 'internal-api'];
const PERSON_SCOPES = 'openid profile email offline_access';
/** Keycloak's name for the audience of its own account service; nothing here checks it. */
const AUDIENCE = 'account';
const RESOURCE = 'urn:ms-ticketing:api';
/** Keycloak's paths, below the realm. */
export const OPENID_PATH = '/protocol/openid-connect';
/** Says that a sign-in begins with the sign-up form. */
export const SIGN_UP_PARAM = 'sign_up';

/** The provider with Keycloak's paths, the realm's clients and the password grant. */
export function createProvider(library: OidcProvider, options: ProviderOptions): Provider {
  const provider = new library.Provider(options.issuer, configurationOf(options));
  allowAnyPath(provider, options.webOrigins);
  writeRefreshTokensAsJwt(provider, randomBytes(KEY_BYTES));
  describeSessions(provider, options);
  provider.registerGrantType<PasswordGrant>(
    'password',
    (ctx) => passwordGrant(library, provider, options.accounts, ctx),
    ['username', 'password', 'scope'],
  );
  return provider;
}

function configurationOf(options: ProviderOptions): Configuration {
  const { accounts, issuer } = options;
  return {
    adapter: createAdapter(options),
    jwks: options.keys as NonNullable<Configuration['jwks']>,
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
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      rpInitiatedLogout: { enabled: true, logoutSource, postLogoutSuccessSource },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, _resource, client) => resourceServer(client.clientId, options),
      },
    },
    pkce: { required: () => true },
    clientBasedCORS: (_ctx, origin) => options.webOrigins.includes(origin),
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    findAccount(ctx, sub) {
      const account = accounts.bySub(sub);
      if (!account) return undefined;
      const idToken = { typ: 'ID', azp: ctx.oidc.client?.clientId };
      return {
        accountId: sub,
        claims: (use) => ({ sub, ...profileClaims(account), ...(use === 'id_token' ? idToken : {}) }),
      };
    },
    loadExistingGrant: grantWithoutAsking,
    interactions: {
      url: (_ctx, interaction) => `${new URL(issuer).pathname}/interaction/${interaction.uid}`,
    },
    renderError: (ctx, { error, error_description: description }) => {
      ctx.type = 'html';
      ctx.body = errorPage(description ?? error);
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
        },
      },
    },
  };
}

/** Adds what Keycloak says beside the tokens, and takes back what the library allows pages of any other origin. */
function describeSessions(provider: Provider, { webOrigins }: ProviderOptions): void {
  provider.use(async (ctx: KoaContextWithOIDC, next) => {
    await next();
    if (!webOrigins.includes(ctx.get('origin') || undefined)) {
      for (const name of ['allow-origin', 'expose-headers']) ctx.remove(`access-control-${name}`);
    }
    const token = 'oidc' in ctx && ctx.oidc.route === 'token' ? ctx.oidc.entities.AccessToken : undefined;
    if (!token?.sid || typeof ctx.body !== 'object') return;
    ctx.body = {
      ...ctx.body,
      session_state: token.sid,
      refresh_expires_in: SESSION_S,
      'not-before-policy': 0,
    };
  });
}

/** A page that shows the ID token of the person who is signed in has asked for their sign-out: no further question. */
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

function resourceServer(clientId: string, { serviceClient }: ProviderOptions) {
  const isService = clientId === serviceClient.id;
  return {
    scope: isService ? SCOPES.join(' ') : PERSON_SCOPES,
    audience: AUDIENCE,
    accessTokenTTL: isService ? SERVICE_TOKEN_S : PERSON_TOKEN_S,
    accessTokenFormat: 'jwt' as const,
    jwt: { sign: { alg: 'RS256' as const } },
  };
}

/** Clients come through the store, because the service's may authenticate either way, as in Keycloak. */
function createAdapter(options: ProviderOptions): (model: string) => Adapter {
  const store = createIdentityStore();
  return (model) => {
    if (model !== 'Client') return store(model);
    return { ...store(model), find: async (id) => clientMetadata(id, options) };
  };
}

/** Nobody is asked to consent: the realm's own pages are the only clients. */
async function grantWithoutAsking(ctx: KoaContextWithOIDC) {
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

/** RFC 6749 section 4.3, for tests and load: Keycloak's "direct access grants". */
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
  const wanted = new Set((params.scope ?? 'openid').split(' '));
  const scope = PERSON_SCOPES.split(' ')
    .filter((name) => wanted.has(name))
    .join(' ');
  const token = new provider.AccessToken({ accountId: user.sub, client, grantId, gty: 'password', scope });
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

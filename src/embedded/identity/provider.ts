import type { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import type Provider from 'oidc-provider';
import type {
  Adapter,
  ClientMetadata,
  Configuration,
  KoaContextWithOIDC,
  TokenEndpointGrantContext,
} from 'oidc-provider';
import { accessTokenClaims, authenticate, serviceTokenClaims, userBySub } from './claims.ts';
import { errorPage } from './login-page.ts';
import type { SigningKeys } from './signing-keys.ts';
import { createIdentityStore } from './store.ts';

type OidcProvider = typeof import('oidc-provider');

export interface ProviderOptions {
  readonly issuer: string;
  readonly keys: SigningKeys;
  readonly serviceClient: { readonly id: string; readonly secret: string };
  readonly redirectUris: readonly string[];
  /** Whether the request under way authenticates its client with a Basic header. */
  readonly usesBasic: AsyncLocalStorage<boolean>;
}

const PERSON_TOKEN_S = 3_600;
const SERVICE_TOKEN_S = 300;
const SESSION_S = 86_400;
const CODE_S = 60;
const INTERACTION_S = 3_600;
const COOKIE_KEY_BYTES = 32;
const SCOPES = ['openid', 'profile', 'email', 'offline_access', 'internal-api'];
const PERSON_SCOPES = 'openid profile email offline_access';
/** Keycloak's name for the audience of its own account service; nothing here checks it. */
const AUDIENCE = 'account';
const RESOURCE = 'urn:ms-ticketing:api';
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** The provider with Keycloak's paths, the realm's clients and the password grant. */
export function createProvider(library: OidcProvider, options: ProviderOptions): Provider {
  const provider = new library.Provider(options.issuer, configurationOf(options));
  allowLoopbackRedirects(provider);
  provider.registerGrantType<{ username?: string; password?: string; scope?: string }>(
    'password',
    (ctx) => passwordGrant(library, provider, ctx),
    ['username', 'password', 'scope'],
  );
  return provider;
}

function configurationOf(options: ProviderOptions): Configuration {
  const path = '/protocol/openid-connect';
  return {
    adapter: createAdapter(options),
    jwks: options.keys as NonNullable<Configuration['jwks']>,
    cookies: { keys: [randomBytes(COOKIE_KEY_BYTES).toString('base64')] },
    scopes: SCOPES,
    claims: { profile: ['preferred_username'] },
    clientAuthMethods: ['none', 'client_secret_post', 'client_secret_basic'],
    routes: {
      authorization: `${path}/auth`,
      token: `${path}/token`,
      jwks: `${path}/certs`,
      userinfo: `${path}/userinfo`,
      end_session: `${path}/logout`,
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
      rpInitiatedLogout: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, _resource, client) => resourceServer(client.clientId, options),
      },
    },
    pkce: { required: () => true },
    clientBasedCORS: () => true,
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    findAccount: (_ctx, sub) => {
      const user = userBySub(sub);
      return user && { accountId: sub, claims: () => ({ sub, preferred_username: user.username }) };
    },
    loadExistingGrant: grantWithoutAsking,
    interactions: {
      url: (_ctx, interaction) => `${new URL(options.issuer).pathname}/interaction/${interaction.uid}`,
    },
    renderError: (ctx, { error, error_description: description }) => {
      ctx.type = 'html';
      ctx.body = errorPage(description ?? error);
    },
    extraTokenClaims: (_ctx, token) => {
      const user = 'accountId' in token ? userBySub(token.accountId) : undefined;
      return user && accessTokenClaims(user, token.clientId ?? '');
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

function clientMetadata(id: string, options: ProviderOptions): ClientMetadata | undefined {
  const { serviceClient, redirectUris, usesBasic } = options;
  if (id === 'web-frontend') {
    return {
      client_id: id,
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: ['http://localhost/', ...redirectUris],
      post_logout_redirect_uris: ['http://localhost/'],
    };
  }
  if (id === 'login-testing') {
    return {
      client_id: id,
      token_endpoint_auth_method: 'none',
      grant_types: ['password'],
      response_types: [],
      redirect_uris: [],
    };
  }
  if (id !== serviceClient.id) return undefined;
  return {
    client_id: id,
    client_secret: serviceClient.secret,
    token_endpoint_auth_method: usesBasic.getStore() ? 'client_secret_basic' : 'client_secret_post',
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    scope: 'internal-api',
  };
}

/** A page in development runs on any port of this machine. */
function allowLoopbackRedirects(provider: Provider): void {
  const { prototype } = provider.Client;
  const registered = prototype.redirectUriAllowed;
  const isLoopback = (uri: string) => URL.canParse(uri) && LOOPBACK.has(new URL(uri).hostname);
  prototype.redirectUriAllowed = function (uri: string) {
    return isLoopback(uri) || registered.call(this, uri);
  };
  prototype.postLogoutRedirectUriAllowed = isLoopback;
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

/** RFC 6749 section 4.3, for tests and load: Keycloak's "direct access grants". */
async function passwordGrant(
  { errors }: OidcProvider,
  provider: Provider,
  ctx: TokenEndpointGrantContext<{ username?: string; password?: string; scope?: string }>,
): Promise<void> {
  const { client, params } = ctx.oidc;
  const user = authenticate(params.username ?? '', params.password ?? '');
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

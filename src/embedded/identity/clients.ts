import type { AsyncLocalStorage } from 'node:async_hooks';
import type Provider from 'oidc-provider';
import type { ClientMetadata } from 'oidc-provider';
import type { WebOrigins } from './web-origins.ts';

/** The client of the platform's pages. */
export const WEB_CLIENT = 'web-frontend';
/** The client of tests and benchmarks, which signs in with a password. */
const PASSWORD_CLIENT = 'login-testing';

/** The clients of the realm. */
export interface Clients {
  readonly serviceClient: { readonly id: string; readonly secret: string };
  readonly webOrigins: WebOrigins;
  /** Whether the current request authenticates its client with a Basic header. */
  readonly usesBasic: AsyncLocalStorage<boolean>;
}

/** The metadata of a client; undefined when it does not exist. */
export function clientMetadata(
  id: string,
  { serviceClient, webOrigins, usesBasic }: Clients,
): ClientMetadata | undefined {
  if (id === WEB_CLIENT) {
    const addresses = webOrigins.list.map((origin) => `${origin}/`);
    return {
      client_id: id,
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: addresses,
      post_logout_redirect_uris: addresses,
    };
  }
  if (id === PASSWORD_CLIENT) {
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

/** Allows clients with redirects any path of the listed origins, as `/*` does in Keycloak. */
export function allowAnyPath(provider: Provider, webOrigins: WebOrigins): void {
  const { prototype } = provider.Client;
  prototype.redirectUriAllowed = function (address: string) {
    return (this.redirectUris ?? []).length > 0 && webOrigins.allowsRedirectTo(address);
  };
  prototype.postLogoutRedirectUriAllowed = function (address: string) {
    return (this.postLogoutRedirectUris ?? []).length > 0 && webOrigins.allowsRedirectTo(address);
  };
}

import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import type Provider from 'oidc-provider';
import { authenticate } from './claims.ts';
import { loginPage } from './login-page.ts';
import { createProvider } from './provider.ts';
import { readOrCreateSigningKeys } from './signing-keys.ts';

export interface EmbeddedIdentityOptions {
  /** `iss` of the tokens; its path is where the provider is mounted. */
  readonly issuer: string;
  readonly dataDir: string;
  readonly serviceClient: { readonly id: string; readonly secret: string };
  /** Where `web-frontend` may be sent back to, beside every port of this machine. */
  readonly redirectUris: readonly string[];
}

/** The identity provider that stands in for a Keycloak realm, at Keycloak's paths. */
export interface EmbeddedIdentity {
  readonly plugin: FastifyPluginAsync;
}

const UNAUTHORIZED = 401;
const BAD_REQUEST = 400;

/** Makes the provider. Throws when `oidc-provider`, an optional dependency, is not installed. */
export async function createEmbeddedIdentity(options: EmbeddedIdentityOptions): Promise<EmbeddedIdentity> {
  const library = await loadLibrary();
  const keys = await readOrCreateSigningKeys(options.dataDir);
  const usesBasic = new AsyncLocalStorage<boolean>();
  const provider = createProvider(library, { ...options, keys, usesBasic });
  const mount = new URL(options.issuer).pathname;
  return {
    async plugin(scope) {
      // The provider reads its bodies itself, but for the login form, which is ours.
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
      loginRoutes(scope, provider, mount);
      const handle = provider.callback();
      scope.all(`${mount}/*`, { schema: { hide: true } }, (request, reply) => {
        reply.hijack();
        const basic = request.headers.authorization?.startsWith('Basic ') ?? false;
        return usesBasic.run(basic, () => handle(below(mount, request.raw), reply.raw));
      });
    },
  };
}

async function loadLibrary(): Promise<typeof import('oidc-provider')> {
  // On a Node that is not LTS yet the library warns at its import; what it says is no news to who chose that Node.
  const { warn } = console;
  console.warn = () => undefined;
  try {
    return await import('oidc-provider');
  } catch (error) {
    throw new Error('The embedded identity provider is not installed. Set OIDC_ISSUER to a Keycloak realm.', {
      cause: error,
    });
  } finally {
    console.warn = warn;
  }
}

/** The request as the provider knows it: its own path, and the whole one beside it for the links it makes. */
function below(mount: string, request: IncomingMessage): IncomingMessage {
  const whole = request.url ?? '/';
  return Object.assign(request, { originalUrl: whole, url: whole.slice(mount.length) });
}

function loginRoutes(scope: FastifyInstance, provider: Provider, mount: string): void {
  const path = `${mount}/interaction/:uid`;
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  };

  scope.get(path, { schema: { hide: true } }, async (request, reply) => {
    try {
      await provider.interactionDetails(request.raw, reply.raw);
    } catch {
      return reply
        .code(BAD_REQUEST)
        .headers(headers)
        .send(loginPage('', 'This sign-in has ended. Start again.'));
    }
    return reply.headers(headers).send(loginPage('', undefined));
  });

  scope.register(async (form) => {
    form.removeAllContentTypeParsers();
    form.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string' },
      (_request, body, done) => done(null, new URLSearchParams(body.toString())),
    );
    form.post(path, { schema: { hide: true } }, async (request, reply) => {
      const fields = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
      const username = fields.get('username') ?? '';
      const user = authenticate(username, fields.get('password') ?? '');
      if (!user) {
        return reply
          .code(UNAUTHORIZED)
          .headers(headers)
          .send(loginPage(username, 'User name or password is wrong.'));
      }
      reply.hijack();
      const result = { login: { accountId: user.sub } };
      return provider.interactionFinished(request.raw, reply.raw, result, { mergeWithLastSubmission: false });
    });
  });
}

import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import type { IdSource } from '../../kernel/ids.ts';
import { accountRoutes } from './account.routes.ts';
import { openAccounts } from './accounts.ts';
import { acceptForms, formOf } from './forms.ts';
import { frameRoutes } from './frame.routes.ts';
import { protect } from './headers.ts';
import { interactionRoutes } from './interaction.routes.ts';
import { STYLE_HASH } from './pages.ts';
import { createProvider, OPENID_PATH, SIGN_UP_PARAM } from './provider.ts';
import { followSessions } from './sessions.ts';
import { readOrCreateSigningKeys } from './signing-keys.ts';
import { webOriginsOf } from './web-origins.ts';

/** The stand-in for a Keycloak realm, at Keycloak's paths. */
export interface EmbeddedIdentity {
  readonly plugin: FastifyPluginAsync;
  close(): Promise<void>;
}

const MAX_ACCOUNTS = 1_000;
const SEE_OTHER = 303;

/** Creates the provider. Throws when `oidc-provider`, an optional dependency, is not installed. */
export async function createEmbeddedIdentity(needs: {
  /** `iss` of the tokens; the provider is mounted at its path. */
  readonly issuer: string;
  readonly dataDir: string;
  readonly serviceClient: { readonly id: string; readonly secret: string };
  /** Origins of pages, in addition to the issuer's: they may call the provider, and sign-in and sign-out return to them. */
  readonly webOrigins: readonly string[];
  readonly ids: IdSource;
  /** Maximum number of users who sign up. */
  readonly maxAccounts?: number;
}): Promise<EmbeddedIdentity> {
  const { issuer, dataDir, serviceClient, ids, maxAccounts = MAX_ACCOUNTS } = needs;
  const library = await loadLibrary();
  const keys = await readOrCreateSigningKeys(dataDir);
  const accounts = await openAccounts(dataDir, ids, maxAccounts);
  const webOrigins = webOriginsOf([...needs.webOrigins, new URL(issuer).origin]);
  const usesBasic = new AsyncLocalStorage<boolean>();
  const provider = createProvider(library, issuer, keys, accounts, { serviceClient, webOrigins, usesBasic });
  const mount = new URL(issuer).pathname;
  const site = { sessions: followSessions(provider), webOrigins, mount };
  return {
    async plugin(scope) {
      // The provider parses its own bodies; our forms have their own parser.
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
      // The description of the API leaves these routes out.
      scope.addHook('onRoute', (route) => {
        route.schema = { hide: true };
      });
      protect(scope, webOrigins, STYLE_HASH);
      interactionRoutes(scope, provider, accounts, mount);
      frameRoutes(scope, provider, site);
      accountRoutes(scope, provider, accounts, keys, site);
      postedLogout(scope, mount);
      const handle = provider.callback();
      scope.get(`${mount}${OPENID_PATH}/registrations`, (request, reply) => {
        reply.hijack();
        request.raw.url = asSignUp(request.url, mount);
        return handle(below(mount, request.raw), reply.raw);
      });
      scope.all(`${mount}/*`, (request, reply) => {
        reply.hijack();
        const basic = request.headers.authorization?.startsWith('Basic ') ?? false;
        return usesBasic.run(basic, () => handle(below(mount, request.raw), reply.raw));
      });
    },
    close: () => accounts.close(),
  };
}

async function loadLibrary(): Promise<typeof import('oidc-provider')> {
  // The library warns on a Node.js version that is not LTS, which is chosen deliberately here.
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

/** Prepares a request for the provider: its path below the mount, and the whole path for the links it creates. */
function below(mount: string, request: IncomingMessage): IncomingMessage {
  const whole = request.url ?? '/';
  return Object.assign(request, { originalUrl: whole, url: whole.slice(mount.length) });
}

/** Converts a sign-up request to a sign-in request that shows the sign-up form first, also to a user who is signed in. */
function asSignUp(url: string, mount: string): string {
  const query = new URLSearchParams(url.split('?').slice(1).join('?'));
  query.set('prompt', 'login');
  query.set(SIGN_UP_PARAM, '1');
  return `${mount}${OPENID_PATH}/auth?${query}`;
}

/** keycloak-js may post a sign-out request, which the library accepts only as a link. */
function postedLogout(scope: FastifyInstance, mount: string): void {
  const path = `${mount}${OPENID_PATH}/logout`;
  scope.register(async (forms) => {
    acceptForms(forms);
    forms.post(path, async (request, reply) => reply.redirect(`${path}?${formOf(request)}`, SEE_OTHER));
  });
}

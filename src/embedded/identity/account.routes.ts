import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { createLocalJWKSet, type JWK, jwtVerify } from 'jose';
import type Provider from 'oidc-provider';
import type { Account, Accounts } from './accounts.ts';
import { profileClaims } from './claims.ts';
import { WEB_CLIENT } from './clients.ts';
import { accountPage } from './pages.ts';
import { OPENID_PATH } from './provider.ts';
import type { Sessions, Site } from './sessions.ts';
import type { SigningKeys } from './signing-keys.ts';

const UNAUTHORIZED = 401;

/** The account page of the signed-in user, and userinfo and Keycloak's profile for pages with an access token. */
export function accountRoutes(
  scope: FastifyInstance,
  provider: Provider,
  accounts: Accounts,
  keys: SigningKeys,
  { sessions, webOrigins, mount }: Site,
): void {
  const accountOf = bearerReader(provider, accounts, sessions, keys);

  const refuse = (reply: FastifyReply) =>
    reply.code(UNAUTHORIZED).header('www-authenticate', 'Bearer error="invalid_token"').send({
      error: 'invalid_token',
      error_description: 'Send a valid access token of a user who is signed in.',
    });

  scope.route({
    method: ['GET', 'POST'],
    url: `${mount}${OPENID_PATH}/userinfo`,
    async handler(request, reply) {
      reply.header('cache-control', 'no-store');
      const account = await accountOf(request);
      return account ? { sub: account.sub, ...profileClaims(account) } : refuse(reply);
    },
  });

  scope.get(`${mount}/account`, async (request, reply) => {
    reply.header('cache-control', 'no-store');
    if (request.headers.authorization !== undefined) {
      const account = await accountOf(request);
      return account ? profileOf(account) : refuse(reply);
    }
    const session = await sessions.current(request.raw, reply.raw);
    const account = session && accounts.bySub(session.sub);
    const referrer = new URL(request.url, provider.issuer).searchParams.get('referrer_uri') ?? '';
    const back = webOrigins.allowsRedirectTo(referrer) ? referrer : undefined;
    const signOut = {
      action: `${mount}${OPENID_PATH}/logout`,
      fields: { client_id: WEB_CLIENT, ...(back === undefined ? {} : { post_logout_redirect_uri: back }) },
    };
    return reply.header('content-type', 'text/html; charset=utf-8').send(accountPage(account, signOut, back));
  });
}

/** The format of Keycloak's account service, which `loadUserProfile` of keycloak-js reads. */
function profileOf({ sub, username, firstName, lastName, email, isEmailVerified }: Account) {
  return { id: sub, username, firstName, lastName, email, emailVerified: isEmailVerified };
}

/** Finds the account of a request's access token, while the session of the token is live. */
function bearerReader(provider: Provider, accounts: Accounts, sessions: Sessions, keys: SigningKeys) {
  const known = createLocalJWKSet({ keys: keys.keys.map(publicPart) });
  return async ({ headers }: FastifyRequest): Promise<Account | undefined> => {
    const [, token] = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? [];
    if (token === undefined) return undefined;
    const checks = { issuer: provider.issuer, algorithms: ['RS256'] };
    const verified = await jwtVerify(token, known, checks).catch(() => undefined);
    const { sub, sid, typ } = verified?.payload ?? {};
    if (sub === undefined || typ !== 'Bearer') return undefined;
    if (typeof sid === 'string' && !(await sessions.isLive(sid, sub))) return undefined;
    return accounts.bySub(sub);
  };
}

function publicPart({ kty, n, e, alg, use, kid }: JWK): JWK {
  return { kty, n, e, alg, use, kid } as JWK;
}

import { createHash, randomBytes } from 'node:crypto';
import { Agent } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { DEMO_USERS } from '../../src/embedded/demo-accounts.ts';
import { instant } from '../../src/kernel/clock.ts';
import { M2mTokens } from '../../src/platform/m2m-tokens/m2m-tokens.ts';
import { TokenVerifier } from '../../src/platform/oidc/token-verifier.ts';
import { atEnd } from '../support/at-end.ts';
import { DEMO_SEATS_SEARCH, ordersOfOneSeat } from '../support/demo-orders.ts';
import { type KeycloakServer, REALM_CLIENT_SECRET, startKeycloak } from '../support/keycloak-server.ts';
import { until } from '../support/servers.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let keycloak: KeycloakServer;
let app: TestApp;
let isFailed = false;

beforeAll(async () => {
  keycloak = await startKeycloak();
  app = await startTestApp({ OIDC_ISSUER: keycloak.issuer, TICKET_CLIENT_SECRET: REALM_CLIENT_SECRET });
});
afterEach(({ task }) => {
  isFailed ||= task.result?.state === 'fail';
});
afterAll(() => keycloak?.stop(isFailed));

const clock = { now: () => instant(Date.now()) };
const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
const keyOf = (token: string): string => JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid;

function verifier() {
  return new TokenVerifier({ issuer: keycloak.issuer, jwksUrl: undefined, clock });
}

function post(path: string, form: Record<string, string>): Promise<Response> {
  return fetch(`${keycloak.issuer}/protocol/openid-connect/${path}`, {
    method: 'POST',
    body: new URLSearchParams(form),
  });
}

describe('the realm of deploy/keycloak', () => {
  test.each(Object.values(DEMO_USERS))('it has $username with the id that the stand-in uses', async (user) => {
    const token = await keycloak.signIn(user.username);
    expect(await verifier().verify(token)).toMatchObject({ userId: user.sub, isAdmin: user.username === 'admin' });
    const claims = claimsOf(token);
    expect(claims).toMatchObject({
      iss: keycloak.issuer,
      azp: 'login-testing',
      preferred_username: user.username,
      realm_access: { roles: user.realmRoles },
    });
    expect(claims.user_groups ?? []).toEqual(user.groups);
  });

  test('it lets pages sign a user in by code, only with PKCE and never by password', async () => {
    const redirect = 'http://localhost:5173/back';
    const secret = randomBytes(32).toString('base64url');
    const ask = new URLSearchParams({
      client_id: 'web-frontend',
      response_type: 'code',
      redirect_uri: redirect,
      scope: 'openid',
    });
    const auth = `${keycloak.issuer}/protocol/openid-connect/auth?${ask}`;
    const without = await fetch(auth, { redirect: 'manual' });
    expect(without.headers.get('location')).toContain('error=invalid_request');
    const challenge = createHash('sha256').update(secret).digest('base64url');
    const page = await fetch(`${auth}&code_challenge=${challenge}&code_challenge_method=S256`);
    const [, action = ''] = /action="([^"]+)"/.exec(await page.text()) ?? [];
    const cookies = page.headers.getSetCookie().map((each) => each.split(';', 1));
    const signedIn = await fetch(action.replaceAll('&amp;', '&'), {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie: cookies.join('; ') },
      body: new URLSearchParams({ username: 'buyer', password: 'demo' }),
    });
    const code = new URL(signedIn.headers.get('location') ?? '').searchParams.get('code') ?? '';
    const exchange = { grant_type: 'authorization_code', client_id: 'web-frontend', redirect_uri: redirect, code };
    const answer = await (await post('token', { ...exchange, code_verifier: secret })).json();
    const { access_token, id_token, refresh_token } = answer as Record<string, string>;
    const caller = await verifier().verify(access_token ?? '');
    expect(caller).toMatchObject({ userId: DEMO_USERS.buyer.sub });
    expect(caller).not.toHaveProperty('isMachine');
    for (const token of [id_token, refresh_token])
      await expect(verifier().verify(token ?? '')).rejects.toMatchObject({ code: 'unauthenticated' });
    const password = { grant_type: 'password', username: 'buyer', password: 'demo' };
    expect((await post('token', { ...password, client_id: 'web-frontend' })).status).toBe(400);
  });

  test('it does not redirect to an unknown address', async () => {
    const ask = 'client_id=web-frontend&response_type=code&scope=openid&redirect_uri=';
    const unknown = encodeURIComponent('https://evil.example/');
    const page = await fetch(`${keycloak.issuer}/protocol/openid-connect/auth?${ask}${unknown}`);
    expect(page.status).toBe(400);
  });

  test('it issues this service a token of its own, with the scope that the seating services require', async () => {
    const http = new Agent();
    atEnd(() => http.close());
    const tokens = new M2mTokens({
      http,
      tokenUrl: `${keycloak.issuer}/protocol/openid-connect/token`,
      clientId: 'ticket-service-client',
      clientSecret: REALM_CLIENT_SECRET,
      clock,
    });
    expect(await verifier().verify(await tokens.get())).toMatchObject({ scopes: ['internal-api'], isMachine: true });
    expect((await app.call('GET', '/api/secure', { token: await tokens.get() })).status).toBe(403);
    const wrong = { grant_type: 'client_credentials', client_id: 'ticket-service-client', client_secret: 'x' };
    expect((await post('token', wrong)).status).toBe(401);
  });
});

describe('the service on a real Keycloak, everything else embedded', () => {
  async function order(token: string) {
    const [body] = await ordersOfOneSeat(app.url, DEMO_SEATS_SEARCH, 1);
    return app.call('POST', '/api/order', { token, body });
  }
  const me = (token: string) => app.call('GET', '/api/secure', { token });

  test('it takes orders, for which the venue checks the service’s token; each user sees only their own', async () => {
    const [buyer, buyer2, admin] = await Promise.all(['buyer', 'buyer2', 'admin'].map(keycloak.signIn));
    const { status, body } = await order(buyer ?? '');
    expect(status, JSON.stringify(body)).toBe(201);
    expect(body.user_id).toBe(DEMO_USERS.buyer.sub);
    const read = async (token = '') => (await app.call('GET', `/api/order/${body.order_id}`, { token })).status;
    expect([await read(buyer), await read(admin)]).toEqual([200, 200]);
    expect(await read(buyer2)).not.toBe(200);
  });

  test('it takes new tokens after a key rotation, and old ones until they end or their key is withdrawn', async () => {
    const before = await keycloak.signIn('buyer');
    expect((await me(before)).status).toBe(200);
    const [realm] = await keycloak.asAdmin('GET', '');
    const key = {
      name: 'the next key',
      providerId: 'rsa-generated',
      providerType: 'org.keycloak.keys.KeyProvider',
      parentId: realm?.id,
      config: { priority: ['900'], enabled: ['true'], active: ['true'], algorithm: ['RS256'] },
    };
    await keycloak.asAdmin('POST', '/components', key);
    const after = await keycloak.signIn('buyer');
    expect(keyOf(after)).not.toBe(keyOf(before));
    await until('the new key is known', async () => (await me(after)).status === 200);
    expect((await me(before)).status).toBe(200);
    expect(await verifier().verify(before)).toMatchObject({ userId: DEMO_USERS.buyer.sub });

    const components = await keycloak.asAdmin('GET', '/components?type=org.keycloak.keys.KeyProvider');
    for (const old of components.filter(({ providerId, name }) => providerId === 'rsa-generated' && name !== key.name))
      await keycloak.asAdmin('DELETE', `/components/${old.id}`);
    await expect(verifier().verify(before)).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(await verifier().verify(after)).toMatchObject({ userId: DEMO_USERS.buyer.sub });
  });

  test('it refuses tokens whose issuer has another host than OIDC_ISSUER, and explains that in the error log', async () => {
    const configured = keycloak.issuer.replace('127.0.0.1', 'localhost');
    const env = { KEYCLOAK_URL: keycloak.url, TICKET_CLIENT_SECRET: REALM_CLIENT_SECRET };
    const other = await startTestApp({ ...env, OIDC_ISSUER: configured });
    const token = await keycloak.signIn('buyer');
    expect((await other.call('GET', '/api/secure', { token })).status).toBe(401);
    const line = other.log.map((text) => JSON.parse(text)).find(({ level }) => level >= 50);
    expect(line).toMatchObject({ configured, found: keycloak.issuer });
    expect(line.msg).toContain('set OIDC_ISSUER to the issuer that was found');
    const mended = await startTestApp({ ...env, OIDC_ISSUER: line.found });
    expect((await mended.call('GET', '/api/secure', { token })).status).toBe(200);
  });
});

import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { describe, expect, test } from 'vitest';
import { DEMO_USERS } from '../../../src/embedded/demo-accounts.ts';
import { testFolder } from '../../support/folders.ts';
import {
  askToken as ask,
  finishSignIn,
  newIdentity,
  newVisitor,
  REALM,
  SERVICE,
  signInAddress,
  startIdentity as start,
} from '../../support/identity.ts';

const password = (username: string, given = 'demo') => ({
  grant_type: 'password',
  client_id: 'login-testing',
  username,
  password: given,
  scope: 'openid',
});

test('the discovery document has Keycloak’s paths', async () => {
  const { base, issuer } = await newIdentity();
  const document = (await (await fetch(`${base}/.well-known/openid-configuration`)).json()) as Record<string, unknown>;
  const path = `${base}/protocol/openid-connect`;
  expect(document).toMatchObject({
    issuer,
    authorization_endpoint: `${path}/auth`,
    token_endpoint: `${path}/token`,
    jwks_uri: `${path}/certs`,
    end_session_endpoint: `${path}/logout`,
    userinfo_endpoint: `${path}/userinfo`,
  });
});

describe('the demo users', () => {
  test.each(Object.values(DEMO_USERS))('$username gets a token with Keycloak’s claims', async (user) => {
    const { base, issuer } = await newIdentity();
    const { status, body } = await ask(base, password(user.username));
    expect(status).toBe(200);
    const keys = createRemoteJWKSet(new URL(`${base}/protocol/openid-connect/certs`));
    const { payload } = await jwtVerify(body.access_token, keys, { issuer, algorithms: ['RS256'] });
    expect(payload).toMatchObject({
      sub: user.sub,
      typ: 'Bearer',
      azp: 'login-testing',
      preferred_username: user.username,
      realm_access: { roles: ['user'] },
      scope: 'openid',
    });
    // Keycloak gives a session to tokens of users alone, and a client's id to those of services alone.
    expect(payload.sid).toMatch(/^[\w-]{20,}$/);
    expect(payload).not.toHaveProperty('client_id');
    expect(payload.user_groups).toEqual(user.username === 'admin' ? ['/Permissions/Users/System Admins'] : undefined);
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(3_600);
  });

  test.each([
    ['a wrong password', password('buyer', 'nope')],
    ['an unknown user', password('mallory')],
    ['an empty password', { ...password('buyer'), password: '' }],
    ['another client', { ...password('buyer'), client_id: 'web-frontend' }],
  ])('a request with %s gets no token', async (_name, form) => {
    const { base } = await newIdentity();
    const { status, body } = await ask(base, form);
    expect(status).toBe(400);
    expect(body).not.toHaveProperty('access_token');
  });
});

describe('the service’s client', () => {
  test('it gets a token with either way of client authentication', async () => {
    const { base } = await newIdentity();
    const posted = await ask(base, {
      grant_type: 'client_credentials',
      client_id: SERVICE.id,
      client_secret: SERVICE.secret,
      scope: 'internal-api',
    });
    const basic = await ask(
      base,
      { grant_type: 'client_credentials', scope: 'internal-api' },
      { authorization: `Basic ${btoa('ticket-service-client:a%20secret')}` },
    );
    for (const { status, body } of [posted, basic]) {
      expect(status).toBe(200);
      expect(body.expires_in).toBe(300);
      expect(decodeJwt(body.access_token)).toMatchObject({
        scope: 'internal-api',
        typ: 'Bearer',
        azp: SERVICE.id,
        client_id: SERVICE.id,
        preferred_username: `service-account-${SERVICE.id}`,
        sub: expect.stringMatching(/^[0-9a-f-]{36}$/),
      });
      expect(decodeJwt(body.access_token)).not.toHaveProperty('sid');
    }
  });

  test('it gets no token with a wrong secret', async () => {
    const { base } = await newIdentity();
    const { status } = await ask(base, {
      grant_type: 'client_credentials',
      client_id: SERVICE.id,
      client_secret: 'guess',
    });
    expect(status).toBe(401);
  });
});

describe('signing in with a page', () => {
  test('it asks for name and password, refuses a wrong one, and issues tokens for the right one', async () => {
    const { base } = await newIdentity();
    const visit = newVisitor(base);
    const login = (await visit(signInAddress())).location;
    expect(await visit(login)).toMatchObject({ status: 200, text: expect.stringContaining('<h1>Sign in</h1>') });
    const script = '"><script>alert(1)</script>';
    const wrong = await visit(login, { username: script, password: 'x' });
    expect(wrong).toMatchObject({ status: 401, text: expect.stringContaining('User name or password is wrong.') });
    expect(wrong.text).not.toContain('<script>');
    const right = await visit(login, { username: 'buyer', password: 'demo' });
    expect((await finishSignIn(base, visit, right, 'w'.repeat(50))).status).toBe(400);
    const { status, body, answer } = await finishSignIn(base, visit, { location: signInAddress() });
    expect([status, answer.get('state')]).toEqual([200, 's1']);
    expect(decodeJwt(body.access_token)).toMatchObject({ sub: DEMO_USERS.buyer.sub, azp: 'web-frontend' });
    expect(decodeJwt(body.id_token)).toMatchObject({ sub: DEMO_USERS.buyer.sub, aud: 'web-frontend' });
  });

  test('it refuses a page without PKCE', async () => {
    const { base } = await newIdentity();
    const without = signInAddress().replace(/code_challenge=[^&]+/, '');
    expect((await newVisitor(base)(without)).location).toContain('error=invalid_request');
  });

  test('it reports a sign-in that never began as ended', async () => {
    const { base } = await newIdentity();
    expect(await newVisitor(base)(`${REALM}/interaction/nothing`)).toMatchObject({
      status: 400,
      text: expect.stringContaining('has ended'),
    });
  });
});

test('it issues tokens that outlive a restart', async () => {
  const folder = await testFolder();
  const before = await start(folder);
  const { body } = await ask(before.base, password('buyer'));
  const after = await start(folder, { issuer: before.issuer });
  const keys = createRemoteJWKSet(new URL(`${after.base}/protocol/openid-connect/certs`));
  const { payload } = await jwtVerify(body.access_token, keys, { issuer: before.issuer });
  expect(payload.sub).toBe(DEMO_USERS.buyer.sub);
});

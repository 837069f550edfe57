import { createHash } from 'node:crypto';
import { decodeJwt, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { DEMO_USERS } from '../../../src/embedded/demo-accounts.ts';
import { testFolder } from '../../support/folders.ts';
import {
  askToken,
  BACK,
  FRONT_END,
  finishSignIn,
  newIdentity,
  newVisitor,
  REALM,
  signInAddress,
  signInAs,
  startIdentity,
} from '../../support/identity.ts';

const OPENID = `${REALM}/protocol/openid-connect`;
const OTHERS = ['https://evil.example', 'http://localhost:8091', 'https://localhost:8090', 'null'];
const CALLED = [
  ['POST', '/protocol/openid-connect/token', 400],
  ['GET', '/protocol/openid-connect/userinfo', 401],
  ['GET', '/protocol/openid-connect/certs', 200],
  ['GET', '/.well-known/openid-configuration', 200],
  ['GET', '/account', 200],
] as const;
const form = { 'content-type': 'application/x-www-form-urlencoded' };

describe('keycloak-js token call', () => {
  test.each(FRONT_END)('it lets pages of %s call with credentials', async (origin) => {
    const { base } = await newIdentity();
    for (const [method, path, status] of CALLED) {
      const preflight = await fetch(base + path, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': method,
          'access-control-request-headers': 'authorization',
        },
      });
      const answer = await fetch(base + path, { method, headers: { origin, ...form } });
      expect([path, preflight.status, answer.status]).toEqual([path, 204, status]);
      expect(preflight.headers.get('access-control-allow-methods')).toContain(method);
      expect(preflight.headers.get('access-control-allow-headers')).toBe('Authorization, Content-Type');
      for (const { headers } of [preflight, answer]) {
        expect(headers.get('access-control-allow-origin')).toBe(origin);
        expect(headers.get('access-control-allow-credentials')).toBe('true');
        expect(headers.get('vary')).toContain('Origin');
      }
    }
  });

  test.each(OTHERS)('it lets pages of %s read nothing', async (origin) => {
    const { base } = await newIdentity();
    for (const [method, path] of CALLED) {
      const asked = { origin, 'access-control-request-method': method };
      const preflight = await fetch(base + path, { method: 'OPTIONS', headers: asked });
      expect([path, preflight.status]).toEqual([path, 403]);
      const answer = await fetch(base + path, { method, headers: { origin, ...form } });
      for (const { headers } of [preflight, answer])
        expect([...headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
    }
  });

  test('it refuses a sign-in with a password from a page of another origin', async () => {
    const { base } = await newIdentity();
    const asked = { grant_type: 'password', client_id: 'login-testing', username: 'buyer', password: 'demo' };
    const { status, body } = await askToken(base, asked, { origin: 'https://evil.example' });
    expect(status).toBe(400);
    expect(body).not.toHaveProperty('access_token');
  });
});

describe('keycloak-js init with check-sso', () => {
  test('it reports that frames get cookies only where they do', async () => {
    const { base } = await newIdentity();
    const visit = newVisitor(base);
    const first = await visit(`${OPENID}/3p-cookies/step1.html`);
    expect(first).toMatchObject({ status: 302, location: 'step2.html' });
    expect((await visit(`${OPENID}/3p-cookies/step2.html`)).text).toContain("postMessage('supported'");
    const without = await newVisitor(base)(`${OPENID}/3p-cookies/step2.html`);
    expect(without.text).toContain("postMessage('unsupported'");
  });

  test.each(['3p-cookies/step2.html', 'login-status-iframe.html'])(
    'it lets only the listed origins frame %s',
    async (path) => {
      const { base, issuer } = await newIdentity();
      const { headers, text } = await newVisitor(base)(`${OPENID}/${path}`);
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toContain(`frame-ancestors ${[...FRONT_END, new URL(issuer).origin].join(' ')}`);
      expect(policy).toMatch(/^default-src 'none'; script-src 'sha256-[^']+'; connect-src '(none|self)';/);
      expect(headers.get('x-frame-options')).toBeNull();
      expect(text).not.toMatch(/(src|href)=/);
    },
  );

  test.each([
    ['the page’s client and origin', 'web-frontend', FRONT_END[0], 204],
    ['another origin', 'web-frontend', 'https://evil.example', 403],
    ['an unknown client', 'unknown', FRONT_END[0], 403],
    ['a client without pages', 'login-testing', FRONT_END[0], 403],
    ['the service’s client', 'ticket-service-client', FRONT_END[0], 403],
    ['no client', '', FRONT_END[0], 403],
    ['no origin', 'web-frontend', '', 403],
  ])('it answers init for %s', async (_name, clientId, origin = '', status) => {
    const { base } = await newIdentity();
    const asked = new URLSearchParams({ client_id: clientId, origin });
    expect((await newVisitor(base)(`${OPENID}/login-status-iframe.html/init?${asked}`)).status).toBe(status);
  });

  test('it keeps the login status equal to the session, also when a restart loses the session', async () => {
    const folder = await testFolder();
    const before = await startIdentity(folder);
    const jar = new Map<string, string>();
    const { body, answer } = await signInAs(before.base, newVisitor(before.base, jar), 'buyer');
    const { sid } = decodeJwt(body.access_token);
    expect(jar.get('identity_status')).toBe(sid);
    expect([body.session_state, answer.get('session_state')]).toEqual([sid, sid]);
    const init = `${OPENID}/login-status-iframe.html/init?client_id=web-frontend&origin=http://localhost:8090`;
    await newVisitor(before.base, jar)(init);
    expect(jar.get('identity_status')).toBe(sid);
    const after = await startIdentity(folder, { issuer: before.issuer });
    await newVisitor(after.base, jar)(init);
    expect(jar.has('identity_status')).toBe(false);
  });
});

describe('keycloak-js decodes refresh_token', () => {
  const refresh = (base: string, token: string) =>
    askToken(base, { grant_type: 'refresh_token', client_id: 'web-frontend', refresh_token: token });

  test('it refuses a refresh token that it did not sign, whatever its claims', async () => {
    const { base, issuer } = await newIdentity();
    const { body } = await signInAs(base, newVisitor(base), 'buyer');
    const claims = decodeJwt(body.refresh_token);
    const [, payload] = body.refresh_token.split('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const forged = await new SignJWT(claims).setProtectedHeader({ alg: 'HS512', typ: 'JWT' }).sign(Buffer.alloc(64));
    const invalid = [forged, `${none}.${payload}.`, claims.jti ?? '', body.access_token, body.id_token];
    for (const token of invalid) expect((await refresh(base, token)).status).toBe(400);
    const good = await refresh(base, body.refresh_token);
    expect(good.status).toBe(200);
    expect(decodeJwt(good.body.refresh_token)).toMatchObject({ iss: issuer, sid: claims.sid, typ: 'Refresh' });
  });

  test('it takes a refresh token once, and a reuse revokes all tokens of the sign-in', async () => {
    const { base } = await newIdentity();
    const { body: first } = await signInAs(base, newVisitor(base), 'buyer');
    const { body: second } = await refresh(base, first.refresh_token);
    expect(second.refresh_token).not.toBe(first.refresh_token);
    expect((await refresh(base, first.refresh_token)).status).toBe(400);
    expect((await refresh(base, second.refresh_token)).status).toBe(400);
  });

  test('it takes an access token for userinfo while its session lives, and no other token', async () => {
    const { base } = await newIdentity();
    const visit = newVisitor(base);
    const { body } = await signInAs(base, visit, 'buyer');
    const userinfo = (token: string) =>
      fetch(`${base}/protocol/openid-connect/userinfo`, { headers: { authorization: `Bearer ${token}` } });
    const { sub, email } = DEMO_USERS.buyer;
    expect(await (await userinfo(body.access_token)).json()).toMatchObject({ sub, email, name: 'Bea Demo' });
    for (const token of [body.refresh_token, body.id_token, 'nonsense'])
      expect((await userinfo(token)).status).toBe(401);
    const profile = await fetch(`${base}/account`, { headers: { authorization: `Bearer ${body.access_token}` } });
    expect(await profile.json()).toMatchObject({ username: 'buyer', email, emailVerified: true });
    await signOut(visit, { id_token_hint: body.id_token });
    expect((await userinfo(body.access_token)).status).toBe(401);
  });
});

/** Asks for a sign-out and submits the form in the answer. */
async function signOut(visit: ReturnType<typeof newVisitor>, query: Record<string, string>) {
  const page = await visit(`${OPENID}/logout?${new URLSearchParams(query)}`);
  const [, action = ''] = /action="([^"]+)"/.exec(page.text) ?? [];
  const [, xsrf = ''] = /name="xsrf" value="([^"]+)"/.exec(page.text) ?? [];
  return { page, end: action ? await visit(new URL(action).pathname, { xsrf, logout: 'yes' }) : undefined };
}

describe('sign up, account, log out', () => {
  test('it signs out without a question for a page that has the ID token, and redirects back to it', async () => {
    const { base } = await newIdentity();
    const visit = newVisitor(base);
    const { body } = await signInAs(base, visit, 'buyer');
    const hint = { client_id: 'web-frontend', id_token_hint: body.id_token };
    const { page, end } = await signOut(visit, { ...hint, post_logout_redirect_uri: BACK });
    expect(page.text).toContain('<script>document.forms[0].submit();</script>');
    expect(page.text).not.toContain('?</p>');
    expect(end).toMatchObject({ status: 303, location: BACK });
    expect((await visit(signInAddress({ prompt: 'none' }))).location).toContain('error=login_required');
  });

  test('it asks first when there is no ID token, or it is another user’s', async () => {
    const { base } = await newIdentity();
    const other = await signInAs(base, newVisitor(base), 'buyer2');
    const visit = newVisitor(base);
    await signInAs(base, visit, 'buyer');
    for (const hint of [{}, { id_token_hint: other.body.id_token }]) {
      const { text } = await visit(`${OPENID}/logout?${new URLSearchParams({ client_id: 'web-frontend', ...hint })}`);
      expect(text).toContain('Do you want to sign out?');
      expect(text).not.toContain('<script');
    }
    const { end } = await signOut(visit, {});
    expect((await visit(end?.location ?? '')).text).toContain('You are signed out.');
  });

  test('it takes a posted request to sign out', async () => {
    const { base } = await newIdentity();
    const visit = newVisitor(base);
    const { body } = await signInAs(base, visit, 'buyer');
    const posted = await visit(`${OPENID}/logout`, { id_token_hint: body.id_token });
    expect(posted.status).toBe(303);
    expect((await visit(posted.location)).text).toContain('document.forms[0].submit()');
  });

  test.each(['https://evil.example/', 'javascript://localhost:8090/%0aalert(1)'])(
    'it does not redirect to %s after a sign-out',
    async (address) => {
      const { base } = await newIdentity();
      const visit = newVisitor(base);
      const { body } = await signInAs(base, visit, 'buyer');
      const hint = { id_token_hint: body.id_token, post_logout_redirect_uri: address };
      const page = await visit(`${OPENID}/logout?${new URLSearchParams(hint)}`);
      expect(page).toMatchObject({ status: 400, location: '' });
      expect(page.text).not.toContain(address);
    },
  );

  test('it shows who is signed in, with links to sign out and to return', async () => {
    const { base } = await newIdentity();
    const visit = newVisitor(base);
    const account = (referrer: string) =>
      visit(`${REALM}/account?${new URLSearchParams({ referrer: 'web-frontend', referrer_uri: referrer })}`);
    expect((await account(BACK)).text).toContain('You are not signed in.');
    await signInAs(base, visit, 'organiser');
    const { text } = await account(BACK);
    for (const part of ['Ola Demo', 'organiser@example.com', `<a href="${BACK}">`, '>Sign out</button>'])
      expect(text).toContain(part);
    expect((await account('https://evil.example/')).text).not.toContain('evil');
    expect((await account('javascript://localhost:8090/')).text).not.toContain('javascript');
  });

  test('it loads no external resource on any page, and each page has a strict policy', async () => {
    const { base } = await newIdentity();
    const visit = newVisitor(base);
    const login = (await visit(signInAddress())).location;
    const { body } = await signInAs(base, newVisitor(base), 'buyer2');
    const pages = [
      await visit(login),
      await visit(`${login}?form=sign-up`),
      await visit(login, { username: 'x', password: 'y' }),
      await visit(`${REALM}/interaction/nothing`),
      await visit(`${REALM}/account`),
      await visit(`${OPENID}/logout`),
      await visit(`${OPENID}/logout/success`),
      await visit(`${OPENID}/auth?client_id=unknown`),
      await visit(`${OPENID}/logout?id_token_hint=${body.id_token}`),
      await visit(signInAddress({ response_mode: 'form_post', prompt: 'none' })),
    ];
    for (const { headers, text } of pages) {
      const policy = headers.get('content-security-policy') ?? '';
      expect(headers.get('content-type')).toContain('text/html');
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|\*/);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      const elsewhere = [...text.matchAll(/(?:src|href|url|import)\s*[=(]\s*["']?(https?:)?\/\//g)];
      expect(elsewhere).toEqual([]);
      expect(text).not.toMatch(/ on\w+=|<link|<img/);
    }
  });
});

describe('redirect-scheme', () => {
  test.each([
    'javascript://localhost/%250aalert(1)',
    'javascript://localhost:8090/%0aalert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:x',
    'file:///etc/passwd',
    'ftp://localhost:8090/',
    'ws://localhost:8090/',
    'https://localhost:8090/',
    'http://localhost:8091/',
    'http://localhost/',
    'http://127.0.0.1:8090/',
    'http://localhost:8090@evil.example/',
    'http://user:word@localhost:8090/',
    'http://localhost:8090\\@evil.example/',
    'http://localhost:8090.evil.example/',
    '//localhost:8090/',
    'http://localhost:8090/ x',
  ])('it does not redirect to %s in any response mode', async (address) => {
    const { base } = await newIdentity();
    for (const mode of ['query', 'fragment', 'form_post']) {
      const page = await newVisitor(base)(signInAddress({ redirect_uri: address, response_mode: mode }));
      expect(page).toMatchObject({ status: 400, location: '' });
      expect(page.text).not.toContain('<script');
      expect(page.text).not.toContain('alert(1)');
    }
  });

  test.each(FRONT_END)('it redirects to any path of %s', async (origin) => {
    const { base } = await newIdentity();
    for (const path of ['/', '/events/1?tab=map', '/a/b/../c']) {
      const { status, location } = await newVisitor(base)(signInAddress({ redirect_uri: origin + path }));
      expect(status).toBe(303);
      expect(location).toContain('/interaction/');
    }
  });
});

describe('sign up', () => {
  const newcomer = {
    username: 'Newcomer',
    email: 'New@Example.com',
    firstName: 'Nell',
    lastName: '<b>O’Comer</b>',
    password: 'a long password',
    'password-confirm': 'a long password',
  };
  async function begin(base: string) {
    const visit = newVisitor(base);
    const { location } = await visit(signInAddress({}, 'registrations'));
    return { visit, location };
  }

  test('it creates an account, signs the user in, and knows the user after a restart', async () => {
    const folder = await testFolder();
    const before = await startIdentity(folder);
    const { visit, location } = await begin(before.base);
    expect((await visit(location)).text).toContain('<h1>Create an account</h1>');
    const { body, answer } = await finishSignIn(before.base, visit, await visit(location, newcomer));
    expect(answer.get('state')).toBe('s1');
    const claims = decodeJwt(body.access_token);
    expect(claims).toMatchObject({
      preferred_username: 'newcomer',
      email: 'new@example.com',
      email_verified: false,
      name: 'Nell <b>O’Comer</b>',
      realm_access: { roles: ['user'] },
    });
    expect(claims).not.toHaveProperty('user_groups');
    expect((await visit(`${REALM}/account`)).text).toContain('Nell &lt;b&gt;O’Comer&lt;/b&gt;');
    const after = await startIdentity(folder, { issuer: before.issuer });
    for (const username of ['newcomer', 'NEW@example.com']) {
      const asked = { grant_type: 'password', client_id: 'login-testing', username };
      const again = await askToken(after.base, { ...asked, password: newcomer.password });
      expect(decodeJwt(again.body.access_token).sub).toBe(claims.sub);
      expect((await askToken(after.base, { ...asked, password: 'another password' })).status).toBe(400);
    }
  });

  test.each([
    ['a short user name', { username: 'ab' }, 'user name must have 3 to 60 characters'],
    ['a user name with a space', { username: 'a b c' }, 'user name must have 3 to 60 characters'],
    ['no email address', { email: 'nowhere' }, 'email address must look like'],
    ['no first name', { firstName: ' ' }, 'first name must have'],
    ['a very long last name', { lastName: 'x'.repeat(101) }, 'last name must have'],
    ['a short password', { password: 'short', 'password-confirm': 'short' }, 'password must have 8 to 128'],
    ['two different passwords', { 'password-confirm': 'another password' }, 'not the same'],
  ])(
    'it refuses %s with a clear message, and keeps the typed values except the password',
    async (_name, wrong, words) => {
      const { base } = await newIdentity();
      const { visit, location } = await begin(base);
      const { status, text } = await visit(location, { ...newcomer, ...wrong });
      expect(status).toBe(400);
      expect(text).toContain(words);
      expect(text).toContain('<h1>Create an account</h1>');
      expect(text).not.toContain(newcomer.password);
      expect(text).not.toContain('<b>');
      const login = { grant_type: 'password', client_id: 'login-testing', username: 'newcomer' };
      expect((await askToken(base, { ...login, password: newcomer.password })).status).toBe(400);
    },
  );

  test.each([
    ['a demo user’s name', { username: 'Buyer' }, 'This user name is taken.'],
    ['a demo user’s email address', { email: 'buyer@example.com' }, 'An account with this email address exists.'],
  ])('it refuses %s', async (_name, taken, words) => {
    const { base } = await newIdentity();
    const { visit, location } = await begin(base);
    const { status, text } = await visit(location, { ...newcomer, ...taken });
    expect([status, text.includes(words)]).toEqual([409, true]);
  });

  test('it gives a user name once, also to two concurrent sign-ups', async () => {
    const { base } = await newIdentity();
    const people = await Promise.all([begin(base), begin(base)]);
    const statuses = await Promise.all(
      people.map(async ({ visit, location }) => (await visit(location, newcomer)).status),
    );
    expect(statuses.toSorted()).toEqual([303, 409]);
  });

  test('it keeps no more accounts than its bound', async () => {
    const { base } = await startIdentity(await testFolder(), { maxAccounts: 1 });
    const first = await begin(base);
    expect((await first.visit(first.location, newcomer)).status).toBe(303);
    const second = await begin(base);
    const other = { ...newcomer, username: 'another', email: 'another@example.com' };
    const { status, text } = await second.visit(second.location, other);
    expect([status, text.includes('keeps no more accounts')]).toEqual([503, true]);
  });

  test('it ends the session of a signed-in user, by a page whose script its policy allows', async () => {
    const { base } = await newIdentity();
    const visit = newVisitor(base);
    const before = await signInAs(base, visit, 'buyer');
    const { location } = await visit(signInAddress({}, 'registrations'));
    const page = await visit((await visit(location, newcomer)).location);
    const [, script = ''] = /<script>([\s\S]*?)<\/script>/.exec(page.text) ?? [];
    const digest = createHash('sha256').update(script).digest('base64');
    expect(page.headers.get('content-security-policy')).toContain(`script-src 'sha256-${digest}'`);
    const [, xsrf = ''] = /name="xsrf" value="([^"]+)"/.exec(page.text) ?? [];
    const left = await visit(`${OPENID}/logout/confirm`, { xsrf, logout: 'yes' });
    const { body } = await finishSignIn(base, visit, left);
    const [was, is] = [before.body, body].map(({ access_token: token }) => decodeJwt(token));
    expect(is).toMatchObject({ preferred_username: 'newcomer' });
    expect(is?.sid).not.toBe(was?.sid);
    const refresh = { grant_type: 'refresh_token', client_id: 'web-frontend' };
    const old = await askToken(base, { ...refresh, refresh_token: before.body.refresh_token });
    expect(old.status).toBe(400);
  });

  test('it is reached from the sign-in form, and links back to it', async () => {
    const { base } = await newIdentity();
    const visit = newVisitor(base);
    const login = (await visit(signInAddress())).location;
    expect((await visit(login)).text).toContain('href="?form=sign-up"');
    expect((await visit(`${login}?form=sign-up`)).text).toContain('href="?form=sign-in"');
    expect((await visit(`${login}?form=sign-in`)).text).toContain('<h1>Sign in</h1>');
  });
});

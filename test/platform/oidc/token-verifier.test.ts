import { randomUUID } from 'node:crypto';
import { type JWTPayload, SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Clock, instant } from '../../../src/kernel/clock.ts';
import type { Trust } from '../../../src/platform/oidc/access-token.ts';
import { TokenVerifier } from '../../../src/platform/oidc/token-verifier.ts';
import { type FakeIssuer, startFakeIssuer, type TokenOptions } from '../../support/fake-issuer.ts';
import { until } from '../../support/servers.ts';

let issuer: FakeIssuer;
let verifier: TokenVerifier;
let offsetMs: number;
let others: string[];
const sub = randomUUID();
const clock: Clock = { now: () => instant(Date.now() + offsetMs) };

beforeEach(async () => {
  issuer = await startFakeIssuer();
  offsetMs = 0;
  others = [];
  verifier = verifierOf(issuer);
});

const TRUST: Trust = { serviceClient: 'ticket-service-client', clients: ['web-frontend'], audiences: undefined };

function verifierOf({ issuer: name, url }: FakeIssuer, discovers = false, trust = TRUST): TokenVerifier {
  return new TokenVerifier({
    issuer: name,
    jwksUrl: discovers ? undefined : `${url}/realms/event-ticketing/protocol/openid-connect/certs`,
    clock,
    trust,
    onForeignToken: (_claim, found) => others.push(found),
  });
}

async function refusal(token: string): Promise<unknown> {
  return verifier.verify(token).then(
    () => 'let through',
    (error: { code: string }) => error.code,
  );
}

describe('a good token', () => {
  test('it names the caller', async () => {
    const token = await issuer.token(sub.toUpperCase(), {
      scope: 'openid internal-api',
      user_groups: ['/A', '/Permissions/Users/System Admins'],
    });
    expect(await verifier.verify(token)).toEqual({
      userId: sub,
      isAdmin: true,
      scopes: ['openid', 'internal-api'],
      expiresAt: expect.any(Number),
    });
    expect(await verifier.verify(await issuer.token(sub))).toMatchObject({ isAdmin: false, scopes: [] });
  });

  test('it costs one request for the issuer’s keys, however many arrive at once', async () => {
    const tokens = await Promise.all(Array.from({ length: 20 }, () => issuer.token(randomUUID())));
    await Promise.all(tokens.map((token) => verifier.verify(token)));
    expect(issuer.counts.keys).toBe(1);
  });

  test('it does not make a user without the exact group an administrator', async () => {
    for (const groups of [['/Permissions/Users/System Admins/Helpers'], 'System Admins', [7], null]) {
      expect(await verifier.verify(await issuer.token(randomUUID(), { user_groups: groups }))).toMatchObject({
        isAdmin: false,
      });
    }
  });
});

describe('a refused token', () => {
  test.each([
    ['it names another issuer', { iss: 'https://elsewhere.example/realms/event-ticketing' }],
    ['it is an ID token', { typ: 'ID' }],
    ['it is a refresh token', { typ: 'Refresh' }],
  ])('%s', async (_name, claims) => {
    expect(await refusal(await issuer.token(sub, claims))).toBe('unauthenticated');
  });

  test('it is logged once a minute when the issuer’s own keys signed it under another issuer’s name', async () => {
    const named = (iss: string, forged = false) => issuer.token(sub, { iss }, { forged });
    await refusal(await named('https://forged.example', true));
    for (let time = 0; time < 3; time += 1) await refusal(await named('https://elsewhere.example'));
    await refusal(await named('https://third.example'));
    expect(others).toEqual(['https://elsewhere.example', 'https://third.example']);
    offsetMs = 61_000;
    await refusal(await named('https://elsewhere.example'));
    expect(others).toHaveLength(3);
  });

  test('it is signed by another issuer', async () => {
    expect(await refusal(await issuer.token(sub, {}, { forged: true }))).toBe('unauthenticated');
  });

  test('it has no subject, or one that is not a UUID', async () => {
    expect(await refusal(await issuer.token(''))).toBe('unauthenticated');
    expect(await refusal(await issuer.token('root'))).toBe('unauthenticated');
  });

  test('it is signed with a shared secret, though it names a known key', async () => {
    const token = await new SignJWT({ sub })
      .setProtectedHeader({ alg: 'HS256', kid: 'key-0' })
      .setIssuer(issuer.issuer)
      .setExpirationTime('5m')
      .sign(new TextEncoder().encode('a shared secret of thirty-two bytes'));
    expect(await refusal(token)).toBe('unauthenticated');
  });

  test('it has no signature, is garbage, or is too long', async () => {
    const [header, payload] = [`{"alg":"none"}`, `{"sub":"${sub}"}`].map((part) =>
      Buffer.from(part).toString('base64url'),
    );
    for (const token of [`${header}.${payload}.`, 'a.b.c', '', 'x'.repeat(20_000)]) {
      expect(await refusal(token)).toBe('unauthenticated');
    }
  });
});

describe('any-token', () => {
  const verifies = async (claims: JWTPayload, options: TokenOptions = {}, trust: Partial<Trust> = {}) =>
    verifierOf(issuer, false, { ...TRUST, ...trust })
      .verify(await issuer.token(sub, claims, options))
      .then(
        ({ isMachine }) => (isMachine ? 'machine' : 'user'),
        (error: { code: string }) => error.code,
      );
  /** The claims of an issuer that does not say what kind of token it is. */
  const plain = { typ: undefined };

  test.each<[string, JWTPayload, TokenOptions]>([
    [
      'Keycloak’s for a page',
      { azp: 'web-frontend', aud: 'account', sid: 's', scope: 'openid' },
      { headerType: 'JWT' },
    ],
    ['Keycloak’s for several APIs', { azp: 'web-frontend', aud: ['realm-management', 'account'] }, {}],
    ['Keycloak’s of before version 25, with a nonce', { azp: 'web-frontend', nonce: 'n' }, {}],
    [
      'one with its client as the audience, marked as an access token',
      { azp: 'web-frontend', aud: 'web-frontend' },
      {},
    ],
    ['one of RFC 9068', { ...plain, client_id: 'web-frontend', aud: 'account' }, { headerType: 'at+jwt' }],
    [
      'one of RFC 9068, with the whole media type',
      { ...plain, azp: 'web-frontend' },
      { headerType: 'application/AT+JWT' },
    ],
    ['one that says no kind and names its client', { ...plain, azp: 'web-frontend', aud: 'account' }, {}],
    ['one that is marked and names no client', {}, {}],
  ])('it takes a user’s access token: %s', async (_name, claims, options) => {
    expect(await verifies(claims, options)).toBe('user');
  });

  test.each<[string, JWTPayload, TokenOptions]>([
    ['an ID token of Keycloak', { typ: 'ID', azp: 'web-frontend', aud: 'web-frontend' }, {}],
    ['an ID token without a kind', { ...plain, aud: 'web-frontend', azp: 'web-frontend' }, {}],
    ['an ID token without a kind or client', { ...plain, aud: 'web-frontend' }, {}],
    ['an ID token for another client', { ...plain, aud: 'another-client' }, {}],
    ['an ID token with a nonce', { ...plain, azp: 'web-frontend', aud: 'account', nonce: 'n' }, {}],
    ['an ID token with a hash of its access token', { ...plain, azp: 'web-frontend', at_hash: 'h' }, {}],
    ['a token without kind, client and audience', plain, {}],
    ['a refresh token', { typ: 'Refresh', azp: 'web-frontend' }, {}],
    ['an offline token', { typ: 'Offline', azp: 'web-frontend' }, {}],
    ['a logout token of Keycloak', { typ: 'Logout', azp: 'web-frontend' }, {}],
    ['a logout token by its header', { azp: 'web-frontend' }, { headerType: 'logout+jwt' }],
    [
      'a logout token by its event',
      { azp: 'web-frontend', events: { 'http://schemas.openid.net/event/backchannel-logout': {} } },
      {},
    ],
    ['a proof of possession', { azp: 'web-frontend' }, { headerType: 'dpop+jwt' }],
    ['another client’s token', { azp: 'another-client', aud: 'account' }, {}],
    ['another client’s token of RFC 9068', { ...plain, client_id: 'another-client' }, { headerType: 'at+jwt' }],
    ['another client’s token that names a known one, too', { azp: 'web-frontend', client_id: 'another-client' }, {}],
    ['a token whose client is in a list', { azp: ['another-client'] }, {}],
    ['a token for another service', { azp: 'web-frontend', aud: 'payroll' }, {}],
    ['a token for another service that names no client', { aud: ['payroll', 'reports'] }, {}],
  ])('it refuses %s', async (_name, claims, options) => {
    expect(await verifies(claims, options)).toBe('unauthenticated');
  });

  test('it takes another client or audience only where the configuration names it', async () => {
    const foreign = { azp: 'box-office', aud: 'tickets' };
    const ours = { clients: ['box-office'], audiences: ['tickets'] };
    expect(await verifies(foreign, {}, ours)).toBe('user');
    expect(await verifies(foreign, {}, { clients: ['*'], audiences: ['*'] })).toBe('user');
    expect(await verifies(foreign, {}, { clients: ['*'] })).toBe('unauthenticated');
    expect(await verifies({ ...foreign, aud: 'account' }, {}, ours)).toBe('unauthenticated');
    expect(await verifies({ azp: 'box-office' }, {}, ours)).toBe('unauthenticated');
    expect(await verifies({ typ: undefined, aud: 'tickets' }, {}, ours)).toBe('user');
  });

  test('it takes one that names no client and no kind only for an audience that the configuration names', async () => {
    const idToken = { ...plain, aud: 'another-client' };
    expect(await verifies(idToken, {}, { audiences: ['*'] })).toBe('unauthenticated');
    expect(await verifies({ ...plain, aud: '*' }, {}, { audiences: ['*'] })).toBe('unauthenticated');
    expect(await verifies({ ...plain, aud: 'tickets' }, {}, { audiences: ['*', 'tickets'] })).toBe('user');
  });

  test('it takes the service’s own access token for any audience, and for no other client', async () => {
    const audiences = ['tickets'];
    const own = { azp: 'ticket-service-client', aud: 'account' };
    expect(await verifies(own, {}, { audiences })).toBe('machine');
    expect(await verifies({ azp: 'ticket-service-client' }, {}, { audiences })).toBe('machine');
    expect(await verifies({ ...own, client_id: 'web-frontend' }, {}, { audiences })).toBe('unauthenticated');
    expect(await verifies({ aud: 'account' }, {}, { audiences })).toBe('unauthenticated');
    expect(await verifies({ ...own, typ: 'ID' }, {}, { audiences })).toBe('unauthenticated');
  });

  test('it reports a client and an audience that it refuses once a minute', async () => {
    for (let time = 0; time < 3; time += 1) {
      await refusal(await issuer.token(sub, { azp: 'another-client', jti: String(time) }));
      await refusal(await issuer.token(sub, { azp: 'web-frontend', aud: 'payroll', jti: String(time) }));
    }
    expect(others).toEqual(['another-client', 'payroll']);
  });

  test.each<[string, JWTPayload]>([
    ['of this service', { azp: 'ticket-service-client' }],
    ['by its name', { azp: 'web-frontend', preferred_username: 'service-account-reports' }],
    ['by its scope', { azp: 'web-frontend', scope: 'internal-api' }],
    ['by its client’s id, without a session', { azp: 'web-frontend', client_id: 'web-frontend' }],
  ])('it tells that a token is a machine’s: %s', async (_name, claims) => {
    expect(await verifies(claims)).toBe('machine');
  });

  test('it tells that a token is a machine’s whose subject is its client', async () => {
    const rfc9068 = { ...plain, client_id: sub, scope: 'openid' };
    expect(await verifies(rfc9068, { headerType: 'at+jwt' }, { clients: [sub] })).toBe('machine');
    const ofUser = { ...rfc9068, client_id: randomUUID() };
    expect(await verifies(ofUser, { headerType: 'at+jwt' }, { clients: [ofUser.client_id] })).toBe('user');
  });
});

describe('the end of a token', () => {
  test('it takes effect sixty seconds late and no later, also for a token seen before', async () => {
    const token = await issuer.token(sub, {}, { expiresIn: 10 });
    await verifier.verify(token);
    offsetMs = 65_000;
    expect(await refusal(token)).toBe('let through');
    expect(await verifierOf(issuer).verify(token)).toMatchObject({ userId: sub });
    offsetMs = 71_000;
    expect(await refusal(token)).toBe('unauthenticated');
  });
});

describe('the keys of the issuer', () => {
  test('they rotate at run time: the new key is fetched, and the old one is forgotten with its tokens', async () => {
    const before = await issuer.token(sub);
    await verifier.verify(before);
    await issuer.rotate();
    const after = await issuer.token(sub);
    expect(await verifier.verify(after)).toMatchObject({ userId: sub });
    const other = verifierOf(issuer);
    await expect(other.verify(before)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  test('a new key is known at once also while a stranger invents key ids, which cost one request a second', async () => {
    await verifier.verify(await issuer.token(sub));
    const invented = await Promise.all(
      Array.from({ length: 50 }, (_, at) => issuer.token(sub, {}, { forged: true, kid: `invented-${at}` })),
    );
    const refusals = await Promise.all(invented.map(refusal));
    expect(new Set(refusals)).toEqual(new Set(['unauthenticated']));
    await issuer.rotate();
    const token = await issuer.token(sub);
    const more = invented.map(refusal);
    expect(await verifier.verify(token)).toMatchObject({ userId: sub });
    await Promise.all(more);
    // The first one, and one for each crowd of unknown ids.
    expect(issuer.counts.keys).toBe(3);
  });

  describe('when they were fetched a while ago', () => {
    const MINUTE_MS = 60_000;
    beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
    afterEach(() => void vi.useRealTimers());
    const pass = (minutes: number) => void vi.setSystemTime(Date.now() + minutes * MINUTE_MS);
    const isGood = async () => refusal(await issuer.token(sub, { jti: randomUUID() }));

    test('they are used for an hour while the issuer is unavailable', async () => {
      expect(await isGood()).toBe('let through');
      issuer.isUnavailable = true;
      for (const minutes of [11, 20, 20]) {
        pass(minutes);
        expect(await isGood()).toBe('let through');
      }
      pass(10);
      expect(await isGood()).toBe('identity_unavailable');
      issuer.isUnavailable = false;
      expect(await isGood()).toBe('let through');
    });

    test('they are refreshed in the background, and a withdrawn key is refused within ten minutes', async () => {
      expect(await isGood()).toBe('let through');
      const [first, second] = await Promise.all(
        [1, 2].map((jti) => issuer.token(sub, { jti: String(jti) }, { expiresIn: 7_200 })),
      );
      await issuer.rotate();
      pass(11);
      expect(await refusal(first ?? '')).toBe('let through');
      await until('the withdrawn one is refused', async () => {
        // Remembered tokens do not need the key.
        pass(2);
        return (await refusal(second ?? '')) === 'unauthenticated';
      });
      expect(await isGood()).toBe('let through');
    });
  });

  test('they let no token pass while they cannot be fetched, and are fetched again', async () => {
    issuer.isUnavailable = true;
    const token = await issuer.token(sub);
    expect(await refusal(token)).toBe('identity_unavailable');
    issuer.isUnavailable = false;
    expect(await verifier.verify(token)).toMatchObject({ userId: sub });
  });

  test('they are found by the issuer’s discovery document, or at Keycloak’s path without one', async () => {
    const token = await issuer.token(sub);
    expect(await verifierOf(issuer, true).verify(token)).toMatchObject({ userId: sub });
    issuer.keysAt = '/elsewhere/keys';
    expect(await verifierOf(issuer, true).verify(token)).toMatchObject({ userId: sub });
    await expect(verifierOf(issuer).verify(token)).rejects.toMatchObject({ code: 'identity_unavailable' });
    issuer.isUnavailable = true;
    const later = verifierOf(issuer, true);
    await expect(later.verify(token)).rejects.toMatchObject({ code: 'identity_unavailable' });
    issuer.isUnavailable = false;
    expect(await later.verify(token)).toMatchObject({ userId: sub });
  });

  test('they are used while the issuer is unavailable, once they were fetched', async () => {
    await verifier.verify(await issuer.token(sub));
    issuer.isUnavailable = true;
    expect(await verifier.verify(await issuer.token(randomUUID()))).toMatchObject({ isAdmin: false });
  });
});

import { randomUUID } from 'node:crypto';
import type { JWTPayload } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { type FakeIssuer, startFakeIssuer } from '../support/fake-issuer.ts';
import { newVisitor, REALM, signInAs } from '../support/identity.ts';
import { CLIENT_SECRET, type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

describe('any-token: an issuer’s tokens that are not a user’s access tokens for this service', () => {
  let platform: PlatformApp;

  beforeAll(async () => {
    platform = await startPlatformApp();
  });

  test.each([
    ['an ID token without a kind', { typ: undefined, aud: 'web-frontend', azp: 'web-frontend', at_hash: 'h' }, 401],
    ['an ID token without kind and client', { typ: undefined, aud: 'web-frontend' }, 401],
    ['a logout token', { typ: 'Logout', azp: 'web-frontend' }, 401],
    ['another client’s token', { azp: 'payroll' }, 401],
    ['a token for another service', { aud: 'payroll' }, 401],
    ['a service’s token', { azp: 'ticket-service-client', scope: 'internal-api' }, 403],
  ])('%s places no order', async (_name, claims, status) => {
    const { app, issuer, request } = platform;
    const token = await issuer.token(randomUUID(), claims);
    const answer = await app.call('POST', '/api/order', { token, body: request() });
    expect(answer.status).toBe(status);
    expect(await app.sql('SELECT FROM orders')).toEqual([]);
  });

  test('a client that is refused stands in the log, with what to do, and its token does not', async () => {
    const { app, issuer } = platform;
    const token = await issuer.token(randomUUID(), { azp: 'newsletter' });
    await app.call('GET', '/api/secure', { token });
    const lines = app.log.filter((line) => line.includes('newsletter'));
    expect(lines).toEqual([expect.stringContaining('OIDC_CLIENTS')]);
    expect(app.log.join()).not.toContain(token);
  });
});

describe('an issuer beside the embedded venue, with a named audience and a page client of its own', () => {
  let app: TestApp;
  let issuer: FakeIssuer;
  const statusOf = async (path: string, claims: JWTPayload) =>
    (await app.call('GET', path, { token: await issuer.token(randomUUID(), claims) })).status;

  beforeAll(async () => {
    issuer = await startFakeIssuer();
    app = await startTestApp({
      OIDC_ISSUER: issuer.issuer,
      TICKET_CLIENT_SECRET: CLIENT_SECRET,
      OIDC_AUDIENCE: 'tickets',
      OIDC_WEB_CLIENT_ID: 'tickets-page',
    });
  });

  test('the client with which the pages sign in need not be named a second time in OIDC_CLIENTS', async () => {
    expect(await statusOf('/api/secure', { azp: 'tickets-page', aud: 'tickets' })).toBe(200);
    expect(await statusOf('/api/secure', { azp: 'web-frontend', aud: 'tickets' })).toBe(200);
    expect(await statusOf('/api/secure', { azp: 'another-page', aud: 'tickets' })).toBe(401);
  });

  test('the venue takes the service’s token, which names no audience of the API', async () => {
    const query = new URLSearchParams({ userId: randomUUID(), eventId: randomUUID() });
    const path = `/api/event-seating/internal/v1/events/verify-ownership?${query}`;
    const scope = 'internal-api';
    expect(await statusOf(path, { azp: 'ticket-service-client', aud: 'account', scope })).toBe(200);
    expect(await statusOf(path, { azp: 'web-frontend', aud: 'account', scope })).toBe(401);
  });
});

describe('the stand-in for identity', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
  });

  test('of its tokens the API takes the access token alone', async () => {
    const base = app.url + REALM;
    const { body } = await signInAs(base, newVisitor(base), 'buyer');
    const statusOf = async (token: string) => (await app.call('GET', '/api/secure', { token })).status;
    expect(await statusOf(body.access_token)).toBe(200);
    expect(await statusOf(body.id_token)).toBe(401);
    expect(await statusOf(body.refresh_token)).toBe(401);
    expect(await statusOf(await app.signIn('buyer'))).toBe(200);
  });
});

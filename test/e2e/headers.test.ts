import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, test } from 'vitest';
import { addressOf, requestOf } from '../support/access-walk/requests.ts';
import { ROUTES } from '../support/access-walk/routes.ts';
import { aboutIn, rowOf, send } from '../support/access-walk/walk.ts';
import { CALLERS, openWorld, type World } from '../support/access-walk/world.ts';
import { startPlatformApp } from '../support/platform-app.ts';
import { call, startTestApp } from '../support/test-app.ts';

/** Pages of the service and of its stand-ins, and files beside them. */
const PAGES = [
  '/',
  '/sessions/x',
  '/orders/x',
  '/docs/',
  '/docs/static/swagger-initializer.js',
  '/docs/errors',
  '/openapi.json',
  '/realms/event-ticketing/account',
  '/realms/event-ticketing/.well-known/openid-configuration',
  '/realms/event-ticketing/protocol/openid-connect/auth?client_id=nobody',
  '/v1/test_helpers/payment_intents/pi_1/authenticate',
  '/v1/refunds',
  '/api/event-query/v1/events/trending?limit=1',
];
const REFUSED = ['/nothing/here', '/api/order/%ZZ', '/api/order', `/api/order/${'x'.repeat(300)}`, '/api/secure'];

/** Answers that are the same for everybody, and may be kept. */
const KEPT: Readonly<Record<string, RegExp>> = { 'GET /api/order/config': /^public, max-age=60$/ };

let world: World;
let embedded: string;

beforeAll(async () => {
  world = await openWorld();
  const { app } = await startTestApp({}, {}, { background: false });
  embedded = app.url;
});

/** What is wrong with the headers of an answer, in words. */
function faultsOf(headers: Headers): string[] {
  const policy = headers.get('content-security-policy') ?? '';
  const sources = policy.replace(/style-src [^;]*/, '');
  const faults: [boolean, string][] = [
    [headers.get('x-content-type-options') !== 'nosniff', 'its type may be guessed'],
    [headers.get('x-frame-options') !== 'DENY', 'it may be framed by old browsers'],
    [!/frame-ancestors 'none'/.test(policy), 'it may be framed'],
    [headers.get('referrer-policy') !== 'no-referrer', 'it gives its address away'],
    [!/default-src 'none'/.test(policy), 'it may load anything'],
    [!/base-uri 'none'/.test(policy), 'its addresses may be turned elsewhere'],
    [/unsafe|\*/.test(sources), `its policy has holes: ${policy}`],
  ];
  return faults.flatMap(([isFault, what]) => (isFault ? [what] : []));
}

describe.each(Object.keys(ROUTES))('headers: %s', (route) => {
  test('each answer is protected, and one to a signed-in caller is not kept by any cache', async () => {
    const row = rowOf(route);
    const request = requestOf(route, row, aboutIn(world, row));
    const answers = await Promise.all(
      CALLERS.map(async (caller) => ({ caller, ...(await send(world, row, { caller, what: '', request })) })),
    );
    for (const { caller, status, headers } of answers) {
      expect({ caller, status, faults: faultsOf(headers) }).toEqual({ caller, status, faults: [] });
      expect(headers.get('cache-control'), `${caller} ${addressOf(request)}`).toMatch(KEPT[route] ?? /\bno-store\b/);
    }
  });
});

test.each([...PAGES, ...REFUSED])('headers: the answer to %s is protected', async (path) => {
  const { status, headers } = await call(embedded, 'GET', path);
  expect({ status, faults: faultsOf(headers) }).toEqual({ status, faults: [] });
});

test.each([
  ['POST', '/docs/', {}, 405],
  ['OPTIONS', '/api/order', {}, 405],
  ['OPTIONS', '/api/order', { origin: 'http://localhost:8090', 'access-control-request-method': 'POST' }, 200],
  ['HEAD', '/healthz', {}, 200],
])('headers: the answer to %s %s is protected', async (method, path, headers, status) => {
  const answer = await call(embedded, method, path, { headers });
  expect({ status: answer.status, faults: faultsOf(answer.headers) }).toEqual({ status, faults: [] });
});

test('headers: a page that the identity provider lets its clients frame says so in its policy alone', async () => {
  const { headers } = await call(
    embedded,
    'GET',
    '/realms/event-ticketing/protocol/openid-connect/login-status-iframe.html',
  );
  expect(headers.get('x-frame-options')).toBeNull();
  expect(headers.get('content-security-policy')).toMatch(/frame-ancestors http:\/\/localhost:8090/);
});

test.each([
  ['is not HTTP', 'RUBBISH\r\n\r\n', 400, 'invalid_request'],
  [
    'has headers that are too long',
    `GET / HTTP/1.1\r\nhost: x\r\nx: ${'x'.repeat(40_000)}\r\n\r\n`,
    431,
    'headers_too_large',
  ],
])('headers: the answer to a request that %s is a protected problem document', async (_what, sent, status, code) => {
  const socket = connect(Number(new URL(embedded).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.write(sent);
  const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  const headers = new Headers(
    head
      .split('\r\n')
      .slice(1)
      .map((line) => line.split(': ') as [string, string]),
  );
  expect(faultsOf(headers)).toEqual([]);
  expect(headers.get('content-type')).toBe('application/problem+json');
  expect(JSON.parse(body)).toMatchObject({ status, code });
});

test('headers: in production an answer tells browsers to use only HTTPS; elsewhere it does not', async () => {
  const here = await call(world.platform.app.url, 'GET', '/healthz');
  expect(here.headers.get('strict-transport-security')).toBeNull();
  const stripe = { STRIPE_SECRET_KEY: 'sk_test_own', STRIPE_WEBHOOK_SECRET: 'whsec_own', RECONCILE_DAYS: '0' };
  const { app } = await startPlatformApp({ NODE_ENV: 'production', ALLOW_EMBEDDED: 'redis,kafka', ...stripe });
  for (const path of ['/healthz', '/nothing/here', '/docs/'])
    expect((await call(app.url, 'GET', path)).headers.get('strict-transport-security'), path).toBe('max-age=31536000');
});

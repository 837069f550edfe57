import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, test } from 'vitest';
import { operationsOf, somewhere } from '../support/api-document.ts';
import { openStream } from '../support/event-reader.ts';
import { type Watched, watchedBy } from '../support/live-sales.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';

/** A browser's EventSource sends no header, so its token is in the address: only there, and in no log. */
let platform: PlatformApp;
let sales: Watched;

beforeAll(async () => {
  platform = await startPlatformApp({ LOG_LEVEL: 'trace' });
  sales = await watchedBy(platform);
});

const withToken = (path: string, token: string) => `${path}?access_token=${token}`;
const open = (path: string, headers: Record<string, string> = {}) => openStream(platform.app.url, path, { headers });

describe('a token in the address', () => {
  test('opens both streams, and nothing caches the answer', async () => {
    for (const path of [sales.eventPath, sales.organizationPath]) {
      const { status, headers } = await open(withToken(path, sales.token));
      expect(status).toBe(200);
      expect(headers['cache-control']).toContain('no-store');
    }
  });

  test('is checked like any other: forged, expired, empty, repeated or without access, it opens nothing', async () => {
    const forged = await platform.issuer.token(sales.organiser, {}, { forged: true });
    const expired = await platform.issuer.token(sales.organiser, {}, { expiresIn: -3_600 });
    for (const token of [forged, expired, '', 'x', `${sales.token}&access_token=${sales.token}`])
      expect((await open(withToken(sales.eventPath, token))).status).toBe(401);
    const stranger = await platform.token(randomUUID());
    expect((await open(withToken(sales.eventPath, stranger))).status).toBe(403);
  });

  test('is one too many beside one in the header (RFC 6750 section 3.1)', async () => {
    const { status } = await open(withToken(sales.eventPath, sales.token), { authorization: `Bearer ${sales.token}` });
    expect(status).toBe(400);
  });

  test('is not accepted on any other route', async () => {
    const routes = (await operationsOf(platform.app)).filter(({ security }) => security !== undefined);
    const elsewhere = routes.filter(({ path }) => !path.includes('/sse/'));
    expect(routes.length - elsewhere.length).toBe(2);
    expect(elsewhere.length).toBeGreaterThan(10);
    for (const { method, path } of elsewhere) {
      const { status } = await platform.app.call(method, withToken(somewhere(path), sales.token));
      expect({ method, path, status }).toEqual({ method, path, status: 401 });
    }
  });
});

test('a token in the address never reaches the log, whatever fails', async () => {
  const token = await platform.token(sales.organiser);
  const [, , signature = ''] = token.split('.');
  const asked = [
    sales.eventPath,
    `${sales.eventPath}/`,
    '/api/order/sse/checkouts/event/none',
    `/api/order/sse/checkouts/event/${'a'.repeat(300)}`,
    '/api/order/sse/checkouts/event/%ZZ',
    `/api/order/sse/checkouts/event/${randomUUID()}`,
    '/api/order/sse/nowhere',
    '/api/secure',
    '/api/order/user/orders',
    '/docs/none',
    '/realms/none',
  ];
  for (const path of asked) (await open(withToken(path, token))).close();
  for (const method of ['HEAD', 'POST', 'DELETE']) await platform.app.call(method, withToken(sales.eventPath, token));
  expect((await open(`${withToken(sales.eventPath, token)}&lastEventId=x`)).status).toBe(400);
  platform.seating.isUnavailable = true;
  expect((await open(withToken(sales.eventPath, token))).status).toBe(503);
  platform.seating.isUnavailable = false;
  // A request that is not HTTP.
  const { port } = new URL(platform.app.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(`GET ${withToken(sales.eventPath, token)} HTTP/1.1\r\nno colon\r\n\r\n`);
  expect(await text(socket)).toContain('400');
  const reader = await open(withToken(sales.eventPath, token));
  await sales.sell();
  await reader.untilThereAre(1, 'checkout');
  reader.close();

  expect(signature.length).toBeGreaterThan(100);
  const lines = platform.app.log;
  expect(lines.some((line) => line.includes('/api/order/sse/checkouts/event/:eventID'))).toBe(true);
  expect(lines.filter((line) => line.includes(signature) || line.includes('access_token'))).toEqual([]);
});

import { connect } from 'node:net';
import { beforeEach, describe, expect, test } from 'vitest';
import { ERRORS } from '../../../src/app/errors.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { AppError, type ErrorCode } from '../../../src/kernel/errors.ts';
import { sendJsonText } from '../../../src/platform/http/compressed.ts';
import { allowOrigins } from '../../../src/platform/http/cors.ts';
import { openEventStream } from '../../../src/platform/http/event-stream.ts';
import type { Shed } from '../../../src/platform/http/server.ts';
import { answerWhileStarting } from '../../../src/platform/http/starting.ts';
import { atEnd } from '../../support/at-end.ts';
import { bareServer } from '../../support/bare-server.ts';
import { call } from '../../support/test-app.ts';

const PAGE = 'http://localhost:8090';
const OTHER = 'http://localhost:8091';

let url: string;
let open: () => void;

beforeEach(async () => {
  ({ url, open } = await serve([PAGE, 'https://tickets.example.com']));
});

async function serve(origins: readonly string[]) {
  const cors = allowOrigins(origins);
  const starting = answerWhileStarting({
    requestId: () => 'request-1',
    clock: { now: () => instant(0) },
    version: '1.2.3',
    isEmbedded: () => false,
  });
  const { app, open, listener, url } = await bareServer(undefined, (request, response) => {
    if (!cors(request, response)) starting(request, response);
  });
  app.get('/code/:code', async (request) => {
    throw new AppError((request.params as { code: ErrorCode }).code, 'because');
  });
  app.get('/list', (request, reply) => sendJsonText(request, reply, '[]'));
  app.get('/stream', (_request, reply) => {
    const stream = openEventStream(reply, () => undefined);
    stream.write(': open\n\n');
    stream.end();
  });
  app.post('/order', async () => ({ ok: true }));
  app.get('/realms/any', async () => ({ ok: true }));
  await app.ready();
  atEnd(async () => {
    await app.close();
    await listener.close(0);
  });
  const shed: Shed = (request, response) => {
    if (request.url !== '/shed') return false;
    response.writeHead(503, { 'retry-after': '1' }).end();
    return true;
  };
  return { url, open: () => open((request, response) => cors(request, response) || shed(request, response)) };
}

const CORS = {
  'access-control-allow-origin': PAGE,
  'access-control-allow-credentials': 'true',
  'access-control-allow-methods': 'GET, POST, PUT, DELETE, OPTIONS',
  'access-control-allow-headers': 'Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-Admission-Token',
  'access-control-max-age': '3600',
};

const corsOf = (headers: Headers) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-')));

const ask = (path: string, origin = PAGE, method = 'GET', headers: Record<string, string> = {}) =>
  call(url, method, path, { headers: { origin, ...headers } });

const preflight = (path: string, origin = PAGE) =>
  ask(path, origin, 'OPTIONS', {
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type',
  });

describe('front-end: a page of a listed origin', () => {
  test('its preflight gets 200 at any address and reaches no route', async () => {
    open();
    for (const path of ['/order', '/nothing/here', '/%ZZ', '/shed']) {
      const { status, headers, text } = await preflight(path);
      expect({ path, status, text }).toEqual({ path, status: 200, text: '' });
      expect(corsOf(headers)).toMatchObject(CORS);
      expect(headers.get('vary')).toBe('Origin');
    }
  });

  test('it may read answers, event streams and refusals that precede the routes, with their listed headers', async () => {
    open();
    const answers = [
      await ask('/order', PAGE, 'POST'),
      await ask('/stream'),
      await ask('/shed'),
      await ask('/nothing/here'),
      await ask('/%ZZ'),
      await ask('/order', PAGE, 'PATCH'),
      await ask('/order', PAGE, 'OPTIONS'),
      await call(url, 'POST', '/order', { headers: { origin: PAGE }, body: 'x'.repeat(70_000) }),
    ];
    for (const { headers } of answers) {
      expect(corsOf(headers)).toMatchObject(CORS);
      expect(headers.get('vary')).toBe('Origin');
    }
    const exposed = answers[0]?.headers.get('access-control-expose-headers')?.toLowerCase().split(', ');
    expect(exposed).toEqual(expect.arrayContaining(['retry-after', 'x-request-id', 'content-disposition']));
  });

  test.each(Object.keys(ERRORS) as ErrorCode[])('it may read the error %s', async (code) => {
    open();
    expect(corsOf((await ask(`/code/${code}`)).headers)).toMatchObject(CORS);
  });

  test('it may read the answer while the service starts, and its preflight gets 200 then, too', async () => {
    const early = await ask('/order');
    expect({ status: early.status, code: early.body.code }).toEqual({ status: 503, code: 'starting' });
    expect(corsOf(early.headers)).toMatchObject(CORS);
    expect((await preflight('/order')).status).toBe(200);
  });

  test('it gets both in Vary when an answer varies by something else', async () => {
    open();
    const { headers } = await ask('/list');
    expect(headers.get('vary')).toBe('Origin, Accept-Encoding');
    expect(corsOf(headers)).toMatchObject(CORS);
  });

  test('its connection stays usable after a preflight', async () => {
    open();
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    const asked = `OPTIONS /order HTTP/1.1\r\nHost: x\r\nOrigin: ${PAGE}\r\nAccess-Control-Request-Method: POST\r\n\r\n`;
    const posted = `POST /order HTTP/1.1\r\nHost: x\r\nOrigin: ${PAGE}\r\nConnection: close\r\n\r\n`;
    socket.write(asked + posted);
    let text = '';
    for await (const chunk of socket) text += chunk;
    expect(text.match(/^HTTP\/1\.1 200/gm)).toHaveLength(2);
    expect(text).toContain('{"ok":true}');
  });
});

describe('front-end: callers other than a page of a listed origin', () => {
  test.each([OTHER, 'null', `${PAGE}/`, 'https://localhost:8090', 'http://LOCALHOST:8090'])(
    'a page of %s gets no CORS header, and its preflight gets no CORS answer',
    async (origin) => {
      open();
      for (const { headers } of [
        await ask('/order', origin, 'POST'),
        await preflight('/order', origin),
        await ask('/stream', origin),
        await ask('/shed', origin),
      ]) {
        expect(corsOf(headers)).toEqual({});
        expect(headers.get('vary')).toBe('Origin');
      }
      const { status, headers, body } = await preflight('/order', origin);
      expect({ status, allow: headers.get('allow'), code: body.code }).toEqual({
        status: 405,
        allow: 'POST',
        code: 'method_not_allowed',
      });
      expect((await preflight('/nothing/here', origin)).status).toBe(404);
    },
  );

  test('a client that is not a page gets no CORS header', async () => {
    open();
    expect(corsOf((await call(url, 'POST', '/order')).headers)).toEqual({});
  });

  test('the identity provider sets its own CORS headers on its own paths', async () => {
    open();
    const { headers, body } = await ask('/realms/any');
    expect([corsOf(headers), headers.get('vary'), body]).toEqual([{}, null, { ok: true }]);
    expect((await preflight('/realms/any')).status).not.toBe(200);
  });

  test('no CORS header is sent without a listed origin, not even Vary', async () => {
    ({ url, open } = await serve([]));
    open();
    const { headers } = await ask('/order', PAGE, 'POST');
    expect([corsOf(headers), headers.get('vary')]).toEqual([{}, null]);
    expect((await preflight('/order')).status).toBe(405);
  });
});

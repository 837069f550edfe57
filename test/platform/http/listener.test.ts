import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { beforeEach, describe, expect, test } from 'vitest';
import { instant } from '../../../src/kernel/clock.ts';
import { bind, handleWith, type Listener } from '../../../src/platform/http/listener.ts';
import { answerWhileStarting } from '../../../src/platform/http/starting.ts';
import { READING_LIMITS } from '../../../src/platform/http/unread-answers.ts';
import { until } from '../../support/servers.ts';
import { call } from '../../support/test-app.ts';

const CONNECTIONS = 50;
const FAR_MS = 60_000;

let listener: Listener;
let url: string;

beforeEach(async () => {
  const starting = answerWhileStarting({
    requestId: randomUUID,
    clock: { now: () => instant(0) },
    version: '1.2.3',
    isEmbedded: (part) => part === 'redis',
  });
  listener = await bind(0, '127.0.0.1', starting);
  url = `http://127.0.0.1:${listener.port}`;
});

describe('drain: while the service starts', () => {
  test.each(['/api/order', '/api/order/health/x', '/healthz', '/'])(
    'its answer to %s is a problem document',
    async (path) => {
      const { status, headers, body } = await call(url, 'GET', path);
      expect(status).toBe(503);
      expect(headers.get('content-type')).toBe('application/problem+json');
      expect(headers.get('retry-after')).toBe('1');
      expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
      expect(body).toMatchObject({ code: 'starting', status: 503, message: body.detail });
      await listener.close(0);
    },
  );

  test.each(['/api/order/health', '/api/order/health/', '/api/order/health?x=1'])(
    'its answer to %s has its documented shape',
    async (path) => {
      const { status, headers, body } = await call(url, 'GET', path);
      expect(status).toBe(503);
      expect(headers.get('content-type')).toContain('application/json');
      expect(headers.get('retry-after')).toBe('1');
      const down = { status: 'DOWN', embedded: false };
      expect(body).toEqual({
        status: 'DOWN',
        timestamp: '1970-01-01T00:00:00.000Z',
        service: 'ms-ticketing',
        version: '1.2.3',
        database: down,
        redis: { status: 'DOWN', embedded: true },
        kafka: down,
        identity: down,
        seating: down,
        stripe: down,
        outbox: { status: 'DOWN', waiting: 0, lag_seconds: 0 },
      });
      await listener.close(0);
    },
  );
});

describe('drain: closing the port', () => {
  test('it answers connections that were not accepted yet, and refuses later ones', async () => {
    handleWith(listener.server, (_request, response) => response.setHeader('connection', 'close').end('served'));
    const sockets = Array.from({ length: CONNECTIONS }, () => connect(listener.port, '127.0.0.1'));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    for (const socket of sockets) socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
    const answers = sockets.map((socket) => text(socket));
    await listener.stopAccepting();
    for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^HTTP\/1\.1 200 OK[\s\S]+served/);
    await expect(once(connect(listener.port, '127.0.0.1'), 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await listener.close(FAR_MS);
  });

  test('it waits for requests under way, and cuts them after its timeout', async () => {
    handleWith(listener.server, () => undefined);
    const unanswered = call(url, 'GET', '/').catch(() => 'cut');
    await once(listener.server, 'request');
    await listener.close(1);
    expect(await unanswered).toBe('cut');
  });
});

test('unread-answers: the port gives each reader a minute, and takes the requests of a connection in turn', async () => {
  const answering: Socket[] = [];
  handleWith(listener.server, ({ socket }, response) => {
    answering.push(socket);
    response.end(Buffer.alloc(16_000_000));
  });
  const reader = connect(listener.port, '127.0.0.1').pause();
  reader.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(2));
  await until('its time is limited', () => answering[0]?.timeout === READING_LIMITS.maxPauseMs);
  expect(answering).toHaveLength(1);
  reader.destroy();
  await listener.close(0);
});

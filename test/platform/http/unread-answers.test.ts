import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { expect, test, vi } from 'vitest';
import {
  MAX_WAITING_REQUESTS,
  oneAtATime,
  READING_LIMITS,
  type ReadingLimits,
  UnreadAnswers,
} from '../../../src/platform/http/unread-answers.ts';
import { atEnd } from '../../support/at-end.ts';
import { patience } from '../../support/patience.ts';
import { close, listen, until } from '../../support/servers.ts';
import { call } from '../../support/test-app.ts';

/** More than the buffers of a connection take. */
const LARGE = Buffer.alloc(16_000_000, 'x');
const GET = 'GET / HTTP/1.1\r\nhost: here\r\n\r\n';
const SHORT_MS = Math.ceil(patience(100));

async function serve(handle: RequestListener, limits?: Partial<ReadingLimits>) {
  const server: Server = createServer();
  server.on('request', oneAtATime(new UnreadAnswers(server, { ...READING_LIMITS, ...limits }), handle));
  const url = await listen(server);
  atEnd(() => close(server));
  return { server, url, port: Number(new URL(url).port) };
}

/** A client that sends this and reads nothing. */
async function silent(port: number, sent: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined).pause();
  atEnd(async () => void socket.destroy());
  await once(socket, 'connect');
  socket.write(sent);
  return socket;
}

test('unread-answers: one that its reader takes nothing of is cut after its time, and frees its memory', async () => {
  const ended: boolean[] = [];
  const { port } = await serve(
    (_request, response) => {
      response.on('close', () => ended.push(response.writableFinished)).end(LARGE);
    },
    { maxPauseMs: SHORT_MS },
  );
  await silent(port, GET);
  await until('it is cut', () => ended.length === 1);
  expect(ended).toEqual([false]);
});

test('unread-answers: those of all readers together are bounded, and the oldest is cut first', async () => {
  const open = new Set<string>();
  const { port } = await serve(
    ({ url = '' }, response) => {
      open.add(url);
      response.on('close', () => open.delete(url)).end(LARGE);
    },
    { maxWaitingBytes: 2.5 * LARGE.length },
  );
  for (const name of ['/1', '/2', '/3', '/4']) {
    await silent(port, GET.replace('/', name));
    await until(`${name} has begun`, () => open.has(name));
  }
  await until('two are cut', () => open.size === 2);
  expect([...open]).toEqual(['/3', '/4']);
});

test('unread-answers: a handler may take longer than a reader, and one that reads gets everything', async () => {
  let isCut = false;
  const gate = Promise.withResolvers<void>();
  const { url, port } = await serve(
    async (request, response) => {
      if (request.url === '/unread')
        return void response
          .on('close', () => {
            isCut = true;
          })
          .end(LARGE);
      await gate.promise;
      response.end(LARGE);
    },
    { maxPauseMs: SHORT_MS },
  );
  const slow = call(url, 'GET', '/slow');
  await silent(port, GET.replace('/', '/unread'));
  await until('the limit is over for another', () => isCut);
  gate.resolve();
  expect((await slow).text).toHaveLength(LARGE.length);
});

test('unread-answers: a connection that sends many requests at once holds one answer in memory', async () => {
  let begun = 0;
  const { port } = await serve((_request, response) => {
    begun += 1;
    response.end(LARGE);
  });
  await silent(port, GET.repeat(1 + MAX_WAITING_REQUESTS));
  await until('the first is being answered', () => begun === 1);
  const other = await silent(port, GET);
  await until('so is that of another connection', () => begun === 2);
  other.destroy();
  expect(begun).toBe(2);
});

test('a connection is cut when more requests wait behind one than are allowed, and no waiting one is handled', async () => {
  let begun = 0;
  const gate = Promise.withResolvers<void>();
  const { port } = await serve(async (_request, response) => {
    begun += 1;
    await gate.promise;
    response.end();
  });
  const tooMany = await silent(port, GET.repeat(2 + MAX_WAITING_REQUESTS));
  const allowed = await silent(port, GET.repeat(1 + MAX_WAITING_REQUESTS));
  tooMany.resume();
  await until('it is cut', () => tooMany.closed);
  await until('the other is being answered', () => begun === 2);
  gate.resolve();
  await until('all of the other are answered', () => begun === 2 + MAX_WAITING_REQUESTS);
  expect(allowed.closed).toBe(false);
});

test('unread-answers: one that waits behind another is not looked at before it begins', async () => {
  const watched: string[] = [];
  const server = createServer();
  const unread = new UnreadAnswers(server);
  const gate = Promise.withResolvers<void>();
  const arrived: string[] = [];
  vi.spyOn(unread, 'watch').mockImplementation(({ req }) => void watched.push(req.url ?? ''));
  server.on('request', ({ url = '' }) => arrived.push(url));
  server.on(
    'request',
    oneAtATime(unread, async (_request, response) => {
      await gate.promise;
      response.end();
    }),
  );
  const port = Number(new URL(await listen(server)).port);
  atEnd(() => close(server));
  await silent(port, ['/1', '/2', '/3'].map((path) => GET.replace('/', path)).join(''));
  await until('all have arrived', () => arrived.length === 3);
  expect(watched).toEqual(['/1']);
  gate.resolve();
  await until('all have begun', () => watched.length === 3);
  expect(watched).toEqual(['/1', '/2', '/3']);
});

test('requests of a connection are answered in their order, and those behind a broken one are never handled', async () => {
  const handled: string[] = [];
  const { port } = await serve(({ url = '' }, response) => {
    handled.push(url);
    if (url === '/broken') response.destroy();
    else setImmediate(() => response.end(url));
  });
  const paths = ['/1', '/2', '/3', '/broken', '/never'];
  const socket = connect(port, '127.0.0.1');
  socket.write(paths.map((path) => GET.replace('/', path)).join(''));
  let read = '';
  for await (const chunk of socket) read += chunk;
  expect(read.match(/\r\n\r\n\/\d/g)).toEqual(['\r\n\r\n/1', '\r\n\r\n/2', '\r\n\r\n/3']);
  expect(handled).toEqual(paths.slice(0, 4));
});

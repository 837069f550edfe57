import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LongAnswers } from '../../../src/features/analytics/long-answers.ts';
import { bodyOfParts } from '../../../src/platform/http/body-of-parts.ts';
import { until } from '../../support/servers.ts';

const MAX_PAUSE_MS = 60_000;
const PART = 'x'.repeat(65_536);
const MANY = 2_000;

let server: Server;
let reader: Socket | undefined;
let answers: LongAnswers;
let sourcesClosed: number;

async function* source(parts: number, beforeEachPart: () => Promise<unknown>) {
  try {
    for (let part = 0; part < parts; part += 1) {
      await beforeEachPart();
      yield PART;
    }
  } finally {
    sourcesClosed += 1;
  }
}

/** A server that answers with this many parts, and a client that has received the beginning of the answer. */
async function ask(parts: number, beforeEachPart: () => Promise<unknown>): Promise<Socket> {
  server.once('request', async (_request, response) => {
    const body = bodyOfParts(
      await answers.open(
        () => source(parts, beforeEachPart),
        (all) => all,
      ),
      MAX_PAUSE_MS,
    );
    body.on('error', () => response.destroy());
    response.on('close', () => body.destroy());
    body.pipe(response);
  });
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  reader = socket;
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nhost: here\r\n\r\n');
  await once(socket, 'readable');
  return socket;
}

beforeEach(async () => {
  sourcesClosed = 0;
  reader = undefined;
  answers = new LongAnswers(1);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(() => {
  vi.useRealTimers();
  reader?.destroy();
  server.close();
});

/** Resolves when nothing moves any more because the socket buffers are full. */
async function untilItStands(made: () => number): Promise<void> {
  let before = -1;
  for (let quiet = 0; quiet < 200; quiet += 1) {
    if (made() !== before) quiet = 0;
    before = made();
    await nextTurn();
  }
}

test('a reader that takes nothing for a minute is cut off, and its place becomes free', async () => {
  let made = 0;
  const socket = await ask(MANY, async () => {
    made += 1;
  });
  await untilItStands(() => made);
  expect(made).toBeLessThan(MANY);
  vi.advanceTimersByTime(MAX_PAUSE_MS - 1);
  await nextTurn();
  expect(sourcesClosed).toBe(0);
  vi.advanceTimersByTime(1);
  vi.useRealTimers();
  await until('the source is closed', async () => sourcesClosed === 1);
  const closed = once(socket, 'close');
  socket.resume();
  await closed;
  await expect(
    answers.open(
      () => source(1, nextTurn),
      (all) => all,
    ),
  ).resolves.toBeDefined();
});

test('a reader that keeps reading is not cut off, nor one that waits for a slow source', async () => {
  const gate = Promise.withResolvers<void>();
  let made = 0;
  const body = bodyOfParts(
    await answers.open(
      () =>
        source(3, async () => {
          made += 1;
          if (made === 3) await gate.promise;
        }),
      (all) => all,
    ),
    MAX_PAUSE_MS,
  );
  let bytes = 0;
  body.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  while (made < 3) await nextTurn();
  vi.advanceTimersByTime(10 * MAX_PAUSE_MS);
  gate.resolve();
  await once(body, 'end');
  expect(bytes).toBe(3 * PART.length);
  expect(sourcesClosed).toBe(1);
});

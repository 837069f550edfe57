import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LongAnswers } from '../../../src/features/analytics/long-answers.ts';
import { MS_PER_SECOND } from '../../../src/kernel/clock.ts';
import { as, type UserId } from '../../../src/kernel/ids.ts';
import { bodyOfParts, READER_LIMITS } from '../../../src/platform/http/body-of-parts.ts';
import { until } from '../../support/servers.ts';

const { graceMs, leastBytesPerS, longestMs } = READER_LIMITS;
const USER = as<UserId>('user');
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
        USER,
        () => source(parts, beforeEachPart),
        (all) => all,
      ),
      READER_LIMITS,
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
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
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

test('a reader that takes nothing is cut off when its grace has passed, and its place becomes free', async () => {
  let made = 0;
  const socket = await ask(MANY, async () => {
    made += 1;
  });
  await untilItStands(() => made);
  expect(made).toBeLessThan(MANY);
  vi.advanceTimersByTime(graceMs - 1);
  await nextTurn();
  expect(sourcesClosed).toBe(0);
  // The bytes in the buffers of the connection counted as taken.
  vi.advanceTimersByTime(longestMs - graceMs);
  vi.useRealTimers();
  await until('the source is closed', async () => sourcesClosed === 1);
  const closed = once(socket, 'close');
  socket.resume();
  await closed;
  await expect(
    answers.open(
      USER,
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
      USER,
      () =>
        source(3, async () => {
          made += 1;
          if (made === 3) await gate.promise;
        }),
      (all) => all,
    ),
    READER_LIMITS,
  );
  let bytes = 0;
  body.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  while (made < 3) await nextTurn();
  vi.advanceTimersByTime(10 * longestMs);
  gate.resolve();
  await once(body, 'end');
  expect(bytes).toBe(3 * PART.length);
  expect(sourcesClosed).toBe(1);
});

describe('slow-exports: a reader that keeps taking parts', () => {
  /** The time for which a body waits for a reader that takes a part of this many bytes each second. */
  async function readWith(bytesPerS: number): Promise<{ waitedMs: number; takenBytes: number }> {
    const body = bodyOfParts(
      await answers.open(
        USER,
        async function* () {
          for (;;) yield 'x'.repeat(bytesPerS);
        },
        (all) => all,
      ),
      READER_LIMITS,
    );
    const ended = once(body, 'error');
    let takenBytes = 0;
    let waitedMs = 0;
    for (; !body.destroyed; waitedMs += MS_PER_SECOND) {
      takenBytes += body.read()?.length ?? 0;
      // The next part is made, and waits in the body.
      for (let turn = 0; turn < 5; turn += 1) await nextTurn();
      vi.advanceTimersByTime(MS_PER_SECOND);
    }
    expect((await ended)[0].message).toContain('too slowly');
    return { waitedMs, takenBytes };
  }

  test.each([leastBytesPerS / 64, leastBytesPerS / 2])('it is cut off at %i bytes a second', async (bytesPerS) => {
    const { waitedMs } = await readWith(bytesPerS);
    expect(waitedMs).toBeGreaterThan(graceMs);
    expect(waitedMs).toBeLessThan(longestMs);
  });

  test('it has a minute in all, however fast it is when it reads', async () => {
    const { waitedMs, takenBytes } = await readWith(4 * leastBytesPerS);
    expect(waitedMs).toBeGreaterThanOrEqual(longestMs);
    expect(waitedMs).toBeLessThan(longestMs + 5 * MS_PER_SECOND);
    expect(takenBytes).toBeGreaterThan(leastBytesPerS);
  });
});

test('slow-exports: a user has one long answer at a time, and others are served meanwhile', async () => {
  answers = new LongAnswers(3);
  const open = (name: string) =>
    answers.open(
      as<UserId>(name),
      () => source(1, nextTurn),
      (all) => all,
    );
  const first = await open('a');
  await expect(open('a')).rejects.toMatchObject({ code: 'export_under_way' });
  await open('b');
  await open('c');
  await expect(open('d')).rejects.toMatchObject({ code: 'exports_busy' });
  await first.return();
  await open('a');
});

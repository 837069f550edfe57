import { createServer, type ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Agent } from 'undici';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { ServiceClient } from '../../../src/platform/http/service-client.ts';
import { close, listen, until } from '../../support/servers.ts';

let url: string;
let client: ServiceClient;
let answer: (response: ServerResponse) => void;
let seen: { url: string | undefined; authorization: string | undefined }[];
let discarded: string[];
const http = new Agent();
const server = createServer((request, response) => {
  seen.push({ url: request.url, authorization: request.headers.authorization });
  answer(response);
});

const send = (status: number, body: string) => (response: ServerResponse) => response.writeHead(status).end(body);

let circuit: boolean[] = [];

beforeAll(async () => {
  url = await listen(server);
});

afterAll(async () => {
  await http.destroy();
  await close(server);
});

beforeEach(() => {
  seen = [];
  discarded = [];
  let count = 0;
  const tokens = {
    get: async () => `token-${count}`,
    discard(token: string) {
      discarded.push(token);
      count += 1;
    },
  };
  circuit = [];
  client = new ServiceClient({
    http,
    baseUrl: `${url}/api/seating/`,
    tokens,
    onCircuit: (isOpen) => circuit.push(isOpen),
  });
  answer = send(200, '{"a":1}');
});

afterEach(() => vi.useRealTimers());

describe('an answer of a seating service', () => {
  test('it is requested with the service’s token, below the base address', async () => {
    expect(await client.get('/internal/x', { q: 'a b&c' })).toEqual({ outcome: 'ok', body: { a: 1 } });
    expect(seen).toEqual([{ url: '/api/seating/internal/x?q=a+b%26c', authorization: 'Bearer token-0' }]);
  });

  test('it may be empty', async () => {
    answer = send(200, '');
    expect(await client.post('/x', {})).toEqual({ outcome: 'ok', body: undefined });
  });

  test.each([
    [400, '{"message":"Not on sale."}', 'Not on sale.'],
    [409, '{"message":"Taken."}', 'Taken.'],
    [400, '<html>', 'The seating service refused the seats.'],
    [400, '{"message":7}', 'The seating service refused the seats.'],
  ])('with status %i to a request, it is a refusal with the message: %s', async (status, body, message) => {
    answer = send(status, body);
    expect(await client.post('/x', {})).toEqual({ outcome: 'refused', message });
  });

  test.each([403, 404])('with status %i to a query, it is a refusal', async (status) => {
    answer = send(status, '');
    expect(await client.get('/x', {})).toMatchObject({ outcome: 'refused' });
  });
});

describe('a seating service counts as unavailable', () => {
  test.each([
    ['after a server error', send(500, '{"message":"NullPointerException"}')],
    ['after a wrong address', send(404, '')],
    ['without permission', send(403, '')],
    ['after an answer of another shape', send(200, 'true or false')],
    ['after a cut connection', (response: ServerResponse) => response.destroy()],
  ])('%s', async (_name, how) => {
    answer = how;
    await expect(client.post('/x', {})).rejects.toMatchObject({ code: 'seating_unavailable' });
  });

  test('a service that does not answer in full gets four seconds in total, and no second attempt', async () => {
    const asked = Promise.withResolvers<void>();
    answer = (response) => {
      if (response.req.url?.endsWith('/half')) response.writeHead(200).write('tru');
      if (seen.length === 3) asked.resolve();
    };
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let ended = 0;
    const calls = [client.get('/x', {}), client.post('/x', {}), client.get('/half', {})].map((call) =>
      call.finally(() => {
        ended += 1;
      }),
    );
    const outcomes = Promise.allSettled(calls);
    await asked.promise;
    vi.advanceTimersByTime(3_999);
    await nextTurn();
    expect(ended).toBe(0);
    vi.advanceTimersByTime(1);
    vi.useRealTimers();
    await until('the calls end', () => ended === 3);
    for (const call of await outcomes)
      expect(call).toMatchObject({ status: 'rejected', reason: { code: 'seating_unavailable' } });
    expect(seen).toHaveLength(3);
  });

  test('a read that fails is tried once more, and a request is not', async () => {
    const first = (response: ServerResponse) => (seen.length === 1 ? response.destroy() : send(200, 'true')(response));
    answer = first;
    expect(await client.get('/x', {})).toEqual({ outcome: 'ok', body: true });
    expect(seen).toHaveLength(2);
    seen = [];
    await expect(client.post('/x', {})).rejects.toMatchObject({ code: 'seating_unavailable' });
    expect(seen).toHaveLength(1);
  });

  test('a refused token is replaced once', async () => {
    answer = (response) => send(seen.length === 1 ? 401 : 200, 'true')(response);
    expect(await client.get('/x', {})).toEqual({ outcome: 'ok', body: true });
    expect(seen.map(({ authorization }) => authorization)).toEqual(['Bearer token-0', 'Bearer token-1']);
    answer = send(401, '');
    await expect(client.get('/x', {})).rejects.toMatchObject({ code: 'seating_unavailable' });
    expect(discarded).toEqual(['token-0', 'token-1', 'token-2']);
    expect(seen).toHaveLength(6);
  });
});

test.each([
  ['502 of a gateway', send(502, '')],
  ['503', send(503, '')],
  ['504', send(504, '')],
  ['no answer', (response: ServerResponse) => response.destroy()],
])('after ten outages in a row the service is not called for a while, and then tried again: %s', async (_name, how) => {
  vi.useFakeTimers({ toFake: ['Date'] });
  answer = how;
  for (let attempt = 0; attempt < 12; attempt += 1) {
    await expect(client.get('/x', {})).rejects.toMatchObject({ code: 'seating_unavailable' });
  }
  expect(seen).toHaveLength(10);
  answer = send(200, 'true');
  vi.advanceTimersByTime(1_999);
  await expect(client.get('/x', {})).rejects.toMatchObject({ code: 'seating_unavailable' });
  expect(seen).toHaveLength(10);
  vi.advanceTimersByTime(1);
  expect(await client.get('/x', {})).toEqual({ outcome: 'ok', body: true });
  expect(circuit).toEqual([false, true, false]);
});

test('connections are bounded: a call that gets none in time fails, and the others are answered', async () => {
  const MAX = 3;
  const narrow = new Agent({ connections: MAX });
  onTestFinished(() => narrow.destroy());
  const tokens = { get: async () => 'token', discard: () => undefined };
  const far = new ServiceClient({ http: narrow, baseUrl: url, tokens, onCircuit: () => undefined });
  const held: ServerResponse[] = [];
  answer = (response) => void held.push(response);
  const asked = Array.from({ length: 2 * MAX }, () => far.post('/x', {}).then(({ outcome }) => outcome));
  const outcomes = Promise.allSettled(asked);
  await until('as many as allowed are under way', () => held.length === MAX);
  // The others wait here, and not at the service.
  expect(seen).toHaveLength(MAX);
  for (const response of held.splice(0)) send(200, 'true')(response);
  await until('the next have their turn', () => held.length === MAX);
  for (const response of held.splice(0)) send(200, 'true')(response);
  expect((await outcomes).map(({ status }) => status)).toEqual(Array(2 * MAX).fill('fulfilled'));
});

test.each([
  ['a refusal', send(400, '{"message":"no"}')],
  ['403', send(403, '')],
  ['404', send(404, '')],
  ['422', send(422, '')],
  ['500, which a user’s request can cause', send(500, '{"message":"NullPointerException"}')],
  ['501', send(501, '')],
  ['an answer of another shape', send(200, 'true or false')],
])('breaker-for-all: %s is an answer, and does not open the circuit', async (_name, how) => {
  answer = how;
  for (let attempt = 0; attempt < 15; attempt += 1) await client.post('/x', {}).catch(() => undefined);
  expect(seen).toHaveLength(15);
  expect(circuit).toEqual([false]);
});

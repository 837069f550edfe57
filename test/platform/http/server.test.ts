import { pino } from 'pino';
import { Type } from 'typebox';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { ERRORS } from '../../../src/app/errors.ts';
import { AppError, type ErrorCode, type ErrorFacts } from '../../../src/kernel/errors.ts';
import { Drain } from '../../../src/platform/http/drain.ts';
import { bind, type Listener, PortTaken } from '../../../src/platform/http/listener.ts';
import type { HttpServer } from '../../../src/platform/http/server.ts';
import { bareServer } from '../../support/bare-server.ts';
import { until } from '../../support/servers.ts';
import { call } from '../../support/test-app.ts';

let listener: Listener;
let http: HttpServer;
let drain: Drain;
let url: string;
let lines: string[];
let log: pino.Logger;
let gate: PromiseWithResolvers<void>;
let arrived: number;

beforeEach(async () => {
  lines = [];
  gate = Promise.withResolvers();
  arrived = 0;
  log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
  const created = await bareServer(log);
  ({ app: http, listener, url } = created);
  drain = new Drain(http);
  http.get('/code/:code', async (request) => {
    throw new AppError((request.params as { code: ErrorCode }).code, 'because');
  });
  http.get('/broken', async () => {
    throw new Error('SELECT secret FROM everything');
  });
  http.get('/slow', async () => {
    arrived += 1;
    await gate.promise;
    return 'done';
  });
  http.post('/typed', { schema: { body: Type.Object({ n: Type.Integer() }) } }, async (request) => request.body);
  http.get(
    '/typed',
    {
      schema: {
        querystring: Type.Object({
          n: Type.Integer({ minimum: 1 }),
          by: Type.Optional(Type.Union([Type.Literal('name'), Type.Literal('price')])),
        }),
      },
    },
    async (request) => request.query,
  );
  expect((await call(url, 'GET', '/slow')).status).toBe(503);
  await http.ready();
  created.open();
});

afterEach(async () => {
  gate.resolve();
  await http.close();
  await listener.close(10);
});

describe('errors of a route', () => {
  test.each(Object.keys(ERRORS) as ErrorCode[])('%s is sent as a problem document', async (code) => {
    const facts: ErrorFacts = ERRORS[code];
    const { status, headers, body } = await call(url, 'GET', `/code/${code}`);
    expect(status).toBe(facts.status);
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(headers.get('x-request-id')).toBe('request-1');
    expect(headers.get('retry-after')).toBe([429, 503].includes(status) ? '2' : null);
    expect(headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer' : null);
    expect(body).toEqual({
      type: `/docs/errors#${code}`,
      title: facts.title,
      status,
      detail: 'because',
      code,
      message: 'because',
      ...(facts.doorWord === undefined ? {} : { refusal: facts.doorWord }),
    });
  });

  test('an internal error shows no detail to the caller, and stands in the log', async () => {
    const { status, text } = await call(url, 'GET', '/broken');
    expect(status).toBe(500);
    expect(text).not.toContain('SELECT');
    expect(lines.join('')).toContain('SELECT secret');
  });
});

describe('validation of a request', () => {
  test.each([
    [{ n: '7' }, 'body/n: must be integer'],
    [{ n: 1.5 }, 'body/n: must be integer'],
    [{}, 'body/n: is missing'],
    [[], 'body: must be object'],
  ])('it takes the body %o unchanged', async (body, detail) => {
    expect(await call(url, 'POST', '/typed', { body })).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', detail },
    });
  });

  const levels = (count: number) => `{"n":7,"more":${'['.repeat(count - 1)}${']'.repeat(count - 1)}}`;

  test.each<[string, string, Record<string, string>, object]>([
    ['a member that is given twice: the last counts', '{"n":"x","n":7}', {}, { status: 200, body: { n: 7 } }],
    ['32 levels', levels(32), {}, { status: 200 }],
    [
      '33 levels',
      levels(33),
      {},
      { status: 400, body: { detail: expect.stringContaining('more than 32 objects or lists') } },
    ],
    ['brackets in a text', `{"n":7,"text":"\\"${'['.repeat(100)}\\\\"}`, {}, { status: 200 }],
    ['a prototype', '{"n":7,"__proto__":{"isAdmin":true}}', {}, { status: 400, body: { code: 'invalid_request' } }],
    [
      'JSON as text/plain',
      '{"n":7}',
      { 'content-type': 'text/plain' },
      {
        status: 415,
        body: { detail: expect.stringContaining('Send JSON with the header Content-Type: application/json') },
      },
    ],
    [
      'a blank text/plain',
      ' ',
      { 'content-type': 'text/plain' },
      { status: 400, body: { detail: expect.stringContaining('has no body') } },
    ],
  ])('it answers a body with %s', async (_what, body, headers, expected) => {
    expect(await call(url, 'POST', '/typed', { body, headers })).toMatchObject(expected);
  });

  test('it parses the text of a query', async () => {
    expect((await call(url, 'GET', '/typed?n=7')).body).toEqual({ n: 7 });
    expect(await call(url, 'GET', '/typed?n=0')).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'querystring/n', reason: 'must be >= 1' }] },
    });
    expect((await call(url, 'GET', '/typed?n=7&by=size')).body.errors).toEqual([
      { field: 'querystring/by', reason: 'must be one of name, price' },
    ]);
  });
});

test('a log line has the route and not the query', async () => {
  await call(url, 'GET', '/typed?n=7&access_token=hidden');
  await until('it is logged', () => lines.length > 0);
  expect(lines.join('')).toContain('"route":"/typed"');
  expect(lines.join('')).not.toContain('hidden');
});

test('above level debug, only a failed request has a log line', async () => {
  log.level = 'info';
  await call(url, 'GET', '/typed?n=7');
  await call(url, 'GET', '/broken');
  await until('it is logged', () => lines.length > 0);
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({ msg: 'request failed', route: '/broken', status: 500 }),
  ]);
});

test('log-at-will: of failures with one error on one route ten a minute have a line, and the rest are counted', async () => {
  log.level = 'info';
  let nowMs = performance.now();
  const stopwatch = vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  onTestFinished(() => stopwatch.mockRestore());
  const failing = (code: string, times: number) =>
    Promise.all(Array.from({ length: times }, () => call(url, 'GET', code === '' ? '/broken' : `/code/${code}`)));
  await failing('', 25);
  await failing('seating_unavailable', 25);
  await failing('identity_unavailable', 1);
  await until('they are logged', () => lines.length >= 21);
  nowMs += 60_000;
  await failing('', 1);
  await until('the next is logged', () => lines.length >= 22);
  const logged = lines.map((line) => JSON.parse(line));
  expect(logged).toHaveLength(22);
  expect(logged.filter(({ route }) => route === '/broken')).toHaveLength(11);
  expect(logged.at(-1)).toMatchObject({ route: '/broken', status: 500, omitted: 15 });
});

test('work that fails after its client disconnected has a log line of its own', async () => {
  const aborted = new AbortController();
  const disconnected = fetch(`${url}/slow`, { signal: aborted.signal }).catch(() => 'disconnected');
  await until('it is under way', () => arrived === 1);
  aborted.abort();
  await disconnected;
  await until('its line is there', () => lines.length === 1);
  gate.reject(new Error('too late'));
  await until('the other is, too', () => lines.length === 2);
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({ msg: 'request', aborted: true }),
    expect.objectContaining({ msg: 'request failed after its client had disconnected', route: '/slow' }),
  ]);
});

test.each([
  ['/typed', 405],
  ['/typed/', 405],
  ['/typ%65d?n=1', 405],
  ['/code/internal', 405],
  ['/nothing', 404],
])('PUT %s is answered with %i', async (path, status) => {
  const answer = await call(url, 'PUT', path, { body: {} });
  expect(answer.status).toBe(status);
  expect(answer.headers.get('allow') === null).toBe(status === 404);
});

test('binding a taken port fails with PortTaken', async () => {
  await expect(bind(listener.port, '127.0.0.1')).rejects.toThrow(PortTaken);
});

describe('a server that drains', () => {
  test('it finishes its requests, serves kept connections once more, and refuses only after that', async () => {
    const slow = call(url, 'GET', '/slow');
    const aborted = new AbortController();
    const disconnected = fetch(`${url}/slow`, { signal: aborted.signal }).catch(() => 'disconnected');
    await until('both are under way', () => arrived === 2);
    aborted.abort();
    await disconnected;
    let isDrained = false;
    const drained = drain.finish(5_000).then(() => {
      isDrained = true;
    });
    expect(drain.isOpen()).toBe(false);
    const last = await call(url, 'GET', '/typed?n=1');
    expect(last).toMatchObject({ status: 200, body: { n: 1 } });
    expect(last.headers.get('connection')).toBe('close');
    expect(isDrained).toBe(false);
    gate.resolve();
    const finished = await slow;
    expect(finished.text).toBe('done');
    expect(finished.headers.get('connection')).toBe('close');
    await drained;
    expect(await call(url, 'GET', '/typed?n=1')).toMatchObject({ status: 503, body: { code: 'shutting_down' } });
  });

  test('it serves as before while it leaves, and closes each connection after its request', async () => {
    expect((await call(url, 'GET', '/typed?n=1')).headers.get('connection')).toBe('keep-alive');
    drain.leave();
    expect(drain.isOpen()).toBe(false);
    const answer = await call(url, 'GET', '/typed?n=1');
    expect(answer).toMatchObject({ status: 200, body: { n: 1 } });
    expect(answer.headers.get('connection')).toBe('close');
  });

  test('it does not wait for ever', async () => {
    const slow = call(url, 'GET', '/slow');
    await until('it is under way', () => arrived === 1);
    expect(await drain.finish(20)).toBe(1);
    gate.resolve();
    await slow;
  });
});

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, test } from 'vitest';
import { ERRORS } from '../../src/app/errors.ts';
import type { ErrorCode } from '../../src/kernel/errors.ts';
import { type Operation, operationsOf, somewhere } from '../support/api-document.ts';
import { atEnd } from '../support/at-end.ts';
import { startFakeIssuer } from '../support/fake-issuer.ts';
import { openLink } from '../support/link.ts';
import { testDatabase } from '../support/own-database.ts';
import { until } from '../support/servers.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});

/** Formats whose texts have a length. */
const BOUNDED_FORMATS: readonly unknown[] = ['uuid', 'date', 'date-time'];

/** Where a schema takes a text of any length. */
function endlessTexts(schema: unknown, where: string): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const { type, maxLength, format, pattern, enum: list, const: only } = schema as Record<string, unknown>;
  const isShort = typeof pattern === 'string' && !/[*+]|,\}/.test(pattern);
  const hasFewValues = list !== undefined || only !== undefined;
  const isBounded = maxLength !== undefined || isShort || hasFewValues || BOUNDED_FORMATS.includes(format);
  const inside = Object.entries(schema)
    .filter(([name]) => name !== 'examples' && name !== 'enum')
    .flatMap(([name, inner]) => endlessTexts(inner, `${where} ${name}`));
  return type === 'string' && !isBounded ? [where, ...inside] : inside;
}

describe('the description of the API', () => {
  test('is OpenAPI 3.1, and every body in it has an example', async () => {
    const { body: document } = await app.call('GET', '/openapi.json');
    expect(document.openapi).toBe('3.1.0');
    const operations = await operationsOf(app);
    expect(operations.length).toBeGreaterThan(14);
    for (const { summary, requestBody, responses } of operations) {
      expect(summary).toBeTruthy();
      const bodies = [requestBody, ...Object.values(responses)].flatMap((each) => Object.values(each?.content ?? {}));
      for (const { schema, example, examples } of bodies) {
        const element = schema.type === 'array' ? schema.items : schema;
        const shown = example ?? examples ?? element.examples ?? element.example;
        expect(shown ?? element.type === 'null', `${summary}: ${JSON.stringify(element).slice(0, 200)}`).toBeTruthy();
      }
    }
  });

  test('documents which routes need a token', async () => {
    const { body: document } = await app.call('GET', '/openapi.json');
    expect(document.paths['/api/secure'].get.security).toEqual([{ bearer: [] }]);
    expect(document.paths['/healthz'].get.security).toBeUndefined();
    expect(document.paths['/api/webhook/stripe'].post.security).toBeUndefined();
  });

  test('leaves the stand-ins out, and is shown as pages', async () => {
    const { body: document } = await app.call('GET', '/openapi.json');
    expect(
      Object.keys(document.paths).filter(
        (path) => path.startsWith('/v1') || path.includes('realms') || path.includes('event-'),
      ),
    ).toEqual([]);
    const { body: problem } = await app.call('GET', '/api/nothing', { token: 'x' });
    const page = await app.call('GET', problem.type);
    expect(page.text).toContain(`id="${problem.type.split('#')[1]}"`);
    expect(await app.call('GET', '/docs/')).toMatchObject({ status: 200, text: expect.stringContaining('swagger') });
  });
});

describe('openapi-patterns: what generators of clients read', () => {
  test('every pattern is portable: no look-around, no property classes, no escape of more than two digits', async () => {
    const { text } = await app.call('GET', '/openapi.json');
    const patterns = [...text.matchAll(/"pattern":("(?:[^"\\\\]|\\\\.)*")/g)].map(([, each]) =>
      JSON.parse(each ?? '""'),
    );
    expect(patterns.length).toBeGreaterThan(3);
    expect(patterns.filter((pattern) => /\(\?|\\[upPkbB]/.test(pattern))).toEqual([]);
    for (const pattern of patterns) expect(() => new RegExp(pattern)).not.toThrow();
  });

  test('what the pattern leaves out is still refused with the same message', async () => {
    const token = await app.signIn('buyer');
    const [session_id, event_id, organization_id] = [randomUUID(), randomUUID(), randomUUID()];
    for (const seat of ['"A\\ud800"', '"\\udc00A"', '"A\\u0000"', '"A\\u0085"', '"A\\n"']) {
      const ids = JSON.stringify({ session_id, event_id, organization_id }).slice(0, -1);
      const answer = await app.call('POST', '/api/order', { token, body: `${ids},"seat_ids":[${seat}]}` });
      expect(answer).toMatchObject({
        status: 400,
        body: { errors: [{ field: 'body/seat_ids/0', reason: 'has a form that is not allowed' }] },
      });
    }
  });

  test('largest: every text in a body, a path and a query has a longest', async () => {
    const endless = (await operationsOf(app)).flatMap(({ method, path, parameters = [], requestBody }) => [
      ...parameters.flatMap(({ name, schema }) => endlessTexts(schema, `${method} ${path} ${name}`)),
      ...Object.values(requestBody?.content ?? {}).flatMap(({ schema }) => endlessTexts(schema, `${method} ${path}`)),
    ]);
    expect(endless).toEqual([]);
  });

  test('each route documents its refusals by status and code', async () => {
    const documented = new Set<string>();
    for (const { method, path, responses, security } of await operationsOf(app)) {
      const route = `${method} ${path}`;
      expect(Object.keys(responses), route).toEqual(expect.arrayContaining(['500', '503', 'default']));
      if (security) expect(codesAt(responses, 401), route).toEqual(['unauthenticated']);
      for (const status of Object.keys(responses)) {
        for (const code of codesAt(responses, Number(status))) {
          expect(ERRORS[code].status, `${route} ${code}`).toBe(Number(status));
          documented.add(code);
        }
      }
    }
    // The router answers with this one where there is no such route.
    const undocumented = ['method_not_allowed'];
    expect(Object.keys(ERRORS).filter((code) => !documented.has(code) && !undocumented.includes(code))).toEqual([]);
    const order = (await operationsOf(app)).find(({ method, path }) => method === 'POST' && path === '/api/order');
    expect(codesAt(order?.responses ?? {}, 409)).toEqual(['request_in_flight', 'seats_taken', 'too_many_seats_held']);
  });

  test.each([
    ['plain text', 'text/plain', 'hello', 415, 'unsupported_media_type'],
    ['half of a JSON document', 'application/json', '{', 400, 'invalid_request'],
    ['a body that is too large', 'application/json', `"${'x'.repeat(2_000_000)}"`, 413, 'body_too_large'],
  ] as const)(
    'each route with a body refuses %s and documents it, also where the body is optional',
    async (_what, type, body, status, code) => {
      const token = await app.signIn('admin');
      const answers: Record<string, unknown> = {};
      const wanted: typeof answers = {};
      for (const { method, path, responses } of await operationsOf(app)) {
        // A webhook accepts every body that is signed.
        if (method === 'GET' || path.includes('webhook')) continue;
        const headers = { 'content-type': type };
        const answer = await app.call(method, somewhere(path), { token, body, headers });
        const isDocumented = codesAt(responses, status).includes(code);
        answers[`${method} ${path}`] = { status: answer.status, code: answer.body?.code, isDocumented };
        wanted[`${method} ${path}`] = { status, code, isDocumented: true };
      }
      expect(Object.keys(answers).length).toBeGreaterThan(14);
      expect(answers).toEqual(wanted);
    },
  );
});

/** The codes that an operation documents for a status. */
function codesAt(responses: Operation['responses'], status: number): ErrorCode[] {
  const schema = responses[status]?.content?.['application/problem+json']?.schema;
  return schema?.allOf?.[1]?.properties?.code.enum ?? [];
}

describe('allow-header: a request with a method that its path does not take', () => {
  test.each([
    ['OPTIONS', '/api/order/health', 'GET, HEAD'],
    ['PUT', '/api/order/health', 'GET, HEAD'],
    ['PUT', '/api/order/ticket', 'GET, HEAD, POST'],
    ['DELETE', '/api/order/ticket/', 'GET, HEAD, POST'],
    ['GET', '/api/order/ticket/checkin', 'POST'],
    ['POST', '/api/order/user/orders', 'GET, HEAD'],
    ['GET', '/api/order/tickets/count/', undefined],
    ['POST', '/api/order/tickets/count', 'GET, HEAD'],
    ['QUERY', '/api/order', 'POST'],
    ['QUERY', `/api/order/${'1'.repeat(8)}`, 'DELETE, GET, HEAD, PUT'],
    ['PATCH', `/api/order/${'1'.repeat(8)}/tickets.pdf`, 'GET, HEAD'],
    ['PROPFIND', '/api/order/health?x=1', 'GET, HEAD'],
    ['POST', '/healthz', 'GET, HEAD'],
    ['DELETE', '/openapi.json', 'GET, HEAD'],
  ])('%s %s lists the methods in Allow', async (method, path, allow) => {
    const answer = await ask(method, path);
    expect(answer.allow).toBe(allow);
    expect(answer.status).toBe(allow === undefined ? 200 : 405);
    if (allow !== undefined) expect(JSON.parse(answer.text)).toMatchObject({ code: 'method_not_allowed', status: 405 });
  });

  test('an unknown path is not found with an unknown method', async () => {
    const { status, text } = await ask('QUERY', '/api/nothing');
    expect(status).toBe(404);
    expect(JSON.parse(text)).toMatchObject({ code: 'not_found' });
  });
});

/** Sends the request with Node itself, because `fetch` refuses some methods. */
async function ask(method: string, path: string) {
  const asked = request(app.url + path, { method });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return { status: response.statusCode, allow: response.headers.allow, text: await text(response) };
}

describe('health', () => {
  test('shows the state of each server', async () => {
    expect(await app.call('GET', '/healthz')).toMatchObject({ status: 200, text: 'OK' });
    expect(await app.call('GET', '/api/order/health')).toMatchObject({
      status: 200,
      body: {
        status: 'UP',
        service: 'ms-ticketing',
        version: '0.1.0',
        timestamp: expect.stringMatching(/Z$/),
        database: { status: 'UP', embedded: false },
        redis: { status: 'UP', embedded: true },
        kafka: { status: 'UP', embedded: true },
      },
    });
  });

  test('is down when the database is, while the process is still live', async () => {
    const dsn = new URL(await testDatabase());
    const link = await openLink(Number(dsn.port));
    atEnd(() => link.close());
    dsn.host = link.address;
    // There is no database to verify at the end.
    const down = await startTestApp({ POSTGRES_DSN: dsn.toString() }, {}, { verified: false });
    link.refuse();
    await until('health has asked again', async () => {
      const { status } = await down.call('GET', '/api/order/health');
      return status === 503;
    });
    expect(await down.call('GET', '/api/order/health')).toMatchObject({
      status: 503,
      body: { status: 'DOWN', database: { status: 'DOWN' } },
    });
    expect((await down.call('GET', '/healthz')).status).toBe(200);
    const answer = await down.call('GET', `/api/order/${randomUUID()}`, { token: await down.signIn('buyer') });
    expect(answer).toMatchObject({ status: 503, body: { code: 'database_unavailable' } });
    expect(answer.text).not.toContain(link.address);
  });
});

test('every token is refused with 503 while the issuer is unavailable', async () => {
  const issuer = await startFakeIssuer();
  const closed = await startTestApp({ OIDC_ISSUER: issuer.issuer, TICKET_CLIENT_SECRET: 's' });
  const token = await issuer.token(randomUUID());
  issuer.isUnavailable = true;
  const answer = await closed.call('GET', '/api/secure', { token });
  expect(answer).toMatchObject({ status: 503, body: { code: 'identity_unavailable' } });
  expect(answer.headers.get('retry-after')).toBe('2');
  issuer.isUnavailable = false;
  expect((await closed.call('GET', '/api/secure', { token })).status).toBe(200);
});

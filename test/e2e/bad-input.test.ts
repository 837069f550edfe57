import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Operation, operationsOf } from '../support/api-document.ts';
import { newPerson, newScanner, type Person } from '../support/people/people.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';

let platform: PlatformApp;
let buyer: Person;
let scanner: Person;

beforeAll(async () => {
  platform = await startPlatformApp();
  [buyer, scanner] = await Promise.all([newPerson(platform), newScanner(platform)]);
});

/** Counts the rows that bad input must not change. */
async function stored() {
  return platform.app.sql(
    `SELECT (SELECT count(*) FROM orders) AS orders, (SELECT count(*) FROM tickets) AS tickets,
            (SELECT count(*) FROM outbox) AS outbox, (SELECT count(*) FROM stripe_inbox) AS inbox`,
  );
}

describe('an order request', () => {
  const good = () => platform.request();
  const cases: [string, () => unknown, number, string][] = [
    ['malformed JSON', () => '{"seat_ids": [', 400, 'body'],
    ['a list instead of an object', () => '[]', 400, 'body'],
    ['a number for a body', () => '7', 400, 'body'],
    ['no session', () => ({ ...good(), session_id: undefined }), 400, 'body/session_id'],
    ['a session that is not a UUID', () => ({ ...good(), session_id: 'tonight' }), 400, 'body/session_id'],
    ['a number as the event', () => ({ ...good(), event_id: 7 }), 400, 'body/event_id'],
    ['no seats', () => ({ ...good(), seat_ids: [] }), 400, 'body/seat_ids'],
    ['text instead of seats', () => ({ ...good(), seat_ids: 'A1' }), 400, 'body/seat_ids'],
    ['a number as a seat', () => ({ ...good(), seat_ids: [1] }), 400, 'body/seat_ids/0'],
    ['the same seat twice', () => ({ ...good(), seat_ids: ['A1', 'A1'] }), 400, 'body/seat_ids'],
    [
      'eleven seats',
      () => ({ ...good(), seat_ids: Array.from({ length: 11 }, (_, n) => `S${n}`) }),
      400,
      'body/seat_ids',
    ],
    ['an empty seat', () => ({ ...good(), seat_ids: [''] }), 400, 'body/seat_ids/0'],
    ['a seat of 65 characters', () => ({ ...good(), seat_ids: ['x'.repeat(65)] }), 400, 'body/seat_ids/0'],
    ['a NUL in a seat', () => ({ ...good(), seat_ids: ['A\u0000'] }), 400, 'body/seat_ids/0'],
    [
      'half a surrogate pair',
      () => JSON.stringify(good()).replace(/"seat_ids":\["[^"]+"/, '"seat_ids":["\\ud800"'),
      400,
      'body/seat_ids/0',
    ],
    ['a discount that is not a UUID', () => ({ ...good(), discount_id: 'EARLY' }), 400, 'body/discount_id'],
    ['ten thousand seats', () => ({ ...good(), seat_ids: Array.from({ length: 10_000 }, (_, n) => `S${n}`) }), 413, ''],
    ['a body over 64 KiB', () => ({ ...good(), note: 'x'.repeat(65_536) }), 413, ''],
  ];

  test.each(cases)('with %s is refused', async (_name, body, status, field) => {
    const before = await stored();
    const answer = await buyer.tries.orderAs(body());
    expect(answer.status, answer.text).toBe(status);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.body.message).toBe(answer.body.detail);
    if (status === 400 && answer.body.errors) expect(answer.body.errors[0].field).toContain(field);
    expect(answer.body.detail).not.toBe('');
    expect(await stored()).toEqual(before);
  });

  test('with another content type is refused', async () => {
    const answer = await buyer.via({ headers: { 'content-type': 'text/xml' } }).tries.orderAs(JSON.stringify(good()));
    expect(answer).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } });
  });

  test('with unknown fields is accepted', async () => {
    await buyer.orderAs({ ...good(), colour: 'red' });
  });

  test('accepts any plain text as seat ids', async () => {
    const seatIds = ['A1', 'Loge 7, links', "O'Neil; DROP TABLE tickets", '座席', '{"a":1}', 'back\\slash', '🎫'];
    const { tickets } = await buyer.read(await buyer.order(seatIds));
    expect(tickets.map(({ seat_id }) => seat_id).sort()).toEqual([...seatIds].sort());
  });
});

describe('ids', () => {
  test.each([
    ['GET', '/api/order/not-a-uuid', 400, 'invalid_request'],
    ['GET', `/api/order/${randomUUID()}`, 404, 'order_not_found'],
    ['DELETE', `/api/order/${randomUUID()}`, 404, 'order_not_found'],
    ['POST', `/api/order/${randomUUID()}/checkout`, 404, 'order_not_found'],
    ['POST', `/api/order/${randomUUID()}/create-payment-intent`, 404, 'order_not_found'],
    ['GET', `/api/order/${randomUUID()}/tickets`, 404, 'order_not_found'],
    ['GET', '/api/order/ticket', 400, 'invalid_request'],
    ['GET', `/api/order/ticket?orderId=${randomUUID()}`, 404, 'order_not_found'],
    ['GET', `/api/order/ticket/${randomUUID()}`, 404, 'ticket_not_found'],
    ['GET', '/api/order/ticket/%00', 400, 'invalid_request'],
    ['GET', `/api/order/${'x'.repeat(300)}`, 400, 'invalid_request'],
    ['GET', '/api/nothing/here', 404, 'not_found'],
    ['PATCH', `/api/order/${randomUUID()}`, 405, 'method_not_allowed'],
    ['GET', '/api/order', 405, 'method_not_allowed'],
    ['GET', '/api/order/%ZZ', 400, 'invalid_request'],
  ])('%s %s gives %i %s', async (method, path, status, code) => {
    const answer = await buyer.call(method, path);
    expect({ status: answer.status, code: answer.body?.code }).toEqual({ status, code });
  });

  test('are accepted in upper case', async () => {
    const orderId = await buyer.place();
    expect((await buyer.read(orderId.toUpperCase())).OrderID).toBe(orderId);
  });
});

describe('tokens', () => {
  test.each([
    ['nothing after Bearer', 'Bearer '],
    ['another scheme', 'Basic dXNlcjpwYXNz'],
    ['two tokens', 'Bearer a b'],
    ['rubbish', 'Bearer ....'],
    [
      'alg none',
      `Bearer ${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"sub":"x"}').toString('base64url')}.`,
    ],
  ])('with %s are refused', async (_name, authorization) => {
    const { status, body } = await platform.app.call('GET', '/api/secure', { headers: { authorization } });
    expect({ status, code: body.code }).toEqual({ status: 401, code: 'unauthenticated' });
  });
});

describe('fuzz generated from the OpenAPI document', () => {
  const anything = fc.oneof(
    { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 80 }) },
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.uuid(),
    fc.array(fc.string({ unit: 'binary', maxLength: 10 }), { maxLength: 12 }),
    fc.object({ maxDepth: 2 }),
  );

  test('gets no 5xx from any route', async () => {
    const operations = await operationsOf(platform.app);
    expect(operations.length).toBeGreaterThan(14);
    for (const operation of operations) await fuzz(operation);
  });

  async function fuzz({ path, method, parameters = [], requestBody }: Operation) {
    const properties = Object.keys(requestBody?.content?.['application/json']?.schema.properties ?? {});
    const valid = platform.request();
    const requestOf = fc.record({
      parameters: fc.array(fc.oneof(fc.uuid(), fc.string({ unit: 'binary', maxLength: 40 })), {
        minLength: 3,
        maxLength: 3,
      }),
      body: fc.oneof(
        anything,
        fc.dictionary(fc.constantFrom(...properties, 'extra'), anything, { maxKeys: 5 }),
        fc
          .dictionary(fc.constantFrom(...properties, 'extra'), anything, { maxKeys: 1 })
          .map((change) => ({ ...valid, ...change })),
      ),
      token: fc.constantFrom(buyer.token, scanner.token, 'rubbish', undefined),
    });
    await fc.assert(
      fc.asyncProperty(requestOf, async ({ parameters: values, body, token }) => {
        let at = 0;
        const next = () => encodeURIComponent((values[at++ % values.length] ?? '').toWellFormed());
        const filled = path.replaceAll(/\{\w+\}/g, next);
        const query = parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => `${name}=${next()}`);
        const answer = await platform.app.call(method, query.length > 0 ? `${filled}?${query.join('&')}` : filled, {
          ...(token ? { token } : {}),
          ...(method === 'GET' || method === 'DELETE' ? {} : { body: JSON.stringify(body) ?? 'null' }),
        });
        expect(answer.status, `${method} ${filled}: ${answer.text}`).toBeLessThan(500);
      }),
      { numRuns: 60 },
    );
  }
});

import { randomBytes, randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { readQrCode } from '../../scripts/qr-reader.ts';
import type { Watch } from '../../src/app.ts';
import { openStream } from '../support/event-reader.ts';
import { CLIENT_SECRET, confirmIntent, type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { until } from '../support/servers.ts';
import { startServiceProcess } from '../support/service-process.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';
import { deliver, paidIntent, stripeEvent } from '../support/webhooks.ts';

/** Secrets that no line may contain, by what they are. */
const secrets = new Map<string, string>();
const secret = (what: string, value: string): string => {
  secrets.set(what, value);
  return value;
};

const PERSON = {
  name: secret('a name', 'Jane Quillfeather'),
  email: secret('an e-mail address', 'jane.quillfeather@example.com'),
  phone: secret('a phone number', '+94 77 123 4567'),
};
const DATABASE_PASSWORD = secret('a database password', 'pg-pa55word');
const QR_KEY = secret('the QR key', randomBytes(32).toString('base64'));
secret('the client secret', CLIENT_SECRET);
secret('the webhook secret', 'whsec_test');
secret('the secret key of Stripe', 'sk_test_embedded');

/** Statements fail with this error while it is set. */
let breaksWith: Error | undefined;
const watch: Watch = (name, port) => {
  if (name !== 'database') return port;
  return new Proxy(port, {
    get(target, property, receiver) {
      const value: unknown = Reflect.get(target, property, receiver);
      if (property !== 'rows' || typeof value !== 'function') return value;
      return (...values: unknown[]) => {
        if (breaksWith) return Promise.reject(breaksWith);
        return Reflect.apply(value, target, values);
      };
    },
  });
};

let platform: PlatformApp;
let embedded: TestApp;
const lines = () => [...platform.app.log, ...embedded.log];

beforeAll(async () => {
  platform = await startPlatformApp({ LOG_LEVEL: 'trace', QR_SECRET_KEY: QR_KEY }, {}, { watch });
  embedded = await startTestApp({ LOG_LEVEL: 'trace' });
});

/** A token with a person's name and address in it. */
async function tokenOf(what: string, sub = randomUUID(), options: { expiresIn?: number; forged?: boolean } = {}) {
  const claims = { ...PERSON, preferred_username: PERSON.email, given_name: PERSON.name };
  return secret(what, await platform.issuer.token(sub, claims, options));
}

describe('no secret reaches the log', () => {
  test('when signing in with a password, with a wrong one, and as a service', async () => {
    secret('the password of a user', 'demo-Pa55word');
    const signIn = (fields: Record<string, string>) =>
      fetch(`${embedded.url}/realms/event-ticketing/protocol/openid-connect/token`, {
        method: 'POST',
        body: new URLSearchParams({ client_id: 'login-testing', scope: 'openid', ...fields }),
      });
    const wrong = { grant_type: 'password', username: 'buyer', password: 'demo-Pa55word' };
    expect((await signIn(wrong)).status).toBe(400);
    const right = await signIn({ grant_type: 'password', username: 'buyer', password: 'demo' });
    const tokens = (await right.json()) as Record<string, string>;
    for (const name of ['access_token', 'refresh_token', 'id_token']) {
      if (tokens[name]) secret(`the ${name}`, tokens[name]);
    }
    const service = await signIn({
      grant_type: 'client_credentials',
      client_id: 'ticket-service-client',
      client_secret: secret('a wrong client secret', 'not-the-client-secret'),
    });
    expect(service.status).toBe(401);
    expect((await embedded.call('GET', '/api/secure', { token: tokens.access_token ?? '' })).status).toBe(200);
  });

  test('when tokens are forged, expired, in a query, or missing', async () => {
    const forged = await tokenOf('a forged token', randomUUID(), { forged: true });
    const expired = await tokenOf('an expired token', randomUUID(), { expiresIn: -600 });
    const opaque = secret('an opaque token', `opaque-${randomBytes(12).toString('hex')}`);
    for (const token of [forged, expired, opaque])
      expect((await platform.app.call('GET', '/api/secure', { token })).status).toBe(401);
    for (const path of ['/api/order/user/orders', '/api/nothing', `/api/order/${randomUUID()}`])
      await platform.app.call('GET', `${path}?access_token=${forged}&token=${opaque}`);
    await platform.app.call('GET', `/api/nothing/${opaque}`);

    const organiser = randomUUID();
    const streamToken = await tokenOf('a token in a query', organiser);
    platform.seating.owners.set(platform.eventId, organiser);
    const path = `/api/order/sse/checkouts/event/${platform.eventId}`;
    const stream = await openStream(platform.app.url, `${path}?access_token=${streamToken}`, {});
    await stream.close();
    expect((await platform.app.call('GET', `${path}?access_token=${forged}`)).status).toBe(401);
  });

  test('when ordering, with a declined card and a good one, reading the QR code, and scanning it', async () => {
    const token = await tokenOf('a buyer’s token');
    const idempotency = secret('an idempotency key', `key-${randomUUID()}`);
    const { body: placed } = await platform.app.call('POST', '/api/order', {
      token,
      body: platform.request(),
      headers: { 'idempotency-key': idempotency, cookie: secret('a cookie', `session=${randomUUID()}`) },
    });
    const path = `/api/order/${placed.order_id}`;
    const { body: intent } = await platform.app.call('POST', `${path}/create-payment-intent`, { token });
    secret('the client secret of an intent', intent.clientSecret);
    const pay = (card: string) => confirmIntent(platform.app.url, intent.paymentIntentId, intent.clientSecret, card);
    expect(await pay('pm_card_chargeDeclined')).toBe(402);
    expect(await pay('pm_card_visa')).toBe(200);
    await platform.app.call('POST', `${path}/checkout`, { token });
    const { body: orders } = await platform.app.call('GET', '/api/order/user/orders', { token });
    const [ticket] = orders[0].tickets;
    secret('a QR picture', ticket.qr_code);
    const text = secret('a QR text', await readQrCode(Buffer.from(ticket.qr_code, 'base64')));

    const scanner = randomUUID();
    platform.seating.scanners.set(scanner, new Set([platform.sessionId]));
    const scannerToken = await tokenOf('a scanner’s token', scanner);
    const scan = (encrypted_qr: unknown) =>
      platform.app.call('POST', '/api/order/ticket/checkin', { token: scannerToken, body: { encrypted_qr } });
    expect((await scan(text)).status).toBe(200);
    expect((await scan(text)).status).toBe(409);
    const forged = secret('a forged QR text', `${text.slice(0, -3)}000`);
    expect((await scan(forged)).status).toBe(400);
    expect((await scan({ text })).status).toBe(400);
  });

  test('when webhooks carry people and cards, and when they are forged', async () => {
    const orderId = await platform.place(await tokenOf('another buyer’s token'));
    const card = secret('a card', '4242424242424242');
    const charge = { billing_details: PERSON, payment_method_details: { card: { number: card } } };
    const people = { receipt_email: PERSON.email, charges: { data: [charge] }, shipping: PERSON };
    const event = stripeEvent('payment_intent.succeeded', paidIntent(orderId, people));
    expect((await deliver(platform.app, event)).status).toBe(200);
    const forger = secret('a forger’s secret', 'whsec_ofsomebodyelse');
    expect((await deliver(platform.app, event, { secret: forger })).status).toBe(400);
    await deliver(platform.app, `{"id":"evt_1","name":"${PERSON.name}`);
  });

  test('when bodies are refused', async () => {
    const token = await tokenOf('a third buyer’s token');
    const call = (body: unknown) => platform.app.call('POST', '/api/order', { token, body });
    expect((await call({ ...platform.request(), seat_ids: PERSON })).status).toBe(400);
    expect((await call(`{"password": "${PERSON.phone}", "name": "${PERSON.name}"`)).status).toBe(400);
    expect((await call({ ...platform.request(), [PERSON.email]: PERSON.name })).status).toBeLessThan(500);
  });

  test('when servers fail with secrets in their errors', async () => {
    const token = await tokenOf('a fourth buyer’s token');
    platform.seating.query = { status: 500, body: { message: `${PERSON.name} <${PERSON.email}>: ${token}` } };
    expect((await platform.app.call('POST', '/api/order', { token, body: platform.request() })).status).toBe(503);
    platform.seating.query = undefined;

    const dsn = `postgres://ticketing:${DATABASE_PASSWORD}@db.example.com:5432/ticketing`;
    const row = `Key (email)=(${PERSON.email}) of ${PERSON.name} exists`;
    breaksWith = Object.assign(new Error(`cannot connect to ${dsn}\nwith ${token}`, { cause: new Error(dsn) }), {
      detail: row,
      where: row,
      dsn,
    });
    const before = platform.app.log.length;
    expect((await platform.app.call('GET', '/api/order/user/orders', { token })).status).toBe(500);
    await until('background work has failed, too', () =>
      platform.app.log.slice(before).some((line) => line.includes('background work failed')),
    );
    breaksWith = undefined;
    expect(platform.app.log.slice(before).join('')).toContain('postgres://***@db.example.com');
  });

  test('when a start fails', async () => {
    const service = await startServiceProcess({
      POSTGRES_DSN: `postgres://ticketing:${DATABASE_PASSWORD}@127.0.0.1:1/ticketing`,
      DATABASE_WAIT_SECONDS: '0',
      LOG_LEVEL: 'trace',
    });
    expect(await service.ended).toBe(1);
    expect(service.output()).toContain('PostgreSQL at 127.0.0.1:1 did not answer');
    expect(service.output()).not.toContain(DATABASE_PASSWORD);
  });
});

test('no line contains any of the secrets', () => {
  const all = lines().join('');
  expect(secrets.size).toBeGreaterThan(25);
  const isSeen = (value: string) =>
    [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value)].some((form) => all.includes(form));
  // The search would find a text that is in the log.
  expect(isSeen('/api/order/user/orders')).toBe(true);
  const found = [...secrets].filter(([, value]) => isSeen(value));
  expect(found.map(([what]) => what)).toEqual([]);
});

test('each line is JSON with its time and level, and each line about a request has its id', () => {
  const parsed = lines().map((line) => JSON.parse(line));
  expect(parsed.length).toBeGreaterThan(40);
  for (const line of parsed)
    expect(line).toMatchObject({ level: expect.any(Number), time: expect.any(Number), service: 'ms-ticketing' });
  const requests = parsed.filter(({ route }) => route !== undefined);
  expect(requests.length).toBeGreaterThan(30);
  for (const { reqId } of requests) expect(reqId).toMatch(/^[0-9a-f-]{36}$/);
});

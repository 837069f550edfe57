import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { atEnd } from '../support/at-end.ts';
import { DEMO_SEATS_SEARCH, ordersOfOneSeat } from '../support/demo-orders.ts';
import { startFakeSeating } from '../support/fake-seating.ts';
import { type KafkaServer, startKafka } from '../support/kafka-server.ts';
import { type KeycloakServer, REALM_CLIENT_SECRET, startKeycloak } from '../support/keycloak-server.ts';
import { type Link, openLink } from '../support/link.ts';
import { testDatabase } from '../support/own-database.ts';
import { patience } from '../support/patience.ts';
import { confirmIntent } from '../support/platform-app.ts';
import { startRedis } from '../support/redis-server.ts';
import { until } from '../support/servers.ts';
import { type StripeMock, startStripeMock } from '../support/stripe-mock.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

/** Each server is real by its variable, over a network of its own, and everything else is embedded. */

const EMBEDDED = { POSTGRES_DSN: '' };
const PARTS = ['database', 'redis', 'kafka', 'identity', 'seating', 'stripe'] as const;
type Part = (typeof PARTS)[number];

let kafka: KafkaServer;
let keycloak: KeycloakServer;
let stripe: StripeMock;
let isFailed = false;
const links = {} as Record<Part, Link>;
const environments = {} as Record<Part, Record<string, string>>;

beforeAll(async () => {
  for (const part of PARTS) links[part] = await openLink();
  const [redis, seating, dsn] = await Promise.all([startRedis(), startFakeSeating(), testDatabase()]);
  [kafka, keycloak, stripe] = await Promise.all([
    startKafka({ advertised: links.kafka.address }),
    startKeycloak(),
    startStripeMock(),
  ]);
  const real = { redis: `http://${redis.address}`, kafka: `http://${kafka.plain}`, identity: keycloak.url };
  const addresses = { ...real, seating: seating.url, stripe: stripe.url, database: dsn };
  for (const part of PARTS) links[part].leadTo(Number(new URL(addresses[part]).port));
  const through = (part: Part) => `http://${links[part].address}`;
  const database = new URL(dsn);
  database.host = links.database.address;
  Object.assign(environments, {
    database: { POSTGRES_DSN: database.toString() },
    redis: { REDIS_ADDR: links.redis.address },
    kafka: { KAFKA_ADDR: links.kafka.address },
    identity: {
      OIDC_ISSUER: keycloak.issuer,
      KEYCLOAK_URL: through('identity'),
      TICKET_CLIENT_SECRET: REALM_CLIENT_SECRET,
    },
    seating: {
      EVENT_QUERY_SERVICE_URL: `${through('seating')}/query`,
      EVENT_SEATING_SERVICE_URL: `${through('seating')}/seating`,
    },
    stripe: {
      STRIPE_SECRET_KEY: 'sk_test_123',
      STRIPE_WEBHOOK_SECRET: 'whsec_1',
      STRIPE_PUBLISHABLE_KEY: 'pk_test_123',
      STRIPE_API_BASE: through('stripe'),
      RECONCILE_DAYS: '0',
    },
  });
});
afterEach(({ task }) => {
  isFailed ||= task.result?.state === 'fail';
});
afterAll(async () => {
  await Promise.all([kafka?.stop(), keycloak?.stop(isFailed), stripe?.stop()]);
});
atEnd(() => Promise.all(Object.values(links).map((link) => link.close())));

/** The body of an order in the demo venue, or of any order where the venue accepts everything. */
async function orderFor(app: TestApp, part: Part) {
  if (part === 'seating') {
    const [event_id, session_id, organization_id] = [randomUUID(), randomUUID(), randomUUID()];
    return { event_id, session_id, organization_id, seat_ids: [randomUUID()] };
  }
  return (await ordersOfOneSeat(app.url, DEMO_SEATS_SEARCH, 1))[0];
}

async function health(app: TestApp) {
  const began = performance.now();
  const { status, body } = await app.call('GET', '/api/order/health');
  return { status, body, ms: performance.now() - began };
}

describe.each(PARTS)('%s real, the others embedded', (part) => {
  let app: TestApp;

  test('an order is completed', async () => {
    app = await startTestApp({ ...EMBEDDED, ...environments[part] }, {}, { verified: part === 'database' });
    const token = part === 'identity' ? await keycloak.signIn('buyer') : await app.signIn('buyer');
    const placed = await app.call('POST', '/api/order', { token, body: await orderFor(app, part) });
    expect(placed.status, placed.text).toBe(201);
    const path = `/api/order/${placed.body.order_id}`;
    const { status, body } = await app.call('POST', `${path}/create-payment-intent`, { token });
    expect({ status, key: body.publishableKey }).toEqual({
      status: 200,
      key: part === 'stripe' ? 'pk_test_123' : 'pk_test_embedded',
    });
    // Stripe’s mock has no money.
    if (part === 'stripe') return;
    const { paymentIntentId, clientSecret } = body;
    expect(await confirmIntent(app.url, paymentIntentId, clientSecret, 'pm_card_visa')).toBe(200);
    const state = async () => (await app.call('GET', path, { token })).body.Status;
    await until('it is completed', async () => (await state()) === 'completed', 20_000);
  });

  test('health names the real one, and reports within a second whether it is available', async () => {
    const { body } = await health(app);
    expect(Object.fromEntries(PARTS.map((each) => [each, body[each]]))).toEqual(
      Object.fromEntries(PARTS.map((each) => [each, { status: 'UP', embedded: each !== part }])),
    );
    for (const spoil of ['refuse', 'silence'] as const) {
      const waits: number[] = [];
      links[part][spoil]();
      try {
        const answer = await until('health reports it', async () => {
          const answer = await health(app);
          waits.push(answer.ms);
          return answer.body[part].status === 'DOWN' && answer;
        });
        expect(answer.status).toBe(part === 'database' ? 503 : 200);
        // Plus what a busy machine adds to one of them.
        expect(Math.min((await health(app)).ms, ...waits)).toBeLessThan(patience(1_000));
        expect(Math.max(...waits)).toBeLessThan(patience(2_500));
      } finally {
        links[part].heal();
      }
      await until('it is available again', async () => (await health(app)).body[part].status === 'UP', 30_000);
    }
  });
});

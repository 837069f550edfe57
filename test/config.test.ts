import { describe, expect, test } from 'vitest';
import { banner } from '../src/banner.ts';
import { embeddedParts, readConfig } from '../src/config.ts';
import { problemsOf } from './support/config-problems.ts';

const REAL = {
  POSTGRES_DSN: 'postgres://u:p@host/db',
  OIDC_ISSUER: 'https://id.example/realms/event-ticketing',
  TICKET_CLIENT_SECRET: 's',
  EVENT_SEATING_SERVICE_URL: 'http://seating:8081/api/event-seating/',
  SEAT_SERVICE_URL: 'http://query:8082/api/event-query',
  STRIPE_SECRET_KEY: 'sk_live_x',
  STRIPE_WEBHOOK_SECRET: 'whsec_x',
  KAFKA_ADDR: 'kafka-1:9092, [fd00::1]:9092',
};

describe('readConfig', () => {
  test('it has a default for everything', () => {
    expect(readConfig({})).toMatchObject({
      PORT: 8084,
      CURRENCY: 'lkr',
      SEAT_LOCK_TTL_MINUTES: 5,
      holdMs: 300_000,
      MAX_SEATS_PER_ORDER: 10,
      AUTO_MIGRATE: true,
      SEED_DATA: false,
      TOPIC_ORDER_CANCELED: 'ticketly.order.canceled',
      currency: { code: 'lkr', exponent: 2 },
    });
    expect(embeddedParts(readConfig({})).map(({ name }) => name)).toEqual([
      'PostgreSQL',
      'Identity',
      'Venue',
      'Stripe',
      'Redis',
      'Kafka',
    ]);
  });

  test('it reads the set variables, an empty one as unset, and ignores a slash at the end of an address', () => {
    const config = readConfig({
      ...REAL,
      PORT: '0',
      CURRENCY: 'JPY',
      SEAT_LOCK_TTL_MINUTES: '0.5',
      AUTO_MIGRATE: 'FALSE',
      LOG_LEVEL: ' ',
    });
    expect(config).toMatchObject({
      PORT: 0,
      holdMs: 30_000,
      AUTO_MIGRATE: false,
      LOG_LEVEL: 'info',
      currency: { code: 'jpy', exponent: 0 },
    });
    expect(config.EVENT_SEATING_SERVICE_URL).toBe('http://seating:8081/api/event-seating');
    expect(config.KAFKA_ADDR).toEqual(['kafka-1:9092', '[fd00::1]:9092']);
    expect(embeddedParts(config).map(({ name }) => name)).toEqual(['Redis']);
  });

  test.each([
    [{ PORT: '70000' }, 'PORT: "70000" is not allowed; it must be a whole number from 0 to 65535.'],
    [{ SEED_DATA: 'yes' }, 'SEED_DATA: "yes" is not allowed; it must be true or false.'],
    [
      { SEAT_LOCK_TTL_MINUTES: '-1' },
      'SEAT_LOCK_TTL_MINUTES: "-1" is not allowed; it must be a number from 0.01 to 1440.',
    ],
    [
      { KAFKA_ADDR: 'http://kafka' },
      'KAFKA_ADDR: "http://kafka" is not allowed; it must be host:port, or several with commas.',
    ],
    [
      { TOPIC_ORDER_CREATED: 'orders created' },
      'TOPIC_ORDER_CREATED: "orders created" is not allowed; it must be 1 to 249 letters, digits, dots, hyphens and underscores.',
    ],
    [{ CURRENCY: 'rupee' }, 'CURRENCY: "rupee" is not allowed; it must be a three-letter code.'],
    [
      { OIDC_ISSUER: 'keycloak' },
      'OIDC_ISSUER: "keycloak" is not allowed; it must be an address that begins with http:// or https://.',
    ],
    [
      { QR_SECRET_KEY: 'hush,hush' },
      'QR_SECRET_KEY: the value set is not allowed; it must be base64 of 32 bytes, or several with commas.',
    ],
    [
      { STRIPE_PUBLISHABLE_KEY: 'sk_live_hidden' },
      'STRIPE_PUBLISHABLE_KEY: "***" is not allowed; it must be a key that begins with pk_, because every buyer receives it.',
    ],
    [
      { REDIS_ADDR: 'redis://:hidden@redis:6379' },
      'REDIS_ADDR: "redis://***@redis:6379" is not allowed; it must be host:port, or several with commas.',
    ],
  ])('it refuses %o', (environment, problem) => {
    expect(problemsOf(environment)).toEqual([problem]);
  });

  test('it reads the addresses of Redis, and several of them as a cluster', () => {
    const redis = readConfig({ ...REAL, REDIS_ADDR: 'redis-0.redis:6379, [::1]:7000,10.0.0.1:7001' });
    expect(redis.REDIS_ADDR).toEqual([
      { host: 'redis-0.redis', port: 6379 },
      { host: '::1', port: 7000 },
      { host: '10.0.0.1', port: 7001 },
    ]);
    expect(embeddedParts(redis).map(({ name }) => name)).toEqual([]);
    for (const address of ['redis', 'redis:', 'redis:0', 'redis:70000', 'redis://redis:6379', 'a:1,', ':6379']) {
      expect(problemsOf({ REDIS_ADDR: address })).toEqual([
        `REDIS_ADDR: ${JSON.stringify(address)} is not allowed; it must be host:port, or several with commas.`,
      ]);
    }
  });

  test('it allows the front end’s pages in development, and no page in production until CORS_ORIGINS names some', () => {
    const front = ['http://localhost:8090', 'http://ticketly.test:8090', 'http://www.localhost:8090'];
    const production = { NODE_ENV: 'production', ALLOW_EMBEDDED: 'true' };
    const CORS_ORIGINS = 'https://a.example, http://localhost:8090,https://a.example';
    expect(readConfig({}).corsOrigins).toEqual(front);
    expect(readConfig({ CORS_ORIGINS: '' }).corsOrigins).toEqual([]);
    expect(readConfig(production).corsOrigins).toEqual([]);
    const named = ['https://a.example', 'http://localhost:8090'];
    expect(readConfig({ ...production, CORS_ORIGINS }).corsOrigins).toEqual(named);
    expect(readConfig({ CORS_ORIGINS }).corsOrigins).toEqual(named);
  });

  test.each([
    '*',
    'null',
    'tickets.example.com',
    'https://tickets.example.com/',
    'https://tickets.example.com/shop',
    'https://tickets.example.com:443',
    'http://tickets.example.com:80',
    'https://Tickets.example.com',
    'https://*.example.com',
    'https://u:p@tickets.example.com',
    'ftp://tickets.example.com',
    'https://a.example,',
  ])('it refuses %s in CORS_ORIGINS, because no browser sends such an origin', (value) => {
    const [problem, ...others] = problemsOf({ CORS_ORIGINS: value });
    expect(problem).toMatch(/^CORS_ORIGINS: ".+" is not allowed; it must be origins such as https:/);
    expect(others).toEqual([]);
  });

  test('the banner names the pages that may call the API, or says that none may', () => {
    expect(banner(readConfig({}), 'http://localhost:8084')).toContain('http://ticketly.test:8090');
    expect(banner(readConfig({ CORS_ORIGINS: '' }), 'http://localhost:8084')).toContain(
      'No page of another origin may call the API: set CORS_ORIGINS',
    );
  });

  test('it names every bad variable at once', () => {
    expect(problemsOf({ PORT: 'x', MAX_SEATS_PER_ORDER: '0' }).map((line) => line.split(':')[0])).toEqual([
      'PORT',
      'MAX_SEATS_PER_ORDER',
    ]);
  });

  test.each([
    [{ OIDC_ISSUER: REAL.OIDC_ISSUER }, 'TICKET_CLIENT_SECRET'],
    [{ OIDC_ISSUER: 'https://id.example', TICKET_CLIENT_SECRET: 's' }, 'KEYCLOAK_URL'],
    [{ STRIPE_SECRET_KEY: 'sk' }, 'STRIPE_WEBHOOK_SECRET'],
    [{ REDIS_USERNAME: 'ticketing' }, 'REDIS_PASSWORD'],
    [{ KAFKA_ADDR: 'kafka:9092', KAFKA_SASL_MECHANISM: 'PLAIN', KAFKA_USERNAME: 'u' }, 'KAFKA_USERNAME and'],
    [{ KAFKA_ADDR: 'kafka:9092', KAFKA_USERNAME: 'u', KAFKA_PASSWORD: 'p' }, 'KAFKA_SASL_MECHANISM'],
    [{ KAFKA_ADDR: 'kafka:9092', KAFKA_TLS_CA_FILE: '/ca.pem' }, 'KAFKA_TLS'],
    [
      { STRIPE_SECRET_KEY: 'sk_live_x', STRIPE_WEBHOOK_SECRET: 'whsec_x', STRIPE_PUBLISHABLE_KEY: 'pk_test_x' },
      'STRIPE_PUBLISHABLE_KEY: is a test key',
    ],
    [{ STRIPE_API_BASE: 'http://stripe' }, 'STRIPE_SECRET_KEY'],
    [{ EVENT_SEATING_SERVICE_URL: 'http://seating' }, 'EVENT_SEATING_SERVICE_URL'],
    [{ EVENT_QUERY_SERVICE_URL: 'http://query' }, 'EVENT_SEATING_SERVICE_URL'],
  ])('it refuses a combination that does not fit: %o', (environment, name) => {
    expect(problemsOf(environment as Record<string, string>)).toEqual([expect.stringMatching(new RegExp(`^${name}`))]);
  });

  test('it refuses stand-ins in production unless they are allowed', () => {
    const key = Buffer.alloc(32).toString('base64');
    const production = { ...REAL, NODE_ENV: 'production', QR_SECRET_KEY: key };
    expect(problemsOf(production)).toEqual([expect.stringContaining('Set REDIS_ADDR (Redis), or')]);
    expect(problemsOf({ ...production, ALLOW_EMBEDDED: 'true' })).toEqual([]);
    expect(problemsOf({ NODE_ENV: 'production' })).toHaveLength(2);
  });
});

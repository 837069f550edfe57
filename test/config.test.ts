import { describe, expect, test } from 'vitest';
import { warningsOf } from '../src/app/warnings.ts';
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

describe('tls-as-libpq: the variables of libpq', () => {
  const dsnOf = (environment: Record<string, string>) => readConfig(environment).POSTGRES_DSN;
  const [POSTGRES_DSN, PGSSLMODE] = ['postgres://u:p@host/db', 'require'];

  test('they count where the address says nothing of TLS', () => {
    expect(dsnOf({ POSTGRES_DSN, PGSSLMODE })).toBe(`${POSTGRES_DSN}?sslmode=require`);
    expect(dsnOf({ POSTGRES_DSN, PGSSLROOTCERT: 'system' })).toBe(`${POSTGRES_DSN}?sslrootcert=system`);
    const own = `${POSTGRES_DSN}?sslmode=disable`;
    expect(dsnOf({ POSTGRES_DSN: own, PGSSLMODE })).toBe(own);
    expect(dsnOf({ PGSSLMODE })).toBeUndefined();
  });

  test('what cannot be used is named with what to correct, without the address', () => {
    expect(problemsOf({ POSTGRES_DSN, PGSSLMODE: 'verify-ca' })).toEqual([
      'POSTGRES_DSN: sslmode=verify-ca needs sslrootcert, the file of the authority; or set sslmode=verify-full.',
    ]);
    expect(problemsOf({ POSTGRES_DSN: `${POSTGRES_DSN}?sslmode=on` })).toEqual([
      expect.stringMatching(
        /^POSTGRES_DSN: sslmode must be one of disable, allow, prefer, require, verify-ca, verify-full/,
      ),
    ]);
    expect(problemsOf({ POSTGRES_DSN, PGSSLMODE: 'on' })).toEqual([
      expect.stringContaining('PGSSLMODE: "on" is not allowed'),
    ]);
  });
});

describe('readConfig', () => {
  test('it has a default for everything', () => {
    expect(readConfig({})).toMatchObject({
      PORT: 8084,
      CURRENCY: 'lkr',
      SEAT_LOCK_TTL_MINUTES: 5,
      holdMs: 300_000,
      MAX_SEATS_PER_ORDER: 10,
      MAX_HELD_SEATS_PER_USER: 40,
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
    [{ SEED_DATA: 'constructor' }, 'SEED_DATA: "constructor" is not allowed; it must be true or false.'],
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
      { CURRENCY: 'xyz' },
      'CURRENCY: Stripe does not charge in XYZ; it must be one of https://docs.stripe.com/currencies.',
    ],
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

  test('it takes addresses and networks of both families in TRUSTED_TRACE_NETWORKS, and nothing else', () => {
    const networks = ['10.0.0.0/8', '192.0.2.7', '::1', 'fd00::/8'];
    expect(readConfig({ TRUSTED_TRACE_NETWORKS: networks.join(', ') }).TRUSTED_TRACE_NETWORKS).toEqual(networks);
    for (const wrong of ['10.0.0.0/33', '10.0.0/8', 'fd00::/129', 'proxy.example', '10.0.0.1/', '10.0.0.0/8/8', '*'])
      expect(problemsOf({ TRUSTED_TRACE_NETWORKS: wrong })).toEqual([
        expect.stringContaining('TRUSTED_TRACE_NETWORKS'),
      ]);
  });

  test('it allows the front end’s pages in development, and no page in production until CORS_ORIGINS names some', () => {
    const front = ['http://localhost:8090', 'http://ticketly.test:8090', 'http://www.localhost:8090'];
    const production = { ...REAL, NODE_ENV: 'production', ALLOW_EMBEDDED: 'redis' };
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
});

const QR_SECRET_KEY = Buffer.alloc(32, 9).toString('base64');
const PRODUCTION = { ...REAL, NODE_ENV: 'production', QR_SECRET_KEY, REDIS_ADDR: 'redis:6379' };

describe('guard-open', () => {
  test.each(['prod', 'Production', 'PRODUCTION', 'live', 'staging', 'productoin', 'dev'])(
    'it refuses NODE_ENV=%s, and says which values there are',
    (NODE_ENV) => {
      expect(problemsOf({ NODE_ENV })).toEqual([
        `NODE_ENV: ${JSON.stringify(NODE_ENV)} is not allowed; it must be development, test or production; every server for real users is production.`,
      ]);
    },
  );

  test.each<[Record<string, string>, string]>([
    [{}, '127.0.0.1'],
    [{ NODE_ENV: 'development' }, '127.0.0.1'],
    [{ ...REAL, OIDC_ISSUER: '' }, '127.0.0.1'],
    [{ ...REAL, STRIPE_SECRET_KEY: '' }, '127.0.0.1'],
    [{ ...REAL, EVENT_SEATING_SERVICE_URL: '', SEAT_SERVICE_URL: '' }, '127.0.0.1'],
    [{ HOST: '0.0.0.0' }, '0.0.0.0'],
    [REAL, ''],
  ])(
    'while a stand-in answers on the port, it listens on loopback alone unless HOST says otherwise: %o',
    (env, host) => {
      expect(readConfig(env).listenHost).toBe(host);
    },
  );

  test('production uses the stand-ins that ALLOW_EMBEDDED names, and no other', () => {
    const { REDIS_ADDR: _redis, KAFKA_ADDR: _kafka, ...without } = PRODUCTION;
    expect(problemsOf(without)).toEqual([
      'NODE_ENV=production: refuses stand-ins. Set REDIS_ADDR (Redis), KAFKA_ADDR (Kafka), or ALLOW_EMBEDDED=redis,kafka.',
    ]);
    expect(problemsOf({ ...without, ALLOW_EMBEDDED: 'redis' })).toEqual([
      'NODE_ENV=production: refuses stand-ins. Set KAFKA_ADDR (Kafka), or ALLOW_EMBEDDED=redis,kafka.',
    ]);
    for (const ALLOW_EMBEDDED of ['redis,kafka', 'Kafka, redis', 'true', 'TRUE'])
      expect(problemsOf({ ...without, ALLOW_EMBEDDED })).toEqual([]);
    expect(problemsOf({ NODE_ENV: 'production' })).toHaveLength(2);
  });

  test.each(['true', 'postgres,venue,stripe,redis,kafka'])(
    'production never uses the stand-in for identity, whose users anybody knows: ALLOW_EMBEDDED=%s',
    (ALLOW_EMBEDDED) => {
      expect(problemsOf({ ...PRODUCTION, OIDC_ISSUER: '', ALLOW_EMBEDDED })).toEqual([
        'NODE_ENV=production: refuses stand-ins. Set OIDC_ISSUER (Identity).',
      ]);
    },
  );

  test.each(['identity', 'redis,identity', 'yes', 'all', 'redis;kafka', 'constructor'])(
    'it refuses ALLOW_EMBEDDED=%s, which names no part that production may use',
    (ALLOW_EMBEDDED) => {
      expect(problemsOf({ ALLOW_EMBEDDED })).toEqual([
        expect.stringContaining('it must be names of postgres, venue, stripe, redis, kafka, with commas;'),
      ]);
    },
  );
});

describe('published-secrets', () => {
  const ZEROS = Buffer.alloc(32).toString('base64');

  test.each([
    ['QR_SECRET_KEY', ZEROS],
    ['QR_SECRET_KEY', ZEROS.replace('=', '')],
    ['QR_SECRET_KEY', `${QR_SECRET_KEY},${ZEROS}`],
    ['QR_SECRET_KEY', Buffer.from('demo-key-of-deploy-compose.yaml!').toString('base64')],
    ['TICKET_CLIENT_SECRET', 'demo-service-secret'],
    ['POSTGRES_DSN', 'postgres://ticketing:ticketing@db.example/ticketing'],
    ['STRIPE_SECRET_KEY', 'sk_test_embedded'],
    ['REDIS_PASSWORD', 'admin'],
  ])('production refuses %s by its name, and does not show it', (name, secret) => {
    const problems = problemsOf({ ...PRODUCTION, [name]: secret });
    expect(problems).toEqual([
      `${name}: published in this repository, so anybody knows it. Production needs a secret of your own.`,
    ]);
    expect(problems.join()).not.toContain(secret);
    expect(problemsOf({ ...PRODUCTION, NODE_ENV: 'development', [name]: secret })).toEqual([]);
  });

  test('production takes secrets that only look like them', () => {
    const own = {
      TICKET_CLIENT_SECRET: 'ticketing-2026',
      POSTGRES_DSN: 'postgres://ticketing:a%b:c@db.example/ticketing',
      STRIPE_SECRET_KEY: 'sk_live_ticketing',
    };
    expect(problemsOf({ ...PRODUCTION, ...own })).toEqual([]);
  });
});

describe('the warnings at the start', () => {
  const SAFE = {
    ...PRODUCTION,
    REDIS_PASSWORD: 'r',
    KAFKA_TLS: 'true',
    KAFKA_SASL_MECHANISM: 'plain',
    KAFKA_USERNAME: 'u',
    KAFKA_PASSWORD: 'p',
  };
  const about = (env: Record<string, string>) =>
    warningsOf(readConfig({ ...SAFE, ...env })).map((warning) => warning.split(':')[0]);

  test.each<[string, Record<string, string>, string[]]>([
    ['encryption and a login everywhere', {}, []],
    ['an issuer without encryption', { OIDC_ISSUER: 'http://id.example/realms/r' }, ['OIDC_ISSUER, KEYCLOAK_URL']],
    ['keys that are fetched without encryption', { KEYCLOAK_URL: 'http://keycloak' }, ['OIDC_ISSUER, KEYCLOAK_URL']],
    [
      'an issuer that is named by http and reached by https',
      { OIDC_ISSUER: 'http://id.example/realms/r', KEYCLOAK_URL: 'https://id.example' },
      [],
    ],
    ['Kafka without encryption', { KAFKA_TLS: 'false' }, ['KAFKA_TLS, KAFKA_SASL_MECHANISM']],
    ['Kafka without a login', { KAFKA_SASL_MECHANISM: '', KAFKA_PASSWORD: '' }, ['KAFKA_TLS, KAFKA_SASL_MECHANISM']],
    ['Redis without a password', { REDIS_PASSWORD: '' }, ['REDIS_PASSWORD']],
    ['Stripe’s key in clear text', { STRIPE_API_BASE: 'http://stripe.example' }, ['STRIPE_API_BASE']],
    ['every client', { OIDC_CLIENTS: '*' }, ['OIDC_CLIENTS=*']],
    ['every audience', { OIDC_AUDIENCE: '*' }, ['OIDC_AUDIENCE=*']],
    ['a stand-in', { REDIS_ADDR: '', ALLOW_EMBEDDED: 'redis' }, ['ALLOW_EMBEDDED']],
  ])('production is warned once of what an attacker could use: %s', (_name, env, variables) => {
    expect(about(env)).toEqual(variables);
  });

  test('a developer is warned of published secrets and of demo users that others can reach, and of nothing else', () => {
    expect(warningsOf(readConfig({}))).toEqual([]);
    expect(warningsOf(readConfig({ HOST: '0.0.0.0' }))).toEqual([expect.stringMatching(/^HOST: /)]);
    const development = { ...REAL, NODE_ENV: 'development', OIDC_ISSUER: 'http://localhost:8080/realms/r' };
    expect(warningsOf(readConfig(development))).toEqual([]);
    expect(about({ ...development, TICKET_CLIENT_SECRET: 'demo-service-secret' })).toEqual(['TICKET_CLIENT_SECRET']);
  });
});

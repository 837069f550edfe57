import {
  asList,
  base64,
  choice,
  decimal,
  hostAndPort,
  hostPort,
  type Kind,
  namesOf,
  nameText,
  network,
  origins,
  type Reader,
  switchValue,
  text,
  timeZone,
  topicName,
  url,
  wholeNumber,
} from './config.readers.ts';
import { PLATFORM } from './platform/oidc/access-token.ts';
import { TLS_MODES } from './platform/postgres/tls.ts';

/** A variable of the environment. */
export interface Variable<Value> {
  readonly meaning: string;
  /** The default value; a variable without one is undefined when it is not set. */
  readonly fallback?: string;
  /** An empty text is a value, and does not mean the default. */
  readonly mayBeEmpty?: true;
  /** Description of the allowed values. */
  readonly allowed: string;
  readonly secret?: true;
  readonly read: Reader<Value>;
}

function variable<Value>(meaning: string, kind: Kind<Value>): Variable<Value>;
function variable<Value>(
  meaning: string,
  kind: Kind<Value>,
  fallback: string,
): Variable<Value> & { readonly fallback: string };
function variable<Value>(meaning: string, [allowed, read]: Kind<Value>, fallback?: string): Variable<Value> {
  return { meaning, allowed, read, ...(fallback === undefined ? {} : { fallback }) };
}

function secret<Value>(meaning: string, [allowed, read]: Kind<Value>): Variable<Value> {
  return { meaning, allowed, read, secret: true };
}

/** The stand-ins that production may be allowed to use. */
const ALLOWABLE_PARTS = ['postgres', 'venue', 'stripe', 'redis', 'kafka'] as const;

const MAX_MINUTES = 1_440;
const MAX_SEATS = 100;
const MAX_HELD_SEATS = 100_000;
const MAX_DOOR_HOURS = 100_000;
const QR_KEY_BYTES = 32;

/** Every environment variable of the service. `--help` and docs/configuration.md list them from here. */
export const VARIABLES = {
  PORT: variable('Port the service listens on; 0: a free port', wholeNumber(0, 65_535), '8084'),
  HOST: variable(
    'Address the service listens on; empty: all addresses, but 127.0.0.1 alone while it serves a stand-in for identity, venue or Stripe',
    text(0, 255),
    '',
  ),
  WEB_CONCURRENCY: variable(
    'Worker processes on the port, one for each core; more than one requires that no server is embedded',
    wholeNumber(1, 64),
    '1',
  ),
  DRAIN_DELAY_SECONDS: variable(
    'How long a process still answers after SIGTERM while it is not ready, so that load balancers remove it',
    decimal(0, 300),
    '5',
  ),
  PUBLIC_URL: variable('Address of the service for users; empty: http://localhost:PORT', url({ optional: true }), ''),
  CORS_ORIGINS: {
    ...variable(
      'Origins whose web pages may call the API from a browser; empty: none; unset: the three development origins of the platform’s front end, in production none',
      origins(),
    ),
    mayBeEmpty: true,
  },
  NODE_ENV: variable(
    '`production` refuses to start with stand-ins or with secrets that this repository publishes',
    text(
      1,
      40,
      /^(development|test|production)$/,
      'development, test or production; every server for real users is production',
    ),
    'development',
  ),
  ALLOW_EMBEDDED: variable(
    'Stand-ins that production may use, by name; the one for identity, with its demo users, never',
    namesOf(ALLOWABLE_PARTS),
    'false',
  ),
  DATA_DIR: variable('Data folder of the stand-ins', text(1, 4_096), '.data'),
  LOG_LEVEL: variable(
    'Lowest level of log lines that are written',
    choice('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    'info',
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: variable(
    'OTLP/HTTP address of the collector for traces, such as http://localhost:4318; unset: no tracing',
    url(),
  ),
  OTEL_TRACES_SAMPLER_ARG: variable(
    'Sampled share of new traces; traces that are continued keep their sampling decision',
    decimal(0, 1),
    '1',
  ),
  TRUSTED_TRACE_NETWORKS: variable(
    'Addresses and networks, such as 10.0.0.0/8, whose `traceparent` headers are continued; unset: none',
    asList(network()),
  ),

  POSTGRES_DSN: secret(
    'PostgreSQL, `postgres://user:password@host:port/database`; unset: embedded',
    url({ protocols: ['postgres:', 'postgresql:'] }),
  ),
  PGSSLMODE: variable(
    'TLS for PostgreSQL where POSTGRES_DSN has no `sslmode`; what each means is as in libpq; unset: `prefer`',
    choice(...TLS_MODES),
  ),
  PGSSLROOTCERT: variable(
    'PEM file of PostgreSQL’s certificate authority where POSTGRES_DSN has no `sslrootcert`; `system`: the well-known ones',
    text(1, 4_096),
  ),
  POSTGRES_POOL_SIZE: variable('Maximum number of connections to PostgreSQL', wholeNumber(2, 500), '10'),
  DATABASE_WAIT_SECONDS: variable('How long a start waits for PostgreSQL before it fails', decimal(0, 3_600), '45'),
  MIGRATIONS_DIR: variable('Folder of the migrations', text(1, 4_096), './migrations'),
  AUTO_MIGRATE: variable('Migrates the database at the start', switchValue(), 'true'),
  SEED_DATA: variable('Inserts the sample order and its ticket at the start', switchValue(), 'false'),

  OIDC_ISSUER: variable('Issuer of access tokens, exactly as in `iss`; unset: embedded', url()),
  OIDC_CLIENTS: variable(
    'Clients (`azp` or `client_id`) whose access tokens are accepted, beside TICKET_CLIENT_ID and OIDC_WEB_CLIENT_ID; *: every client of the issuer',
    asList(text(1, 255)),
    PLATFORM.clients.join(),
  ),
  OIDC_AUDIENCE: variable(
    'Audiences (`aud`) of which an access token must name one, unless its client is TICKET_CLIENT_ID; unset: `account` or an accepted client, if the token names any; *: not checked',
    asList(text(1, 255)),
  ),
  KEYCLOAK_URL: variable('Keycloak’s base address for tokens and keys; unset: from OIDC_ISSUER', url()),
  KEYCLOAK_REALM: variable('Realm', text(1, 255), 'event-ticketing'),
  TICKET_CLIENT_ID: variable('Client for machine-to-machine tokens', text(1, 255), PLATFORM.serviceClient),
  TICKET_CLIENT_SECRET: secret('Secret of TICKET_CLIENT_ID; required with OIDC_ISSUER', text(1, 1_024)),

  EVENT_SEATING_SERVICE_URL: variable('Base address of the seating service; unset: embedded venue', url()),
  EVENT_QUERY_SERVICE_URL: variable('Base address of the event-query service; unset: embedded venue', url()),
  SEAT_SERVICE_URL: variable('Older name of EVENT_QUERY_SERVICE_URL', url()),
  PUBLIC_EVENT_QUERY_URL: variable(
    'Base address at which browsers reach the event-query service; unset: EVENT_QUERY_SERVICE_URL, or the embedded venue',
    url(),
  ),
  OIDC_WEB_CLIENT_ID: variable('Public client with which the web pages sign in', text(1, 255), 'web-frontend'),

  STRIPE_SECRET_KEY: secret('Stripe’s secret key; unset: embedded Stripe', text(1, 255)),
  STRIPE_WEBHOOK_SECRET: secret(
    'Signing secret of the webhook endpoint; required with STRIPE_SECRET_KEY',
    text(1, 255),
  ),
  STRIPE_PUBLISHABLE_KEY: variable(
    'Stripe’s publishable key, with which pages confirm payments',
    text(4, 255, /^pk_\w+$/, 'a key that begins with pk_, because every buyer receives it'),
  ),
  STRIPE_API_BASE: variable('Address of Stripe’s API; unset: Stripe’s own', url()),

  REDIS_ADDR: variable(
    'Redis for holds, the M2M token and the signal of sales; several addresses are nodes of a cluster; unset: in the process',
    asList(hostAndPort()),
  ),
  REDIS_CLUSTER: variable('True when a single address is a node of a cluster', switchValue(), 'false'),
  REDIS_TLS: variable('Uses TLS for Redis; NODE_EXTRA_CA_CERTS adds a private CA', switchValue(), 'false'),
  REDIS_USERNAME: variable('User name for Redis; unset: the default user', text(1, 255)),
  REDIS_PASSWORD: secret('Password for Redis', text(1, 1_024)),
  KAFKA_ADDR: variable('Kafka brokers, `host:port` with commas; unset: events in the process', asList(hostPort())),
  KAFKA_TLS: variable('Uses TLS for Kafka', switchValue(), 'false'),
  KAFKA_TLS_CA_FILE: variable(
    'PEM file of the certificate authorities of the brokers; unset: the well-known ones',
    text(1, 4_096),
  ),
  KAFKA_SASL_MECHANISM: variable(
    'Kafka SASL mechanism; unset: no authentication',
    choice('plain', 'scram-sha-256', 'scram-sha-512'),
  ),
  KAFKA_USERNAME: variable('User name for Kafka; required with KAFKA_SASL_MECHANISM', text(1, 255)),
  KAFKA_PASSWORD: secret('Password for Kafka; required with KAFKA_SASL_MECHANISM', text(1, 1_024)),
  KAFKA_CLIENT_ID: variable('Client id in the brokers’ logs and quotas', nameText(), 'ms-ticketing'),
  KAFKA_GROUP_ID: variable('Consumer group of the payment topics', nameText(), 'ms-ticketing'),
  KAFKA_CREATE_TOPICS: variable('Creates missing topics at the start', switchValue(), 'true'),
  KAFKA_TOPIC_PARTITIONS: variable('Partitions of topics that it creates', wholeNumber(1, 1_000), '6'),
  KAFKA_TOPIC_REPLICAS: variable(
    'Replicas of each partition of topics that it creates; 0: the brokers’ default',
    wholeNumber(0, 9),
    '0',
  ),

  QR_SECRET_KEY: secret(
    'Base64 of the 32-byte key that seals QR texts, followed by older keys, with commas; unset: created and stored in DATA_DIR',
    asList(base64(QR_KEY_BYTES)),
  ),

  CURRENCY: variable(
    'ISO 4217 code of the currency of every price, one that Stripe charges in',
    text(3, 3, /^[a-z]{3}$/i, 'a three-letter code'),
    'lkr',
  ),
  TIME_ZONE: variable('Time zone of printed tickets', timeZone(), 'UTC'),
  SEAT_LOCK_TTL_MINUTES: variable('Minutes for which seats are held for payment', decimal(0.01, MAX_MINUTES), '5'),
  MAX_SEATS_PER_ORDER: variable('Maximum number of seats in an order', wholeNumber(1, MAX_SEATS), '10'),
  MAX_HELD_SEATS_PER_USER: variable(
    'Maximum number of seats that a user holds in pending orders of a session; 0: no limit',
    wholeNumber(0, MAX_HELD_SEATS),
    '40',
  ),
  PLACING_CONCURRENCY: variable(
    'Maximum number of orders placed at the same time; further requests wait in a queue',
    wholeNumber(1, 10_000),
    '64',
  ),
  ORDERS_PER_STATEMENT: variable(
    'Maximum number of concurrent orders written by one statement; 1: each by its own',
    wholeNumber(1, 64),
    '16',
  ),
  MAX_QUEUE_MS: variable(
    'Maximum queueing time; requests that would wait longer get 503 at once',
    wholeNumber(0, 60_000),
    '2000',
  ),
  DOORS_OPEN_HOURS: variable(
    'Hours before the start of a session from which its tickets admit; unset: 24, with the embedded venue at any time',
    decimal(0, MAX_DOOR_HOURS),
  ),
  DOORS_CLOSE_HOURS: variable(
    'Hours after the end of a session until which its tickets admit; unset: 24, with the embedded venue at any time',
    decimal(0, MAX_DOOR_HOURS),
  ),
  MAX_STREAMS: variable(
    'Maximum number of open event streams of a replica; each needs a connection',
    wholeNumber(1, 100_000),
    '2000',
  ),
  MAX_STREAMS_PER_USER: variable(
    'Maximum number of open event streams of a user on a replica',
    wholeNumber(1, 100_000),
    '20',
  ),
  MAX_EXPORTS: variable(
    'Maximum number of exports and long lists at the same time; each holds a connection to PostgreSQL',
    wholeNumber(1, 100),
    '3',
  ),
  OUTBOX_RETENTION_HOURS: variable('Hours for which published messages stay in the outbox', decimal(0, 8_760), '24'),
  RECONCILE_DAYS: variable(
    'Days of payments that are compared with Stripe, once a day; 0: never',
    wholeNumber(0, 90),
    '3',
  ),
  SWEEP_INTERVAL_SECONDS: variable(
    'Interval of the search for expired holds, unapplied webhooks and due refunds',
    decimal(0.05, 3_600),
    '1',
  ),

  TOPIC_ORDER_CREATED: variable('Topic of placed orders', topicName(), 'ticketly.order.created'),
  TOPIC_ORDER_UPDATED: variable(
    'Topic of changed pending orders, and of each completed order once',
    topicName(),
    'ticketly.order.updated',
  ),
  TOPIC_ORDER_AMENDED: variable('Topic of changes to completed orders', topicName(), 'ticketly.order.amended'),
  TOPIC_ORDER_CANCELED: variable('Topic of cancelled orders', topicName(), 'ticketly.order.canceled'),
  TOPIC_SEATS_STATUS: variable('Topic of seat states', topicName(), 'ticketly.seats.status'),
  TOPIC_PAYMENT_SUCCEEDED: variable(
    'Input topic for payments that succeeded elsewhere; with the suffix `.dead`, its dead letters',
    topicName('.dead'),
    'payment_succefully',
  ),
  TOPIC_PAYMENT_FAILED: variable(
    'Input topic for payments that failed elsewhere; with the suffix `.dead`, its dead letters',
    topicName('.dead'),
    'payment_unseecuufull',
  ),
} as const satisfies Record<string, Variable<unknown>>;

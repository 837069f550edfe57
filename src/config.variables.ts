import {
  asList,
  base64,
  choice,
  decimal,
  hostAndPort,
  hostPort,
  type Kind,
  nameText,
  origins,
  type Reader,
  switchValue,
  text,
  timeZone,
  topicName,
  url,
  wholeNumber,
} from './config.readers.ts';

/** A variable of the environment. */
export interface Variable<Value> {
  readonly meaning: string;
  /** The text it has when nothing is set; a variable without one is absent then. */
  readonly fallback?: string;
  /** Set to an empty text it has that value, not the fallback. */
  readonly mayBeEmpty?: true;
  /** What may stand in it, in words. */
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

const MAX_MINUTES = 1_440;
const MAX_SEATS = 100;
const MAX_DOOR_HOURS = 100_000;
const QR_KEY_BYTES = 32;

/** Every variable the service reads, and nothing else reads any. `--help` and docs/configuration.md list them from here. */
export const VARIABLES = {
  PORT: variable('Port the service listens on; 0 takes a free one', wholeNumber(0, 65_535), '8084'),
  HOST: variable('Address it listens on; empty means all', text(0, 255), ''),
  WEB_CONCURRENCY: variable(
    'Processes that serve on the port together, one a core; more than one needs every server to be a real one',
    wholeNumber(1, 64),
    '1',
  ),
  DRAIN_DELAY_SECONDS: variable(
    'How long a process serves on after SIGTERM, already not ready, so that balancers take it out',
    decimal(0, 300),
    '5',
  ),
  PUBLIC_URL: variable(
    'Where people reach it; empty means http://localhost:PORT',
    url({ optional: true }),
    '',
  ),
  CORS_ORIGINS: {
    ...variable(
      'Origins whose web pages may call the API from a browser; empty: none; unset: the three of the platform’s front end in development, none in production',
      origins(),
    ),
    mayBeEmpty: true,
  },
  NODE_ENV: variable('With `production` it refuses to start with a stand-in', text(1, 40), 'development'),
  ALLOW_EMBEDDED: variable('Lets stand-ins run in production', switchValue(), 'false'),
  DATA_DIR: variable('Folder of the stand-ins’ data', text(1, 4_096), '.data'),
  LOG_LEVEL: variable(
    'Least severe log line written',
    choice('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
    'info',
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: variable(
    'Collector that traces are sent to with OTLP over HTTP, such as http://localhost:4318; unset: nothing is traced',
    url(),
  ),
  OTEL_TRACES_SAMPLER_ARG: variable(
    'Share of new traces that are kept; those begun elsewhere keep what was decided there',
    decimal(0, 1),
    '1',
  ),

  POSTGRES_DSN: secret(
    'PostgreSQL, `postgres://user:password@host:port/database`; unset: embedded',
    url({ protocols: ['postgres:', 'postgresql:'] }),
  ),
  POSTGRES_POOL_SIZE: variable('Most connections to PostgreSQL at a time', wholeNumber(2, 500), '10'),
  DATABASE_WAIT_SECONDS: variable(
    'How long a start waits for PostgreSQL to answer, before it ends with an error',
    decimal(0, 3_600),
    '45',
  ),
  MIGRATIONS_DIR: variable('Folder of the migrations', text(1, 4_096), './migrations'),
  AUTO_MIGRATE: variable('Migrates the database at start', switchValue(), 'true'),
  SEED_DATA: variable(
    'Puts the sample order and its ticket into the database at start',
    switchValue(),
    'false',
  ),

  OIDC_ISSUER: variable('Issuer of access tokens, as it stands in `iss`; unset: embedded', url()),
  KEYCLOAK_URL: variable('Keycloak’s base address for tokens and keys; unset: taken from OIDC_ISSUER', url()),
  KEYCLOAK_REALM: variable('Realm', text(1, 255), 'event-ticketing'),
  TICKET_CLIENT_ID: variable('Client for machine-to-machine tokens', text(1, 255), 'ticket-service-client'),
  TICKET_CLIENT_SECRET: secret('Its secret; needed with OIDC_ISSUER', text(1, 1_024)),

  EVENT_SEATING_SERVICE_URL: variable('Base address of the seating service; unset: embedded venue', url()),
  EVENT_QUERY_SERVICE_URL: variable('Base address of the event-query service; unset: embedded venue', url()),
  SEAT_SERVICE_URL: variable('Older name of EVENT_QUERY_SERVICE_URL', url()),

  STRIPE_SECRET_KEY: secret('Stripe’s secret key; unset: embedded Stripe', text(1, 255)),
  STRIPE_WEBHOOK_SECRET: secret(
    'Signing secret of the webhook endpoint; needed with STRIPE_SECRET_KEY',
    text(1, 255),
  ),
  STRIPE_PUBLISHABLE_KEY: variable(
    'Key that pages confirm payments with',
    text(4, 255, /^pk_\w+$/, 'a key that begins with pk_, because every buyer is given it'),
  ),
  STRIPE_API_BASE: variable('Another address of Stripe’s API', url()),

  REDIS_ADDR: variable(
    'Redis for holds, the M2M token and the signal of sales; several addresses are nodes of a cluster; unset: kept in the process',
    asList(hostAndPort()),
  ),
  REDIS_CLUSTER: variable('Says that a single address is a node of a cluster', switchValue(), 'false'),
  REDIS_TLS: variable(
    'Speaks TLS with Redis; NODE_EXTRA_CA_CERTS names a CA of your own',
    switchValue(),
    'false',
  ),
  REDIS_USERNAME: variable('User of Redis; unset: its default user', text(1, 255)),
  REDIS_PASSWORD: secret('Password of Redis', text(1, 1_024)),
  KAFKA_ADDR: variable(
    'Kafka brokers, `host:port` with commas; unset: events in the process',
    asList(hostPort()),
  ),
  KAFKA_TLS: variable('Whether the brokers are spoken to over TLS', switchValue(), 'false'),
  KAFKA_TLS_CA_FILE: variable(
    'PEM file of the certificates that sign the brokers’; unset: the well-known ones',
    text(1, 4_096),
  ),
  KAFKA_SASL_MECHANISM: variable(
    'How this service says to the brokers who it is; unset: it does not',
    choice('plain', 'scram-sha-256', 'scram-sha-512'),
  ),
  KAFKA_USERNAME: variable('Its name there; needed with KAFKA_SASL_MECHANISM', text(1, 255)),
  KAFKA_PASSWORD: secret('Its password there; needed with KAFKA_SASL_MECHANISM', text(1, 1_024)),
  KAFKA_CLIENT_ID: variable('How it is called in the brokers’ logs and quotas', nameText(), 'ms-ticketing'),
  KAFKA_GROUP_ID: variable('Consumer group of the payment topics', nameText(), 'ms-ticketing'),
  KAFKA_CREATE_TOPICS: variable('Makes topics that are not there at start', switchValue(), 'true'),
  KAFKA_TOPIC_PARTITIONS: variable('Partitions of topics that it makes', wholeNumber(1, 1_000), '6'),
  KAFKA_TOPIC_REPLICAS: variable(
    'Copies of each partition of topics that it makes; 0: as the brokers have it',
    wholeNumber(0, 9),
    '0',
  ),

  QR_SECRET_KEY: secret(
    'Base64 of 32 bytes that QR texts are sealed with; older keys after it, with commas; unset: made and kept in DATA_DIR',
    asList(base64(QR_KEY_BYTES)),
  ),

  CURRENCY: variable('ISO 4217 code of every price', text(3, 3, /^[a-z]{3}$/i, 'a three-letter code'), 'lkr'),
  TIME_ZONE: variable('Zone that printed tickets tell the time in', timeZone(), 'UTC'),
  SEAT_LOCK_TTL_MINUTES: variable('How long seats are held for payment', decimal(0.01, MAX_MINUTES), '5'),
  MAX_SEATS_PER_ORDER: variable('Most seats in one order', wholeNumber(1, MAX_SEATS), '10'),
  PLACING_CONCURRENCY: variable(
    'Most orders placed at the same time; others wait their turn',
    wholeNumber(1, 10_000),
    '64',
  ),
  ORDERS_PER_STATEMENT: variable(
    'Most orders that come together and are written by one statement; 1: each alone',
    wholeNumber(1, 64),
    '16',
  ),
  MAX_QUEUE_MS: variable(
    'Longest wait for that turn; who would wait longer is told at once to come again',
    wholeNumber(0, 60_000),
    '2000',
  ),
  DOORS_OPEN_HOURS: variable(
    'How long before its start a session’s tickets admit; unset: 24, with the embedded venue at any time',
    decimal(0, MAX_DOOR_HOURS),
  ),
  DOORS_CLOSE_HOURS: variable(
    'How long after its end they still do; unset: 24, with the embedded venue at any time',
    decimal(0, MAX_DOOR_HOURS),
  ),
  MAX_STREAMS: variable(
    'Most event streams open at a time on a replica; each needs a connection',
    wholeNumber(1, 100_000),
    '2000',
  ),
  MAX_STREAMS_PER_USER: variable(
    'Most event streams of one user open at a time on a replica',
    wholeNumber(1, 100_000),
    '20',
  ),
  MAX_EXPORTS: variable(
    'Most exports and long lists that are read at the same time; each holds a connection to PostgreSQL',
    wholeNumber(1, 100),
    '3',
  ),
  OUTBOX_RETENTION_HOURS: variable('How long published messages stay in the outbox', decimal(0, 8_760), '24'),
  RECONCILE_DAYS: variable(
    'How many days back payments are compared with Stripe, once a day; 0: never',
    wholeNumber(0, 90),
    '3',
  ),
  SWEEP_INTERVAL_SECONDS: variable(
    'How often ended holds, unapplied webhooks and refunds are looked for',
    decimal(0.05, 3_600),
    '1',
  ),

  TOPIC_ORDER_CREATED: variable('Topic of placed orders', topicName(), 'ticketly.order.created'),
  TOPIC_ORDER_UPDATED: variable(
    'Topic of changed pending orders, and once of each order that completes',
    topicName(),
    'ticketly.order.updated',
  ),
  TOPIC_ORDER_AMENDED: variable(
    'Topic of changes to orders that completed before',
    topicName(),
    'ticketly.order.amended',
  ),
  TOPIC_ORDER_CANCELED: variable('Topic of cancelled orders', topicName(), 'ticketly.order.canceled'),
  TOPIC_SEATS_STATUS: variable('Topic of seat states', topicName(), 'ticketly.seats.status'),
  TOPIC_PAYMENT_SUCCEEDED: variable(
    'Topic read for payments that went through elsewhere; with `.dead` after it, those not understood',
    topicName('.dead'),
    'payment_succefully',
  ),
  TOPIC_PAYMENT_FAILED: variable(
    'Topic read for payments that failed elsewhere; with `.dead` after it, those not understood',
    topicName('.dead'),
    'payment_unseecuufull',
  ),
} as const satisfies Record<string, Variable<unknown>>;

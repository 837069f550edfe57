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
import { fileVariableOf, secretFromFile } from './config.secrets.ts';
import { Currency } from './kernel/money.ts';
import { redacted } from './platform/telemetry/redaction.ts';

interface Variable<Value> {
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

/** Where the platform's own front end is served on a developer's machine (contract section 1). */
const FRONT_END_IN_DEVELOPMENT = [
  'http://localhost:8090',
  'http://ticketly.test:8090',
  'http://www.localhost:8090',
];

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

type Variables = typeof VARIABLES;
type Name = keyof Variables;
type ValueOf<V> = V extends { readonly read: Reader<infer Value> } ? Value : never;

/** The settings: by variable name, each with the type its reader gives. One without a fallback may be undefined. */
export type Settings = {
  readonly [N in Name]: Variables[N] extends { readonly fallback: string }
    ? ValueOf<Variables[N]>
    : ValueOf<Variables[N]> | undefined;
};

export interface Config extends Settings {
  readonly currency: Currency;
  readonly holdMs: number;
  /** Origins whose pages may call the API. */
  readonly corsOrigins: readonly string[];
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** What is wrong with the environment: one line for each variable, none with a secret's value. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** Reads and checks every variable. Throws a `ConfigError` that names each bad one and what it may be. */
export function readConfig(environment: Environment): Config {
  const problems: string[] = [];
  const settings = Object.fromEntries(
    Object.entries(VARIABLES).map(([name, spec]) => [name, readOne(name, spec, environment, problems)]),
  ) as unknown as Settings;
  if (problems.length === 0) problems.push(...contradictions(settings));
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    ...settings,
    currency: new Currency(settings.CURRENCY),
    holdMs: Math.round(settings.SEAT_LOCK_TTL_MINUTES * 60_000),
    corsOrigins:
      settings.CORS_ORIGINS ?? (settings.NODE_ENV === 'production' ? [] : FRONT_END_IN_DEVELOPMENT),
  };
}

function readOne(
  name: string,
  spec: Variable<unknown>,
  environment: Environment,
  problems: string[],
): unknown {
  const named = environment[name]?.trim();
  const set = named || !spec.secret ? named : secretFromFile(name, environment, problems);
  const isUnset = set === undefined || (set === '' && !spec.mayBeEmpty);
  const given = isUnset ? spec.fallback : set;
  if (given === undefined) return undefined;
  const value = spec.read(given);
  if (value === undefined) {
    // An address may have been given a password, and one variable another's secret.
    const shown = spec.secret ? 'the value set' : redacted(JSON.stringify(given));
    problems.push(`${name}: ${shown} is not allowed; it must be ${spec.allowed}.`);
  }
  return value;
}

function contradictions(settings: Settings): string[] {
  const problems: string[] = [];
  if (settings.REDIS_USERNAME && !settings.REDIS_PASSWORD) {
    problems.push('REDIS_PASSWORD: must be set when REDIS_USERNAME is.');
  }
  if (settings.KAFKA_SASL_MECHANISM && !(settings.KAFKA_USERNAME && settings.KAFKA_PASSWORD)) {
    problems.push('KAFKA_USERNAME and KAFKA_PASSWORD: must be set when KAFKA_SASL_MECHANISM is.');
  }
  if (settings.KAFKA_PASSWORD && !settings.KAFKA_SASL_MECHANISM) {
    problems.push('KAFKA_SASL_MECHANISM: must be set when KAFKA_PASSWORD is; without it nobody logs in.');
  }
  if (settings.KAFKA_TLS_CA_FILE && !settings.KAFKA_TLS) {
    problems.push('KAFKA_TLS: must be true when KAFKA_TLS_CA_FILE is set; without it nothing is encrypted.');
  }
  if (settings.OIDC_ISSUER && !settings.TICKET_CLIENT_SECRET) {
    problems.push(
      'TICKET_CLIENT_SECRET: must be set when OIDC_ISSUER is; it is the secret of TICKET_CLIENT_ID there.',
    );
  }
  if (settings.OIDC_ISSUER && !settings.KEYCLOAK_URL && !settings.OIDC_ISSUER.includes('/realms/')) {
    problems.push(
      'KEYCLOAK_URL: must be set, because OIDC_ISSUER does not have the form {KEYCLOAK_URL}/realms/{KEYCLOAK_REALM}.',
    );
  }
  if (settings.STRIPE_SECRET_KEY && !settings.STRIPE_WEBHOOK_SECRET) {
    problems.push(
      'STRIPE_WEBHOOK_SECRET: must be set when STRIPE_SECRET_KEY is; Stripe shows it beside the webhook endpoint.',
    );
  }
  const modes = [settings.STRIPE_SECRET_KEY, settings.STRIPE_PUBLISHABLE_KEY].map(modeOfKey);
  if (modes[0] && modes[1] && modes[0] !== modes[1]) {
    problems.push(
      `STRIPE_PUBLISHABLE_KEY: is a ${modes[1]} key, and STRIPE_SECRET_KEY a ${modes[0]} one; no buyer could pay.`,
    );
  }
  if (settings.STRIPE_API_BASE && !settings.STRIPE_SECRET_KEY) {
    problems.push(
      'STRIPE_SECRET_KEY: must be set when STRIPE_API_BASE is; without it the embedded Stripe is used.',
    );
  }
  if (settings.NODE_ENV === 'production' && !settings.QR_SECRET_KEY && !settings.ALLOW_EMBEDDED) {
    problems.push('QR_SECRET_KEY: must be set in production, to the same value for every replica.');
  }
  const seating = settings.EVENT_SEATING_SERVICE_URL !== undefined;
  if (seating !== ((settings.EVENT_QUERY_SERVICE_URL ?? settings.SEAT_SERVICE_URL) !== undefined)) {
    problems.push(
      'EVENT_SEATING_SERVICE_URL and EVENT_QUERY_SERVICE_URL: set both or neither; they answer about the same seats.',
    );
  }
  const embedded = embeddedParts(settings);
  const missing = embedded.map((part) => `${part.variable} (${part.name})`);
  if (settings.WEB_CONCURRENCY > 1 && (missing.length > 0 || !settings.QR_SECRET_KEY)) {
    const unset = [...missing, ...(settings.QR_SECRET_KEY ? [] : ['QR_SECRET_KEY'])].join(', ');
    problems.push(
      `WEB_CONCURRENCY: workers share nothing but servers, and a stand-in would be there once in each. Set ${unset}, or WEB_CONCURRENCY=1.`,
    );
  }
  if (settings.NODE_ENV === 'production' && embedded.length > 0 && !settings.ALLOW_EMBEDDED) {
    problems.push(
      `NODE_ENV=production: refuses stand-ins. Set ${missing.join(', ')}, or ALLOW_EMBEDDED=true.`,
    );
  }
  return problems;
}

/** https://docs.stripe.com/keys */
function modeOfKey(key: string | undefined): string | undefined {
  return /^[srp]k_(live|test)_/.exec(key ?? '')?.[1];
}

export interface EmbeddedPart {
  readonly name: string;
  readonly variable: Name;
}

const PARTS: readonly EmbeddedPart[] = [
  { name: 'PostgreSQL', variable: 'POSTGRES_DSN' },
  { name: 'Identity', variable: 'OIDC_ISSUER' },
  { name: 'Venue', variable: 'EVENT_SEATING_SERVICE_URL' },
  { name: 'Stripe', variable: 'STRIPE_SECRET_KEY' },
  { name: 'Redis', variable: 'REDIS_ADDR' },
  { name: 'Kafka', variable: 'KAFKA_ADDR' },
];

/** What stands in for a server that no variable names (contract section 11). */
export function embeddedParts(settings: Settings): EmbeddedPart[] {
  return PARTS.filter(({ variable }) => !settings[variable]);
}

/** The servers that variables name. */
export function realParts(settings: Settings): EmbeddedPart[] {
  return PARTS.filter(({ variable }) => settings[variable]);
}

/** The variables that name files of secrets; each secret has one. */
export function secretFileVariables(): string[] {
  return Object.entries<Variable<unknown>>(VARIABLES)
    .filter(([, { secret: isSecret }]) => isSecret)
    .map(([name]) => fileVariableOf(name));
}

/** One row a variable, for `--help` and docs/configuration.md. */
export function describeVariables(): { name: string; fallback: string; allowed: string; meaning: string }[] {
  return Object.entries<Variable<unknown>>(VARIABLES).map(([name, spec]) => ({
    name,
    fallback: spec.fallback ?? '',
    allowed: spec.allowed,
    meaning: spec.meaning,
  }));
}

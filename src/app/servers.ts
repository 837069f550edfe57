import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Agent } from 'undici';
import type { Config } from '../config.ts';
import { DEMO_STRIPE_KEYS } from '../embedded/demo-accounts.ts';
import { createEmbeddedEventLog } from '../embedded/event-log.ts';
import { createEmbeddedHolds } from '../embedded/holds.ts';
import { readOrCreateSecret } from '../embedded/kept-file.ts';
import { startEmbeddedPostgres } from '../embedded/postgres/postgres.ts';
import { createCatalogue } from '../features/catalogue/index.ts';
import { holdRecords } from '../features/orders/index.ts';
import { HttpSeatingServices } from '../features/seats/index.ts';
import { MS_PER_SECOND } from '../kernel/clock.ts';
import type { TopicNames } from '../kernel/events.ts';
import type { Core } from '../platform/core.ts';
import { createReachability } from '../platform/http/reachability.ts';
import { ServiceClient } from '../platform/http/service-client.ts';
import type { Kafka } from '../platform/kafka/kafka.ts';
import { M2mTokens } from '../platform/m2m-tokens/m2m-tokens.ts';
import type { Trust } from '../platform/oidc/access-token.ts';
import { type ForeignClaim, TokenVerifier } from '../platform/oidc/token-verifier.ts';
import { ClockWatch } from '../platform/postgres/clock-watch.ts';
import { type Connections, openConnections } from '../platform/postgres/database.ts';
import { type DatabaseClock, startDatabaseClock } from '../platform/postgres/database-clock.ts';
import { migrateUp } from '../platform/postgres/migrations.ts';
import { insertSampleData } from '../platform/postgres/sample-data.ts';
import { waitForDatabase } from '../platform/postgres/startup.ts';
import { traceStatements } from '../platform/postgres/statement-tracing.ts';
import { withHooks } from '../platform/postgres/transaction-hooks.ts';
import { rememberHolds } from '../platform/redis/known-holds.ts';
import { openRedis } from '../platform/redis/redis.ts';
import { createStripeProvider } from '../platform/stripe/stripe.provider.ts';
import { traceEvents } from '../platform/telemetry/event-tracing.ts';
import { type Foundation, logMigrations, systemClock } from './foundation.ts';

const MAX_CONNECTIONS_PER_SERVICE = 64;
/** More than a map of the largest stadium; a longer answer is refused. */
const MAX_ANSWER_BYTES = 16_777_216;
export const QR_KEY_BYTES = 32;
const EMBEDDED_CLIENT_SECRET_BYTES = 24;
const STRIPE_URL = 'https://api.stripe.com/';
/** What an operator does about tokens of the issuer that are refused, by the claim for which they are. */
const FOREIGN_TOKENS: Readonly<Record<ForeignClaim, string>> = {
  iss: 'OIDC_ISSUER is not the issuer that tokens name, so all tokens are refused: set OIDC_ISSUER to the issuer that was found and KEYCLOAK_URL to the address at which this service reaches Keycloak, or give Keycloak the same name for all callers (its KC_HOSTNAME)',
  client:
    'tokens of a client that OIDC_CLIENTS does not name are refused: add the client that was found if its users may use this service',
  audience:
    'tokens for another audience are refused: name the one that was found in OIDC_AUDIENCE if it means this service',
};

export type Postgres = Awaited<ReturnType<typeof openPostgres>>;
export type Servers = Awaited<ReturnType<typeof connectServers>>;

/** What the features are built on. */
export interface Ground {
  readonly foundation: Foundation;
  readonly postgres: Postgres;
  readonly core: Core;
  readonly servers: Servers;
}

/** Opens PostgreSQL, real or embedded: waits for it, migrates it, and measures its time. */
export async function openPostgres(foundation: Foundation) {
  const { config, closing, dataDir, log, tracing, watch, bell, failed } = foundation;
  let dsn = config.POSTGRES_DSN;
  if (dsn === undefined) {
    const server = await startEmbeddedPostgres(dataDir, (reason) =>
      log.error({ reason }, 'the embedded PostgreSQL ended and is started again; its disk may be full'),
    );
    closing.add(() => server.close());
    dsn = server.dsn;
  }
  await waitForDatabase({ dsn, maxWaitMs: config.DATABASE_WAIT_SECONDS * MS_PER_SECOND, log });
  if (config.AUTO_MIGRATE) {
    const { MIGRATIONS_DIR: dir, currency } = config;
    logMigrations(log, await migrateUp({ dsn, dir, currency }));
  }
  const opened = openConnections({
    dsn,
    currency: config.currency,
    maxConnections: config.POSTGRES_POOL_SIZE,
    onIdleError: (error) => log.warn({ err: error }, 'a database connection broke'),
  });
  const traced = tracing ? traceStatements(opened, tracing) : opened;
  const database = withHooks(watch('database', traced), {
    wake: (job) => bell(job).ring(),
    traceparent: foundation.traces.current,
    onEffectError: failed('after a commit'),
  });
  closing.add(() => database.close());
  const clock = await clockOf(opened, foundation);
  if (config.SEED_DATA) await insertSampleData(database);
  return { database, dsn, clock, clockWatch: new ClockWatch(clock, log) };
}

/** The database's time, or the clock of a test. */
async function clockOf(database: Pick<Connections, 'snapshot'>, { overrides }: Foundation): Promise<DatabaseClock> {
  const { clock, processClock = systemClock } = overrides;
  if (clock) return { now: () => clock.now(), measure: async () => undefined, differenceSeconds: () => 0 };
  return startDatabaseClock({ database, processClock, monotonicMs: () => performance.now() });
}

/** Connects everything except PostgreSQL: the issuer, the seating services, Stripe, holds and the event log, real or embedded. */
export async function connectServers(foundation: Foundation, core: Core) {
  const { config, closing, log, selfUrl, overrides, watch, metrics, tracing } = foundation;
  const { clock } = core;
  const newAgent = () => {
    const opened = new Agent({ connections: MAX_CONNECTIONS_PER_SERVICE, maxResponseSize: MAX_ANSWER_BYTES });
    closing.add(() => opened.close());
    return opened;
  };
  const agent = newAgent();
  const identity = await issuerOf(foundation);
  const trust = trustOf(config);
  const verifier = new TokenVerifier({
    issuer: identity.issuer,
    jwksUrl: identity.jwksUrl,
    clock,
    trust,
    onForeignToken(claim, found) {
      const configured = { iss: identity.issuer, client: trust.clients, audience: trust.audiences }[claim];
      // Without the right issuer nobody can sign in.
      log[claim === 'iss' ? 'error' : 'warn']({ configured, found }, FOREIGN_TOKENS[claim]);
    },
  });
  const redis = await redisOf(foundation, core);
  const tokens = new M2mTokens({
    http: agent,
    shared: redis?.tokens,
    tokenUrl: `${identity.realmUrl}/protocol/openid-connect/token`,
    clientId: config.TICKET_CLIENT_ID,
    clientSecret: identity.clientSecret,
    clock,
  });
  const queryUrl = config.EVENT_QUERY_SERVICE_URL ?? config.SEAT_SERVICE_URL ?? `${selfUrl}/api/event-query`;
  const seatingUrl = config.EVENT_SEATING_SERVICE_URL ?? `${selfUrl}/api/event-seating`;
  const service = (name: string, baseUrl: string) =>
    new ServiceClient({ http: newAgent(), baseUrl, tokens, onCircuit: (isOpen) => metrics.circuit(name, isOpen) });
  // Connections and a circuit for each purpose: orders that wait or fail leave the door and the organisers their questions.
  const catalogue = service('catalogue', queryUrl);
  const seating = new HttpSeatingServices({
    query: service('event_query', queryUrl),
    seating: service('seating', seatingUrl),
    roles: service('seating_roles', seatingUrl),
    catalogue,
    currency: config.currency,
  });
  const stripeKeys = {
    secretKey: config.STRIPE_SECRET_KEY ?? DEMO_STRIPE_KEYS.secretKey,
    publishableKey:
      config.STRIPE_PUBLISHABLE_KEY ?? (config.STRIPE_SECRET_KEY ? undefined : DEMO_STRIPE_KEYS.publishableKey),
    webhookSecret: config.STRIPE_WEBHOOK_SECRET ?? `whsec_${randomBytes(QR_KEY_BYTES).toString('hex')}`,
    apiBase: config.STRIPE_SECRET_KEY ? config.STRIPE_API_BASE : selfUrl,
  };
  const kafka = await connectToKafka(foundation);
  const untraced = overrides.eventLog ?? kafka ?? createEmbeddedEventLog();
  const eventLog = tracing ? traceEvents(untraced, tracing) : untraced;
  return {
    identity,
    verifier,
    seating: watch('seating', seating),
    catalogue: createCatalogue({ clock, watch }, { eventQuery: catalogue }),
    stripeKeys,
    checkIdentity: createReachability(agent, [
      identity.jwksUrl ?? `${identity.issuer}/.well-known/openid-configuration`,
    ]),
    checkSeating: createReachability(agent, [queryUrl, seatingUrl]),
    checkStripe: createReachability(agent, [stripeKeys.apiBase ?? STRIPE_URL]),
    stripe: watch('stripe', createStripeProvider(stripeKeys)),
    holds: watch(
      'holds',
      redis?.holds ?? createEmbeddedHolds(clock, rememberHolds(holdRecords(core.database).stillHeld)),
    ),
    redisSignal: redis?.signal,
    checkRedis: redis?.check ?? (async () => undefined),
    kafka,
    eventLog,
    publisher: watch('events', eventLog),
  };
}

/** Whose tokens are accepted: those of the client with which this service's pages sign in, too. */
function trustOf(config: Config): Trust {
  return {
    serviceClient: config.TICKET_CLIENT_ID,
    clients: [...new Set([...config.OIDC_CLIENTS, config.OIDC_WEB_CLIENT_ID])],
    audiences: config.OIDC_AUDIENCE,
  };
}

/** Redis, if it is configured: holds and the M2M token, shared by the replicas. */
async function redisOf({ config, closing, log, metrics }: Foundation, { database, clock }: Core) {
  const addresses = config.REDIS_ADDR;
  if (addresses === undefined) return undefined;
  const redis = await openRedis({
    server: {
      addresses,
      isCluster: config.REDIS_CLUSTER || addresses.length > 1,
      tls: config.REDIS_TLS,
      username: config.REDIS_USERNAME,
      password: config.REDIS_PASSWORD,
    },
    clock,
    log,
    records: holdRecords(database),
    onAnswer: metrics.hold,
    onCircuit: (isOpen) => metrics.circuit('redis', isOpen),
  });
  closing.add(redis.close);
  return redis;
}

/** Kafka, if `KAFKA_ADDR` names it. */
async function connectToKafka({ config, closing, failed }: Foundation): Promise<Kafka | undefined> {
  const { KAFKA_ADDR: brokers, KAFKA_SASL_MECHANISM: mechanism, KAFKA_TLS_CA_FILE: caFile } = config;
  if (brokers === undefined) return undefined;
  const upper = { plain: 'PLAIN', 'scram-sha-256': 'SCRAM-SHA-256', 'scram-sha-512': 'SCRAM-SHA-512' } as const;
  // Loading the client compiles its schemas, which would take a third of a start that does not use Kafka.
  const { connectKafka } = await import('../platform/kafka/kafka.ts');
  const kafka = await connectKafka({
    access: {
      brokers,
      clientId: config.KAFKA_CLIENT_ID,
      tls: config.KAFKA_TLS ? (caFile ? { ca: await readCertificates(caFile) } : {}) : undefined,
      sasl: mechanism && {
        mechanism: upper[mechanism],
        username: config.KAFKA_USERNAME ?? '',
        password: config.KAFKA_PASSWORD ?? '',
      },
    },
    topics: {
      names: [...Object.values(topicNames(config)), config.TOPIC_PAYMENT_SUCCEEDED, config.TOPIC_PAYMENT_FAILED],
      mayCreate: config.KAFKA_CREATE_TOPICS,
      partitions: config.KAFKA_TOPIC_PARTITIONS,
      replicas: config.KAFKA_TOPIC_REPLICAS || undefined,
    },
    onError: failed('kafka'),
  });
  closing.add(() => kafka.close());
  return kafka;
}

async function readCertificates(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new Error(`KAFKA_TLS_CA_FILE: ${file} cannot be read (${cause.code}).`, { cause });
  });
  if (!text.includes('-----BEGIN CERTIFICATE-----'))
    throw new Error(`KAFKA_TLS_CA_FILE: there is no certificate in ${file}.`);
  return text;
}

export function topicNames(config: Config): TopicNames {
  return {
    orderCreated: config.TOPIC_ORDER_CREATED,
    orderUpdated: config.TOPIC_ORDER_UPDATED,
    orderAmended: config.TOPIC_ORDER_AMENDED,
    orderCanceled: config.TOPIC_ORDER_CANCELED,
    seatsStatus: config.TOPIC_SEATS_STATUS,
    paymentSucceededDead: `${config.TOPIC_PAYMENT_SUCCEEDED}.dead`,
    paymentFailedDead: `${config.TOPIC_PAYMENT_FAILED}.dead`,
  };
}

/** The issuer of tokens, and the client secret of this service. */
async function issuerOf({ config, dataDir, selfUrl, publicUrl }: Foundation) {
  const realm = `/realms/${config.KEYCLOAK_REALM}`;
  if (config.OIDC_ISSUER !== undefined) {
    const keycloak = config.KEYCLOAK_URL ?? config.OIDC_ISSUER.split('/realms/', 1)[0];
    return {
      issuer: config.OIDC_ISSUER,
      realmUrl: `${keycloak}${realm}`,
      // Keycloak publishes the address that browsers use; the configured one is reachable from inside.
      jwksUrl: config.KEYCLOAK_URL && `${keycloak}${realm}/protocol/openid-connect/certs`,
      clientSecret: config.TICKET_CLIENT_SECRET ?? '',
    };
  }
  const kept = () => readOrCreateSecret(`${dataDir}/service-client.secret`, EMBEDDED_CLIENT_SECRET_BYTES);
  return {
    issuer: `${publicUrl}${realm}`,
    realmUrl: `${selfUrl}${realm}`,
    jwksUrl: `${selfUrl}${realm}/protocol/openid-connect/certs`,
    clientSecret: config.TICKET_CLIENT_SECRET ?? (await kept()),
  };
}

import { randomBytes, randomUUIDv7 } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type DestinationStream, destination, type Logger } from 'pino';
import { Agent } from 'undici';
import { type Config, embeddedParts } from './config.ts';
import { claimDataDir } from './embedded/data-dir.ts';
import { DEMO_STRIPE_KEYS, DEMO_USERS } from './embedded/demo-accounts.ts';
import { createEmbeddedEventLog, type EmbeddedEventLog } from './embedded/event-log.ts';
import { createEmbeddedHolds } from './embedded/holds.ts';
import { createEmbeddedIdentity } from './embedded/identity/identity.ts';
import { readOrCreateSecret } from './embedded/kept-file.ts';
import { startEmbeddedPostgres } from './embedded/postgres/postgres.ts';
import { createEmbeddedStripe } from './embedded/stripe/stripe.ts';
import { createEmbeddedVenue } from './embedded/venue/venue.ts';
import { createAdmission } from './features/live/admission.service.ts';
import { createRecordSales, createSalesFeed } from './features/live/feed.service.ts';
import { liveRoutes } from './features/live/live.routes.ts';
import { createLiveSales, type LiveSales } from './features/live/live.service.ts';
import { createFeedReader } from './features/live/reader.service.ts';
import { stillHeld } from './features/orders/hold.store.ts';
import { createOrderChanging } from './features/orders/order.changing.ts';
import { createOrderExpiry } from './features/orders/order.expiry.ts';
import { createOrderPlacing, PLACING_HOLD_MS } from './features/orders/order.placing.ts';
import { orderRoutes } from './features/orders/order.routes.ts';
import type { Order } from './features/orders/order.rules.ts';
import { createOrderService, releaseHolds } from './features/orders/order.service.ts';
import {
  attachIntent,
  findOrder,
  isSeatTaken,
  liveSeats,
  orderOfIntent,
} from './features/orders/order.store.ts';
import { createOrderTransitions } from './features/orders/order.transitions.ts';
import { toWireOrder } from './features/orders/order.wire.ts';
import { createAlignment } from './features/payments/alignment.ts';
import { createPaymentConsumer } from './features/payments/payment.consumer.ts';
import type { PaymentProvider } from './features/payments/payment.ports.ts';
import { paymentRoutes } from './features/payments/payment.routes.ts';
import { createPaymentService } from './features/payments/payment.service.ts';
import { lockApplied } from './features/payments/payment.store.ts';
import { createReconcile, type Reconcile } from './features/payments/reconcile.service.ts';
import { createGiveBack, createRefundService } from './features/payments/refund.service.ts';
import { createSettlement, createUndecidedSweep } from './features/payments/settlement.ts';
import { createStuckPayments } from './features/payments/stuck.service.ts';
import { createWebhookService } from './features/payments/webhook.service.ts';
import { createSeatingServices } from './features/seats/seating.services.ts';
import { createQrDrawer } from './features/tickets/qr/qr-image.ts';
import { createTicketSealer } from './features/tickets/qr/sealer.ts';
import { ticketRoutes, toWireView } from './features/tickets/ticket.routes.ts';
import type { Ticket } from './features/tickets/ticket.rules.ts';
import { createTicketService } from './features/tickets/ticket.service.ts';
import { type Clock, instant, later, MS_PER_SECOND } from './kernel/clock.ts';
import type { TopicNames } from './kernel/events.ts';
import type { IdSource, OrderId, PaymentIntentId } from './kernel/ids.ts';
import { serveApiDocs } from './platform/http/api-docs.ts';
import { requireAuthentication } from './platform/http/authentication.ts';
import { createDrain, type Drain } from './platform/http/drain.ts';
import { healthRoutes } from './platform/http/health.routes.ts';
import { identityRoutes } from './platform/http/identity.routes.ts';
import { bind } from './platform/http/listener.ts';
import { createOnce } from './platform/http/once.ts';
import { createHttpServer, type HttpServer } from './platform/http/server.ts';
import { createServiceClient } from './platform/http/service-client.ts';
import { claimDailyJob, markDailyJobDone } from './platform/jobs/daily.store.ts';
import { type Bell, createBell, startPoller } from './platform/jobs/poller.ts';
import { connectKafka, type Kafka } from './platform/kafka/kafka.ts';
import { createM2mTokens } from './platform/m2m-tokens/m2m-tokens.ts';
import { createTokenVerifier } from './platform/oidc/token-verifier.ts';
import { appendToOutbox, lagOf } from './platform/outbox/outbox.store.ts';
import { createRelay, RELAY_POLL_MS } from './platform/outbox/relay.ts';
import { type Database, openDatabase } from './platform/postgres/database.ts';
import { createLeader } from './platform/postgres/leader.ts';
import { migrateUp } from './platform/postgres/migrations.ts';
import { insertSampleData } from './platform/postgres/sample-data.ts';
import { createPostgresSignal } from './platform/postgres/signal.ts';
import { openRedis } from './platform/redis/redis.ts';
import { createStripeProvider } from './platform/stripe/stripe.provider.ts';
import { createLog } from './platform/telemetry/log.ts';
import { createMetrics, type Metrics, metricsRoute } from './platform/telemetry/metrics.ts';

/** What tests and the simulator own in place of the real thing. */
export interface Overrides {
  readonly clock?: Clock;
  readonly ids?: IdSource;
  /** Where log lines go. */
  readonly logTo?: DestinationStream;
  /** The log of events in place of the one in the process. */
  readonly eventLog?: EmbeddedEventLog;
  /** Stands around everything with an effect: the database, and whatever is called outside of the process. */
  readonly watch?: Watch;
}

/** Gives a port back that does the same, and may be watched or stopped on the way. */
export type Watch = <Port extends object>(name: string, port: Port) => Port;

/** Turns at background work, each true when there may be more to do at once. */
export type Work = Readonly<
  Record<
    | 'relay'
    | 'webhooks'
    | 'refunds'
    | 'expiry'
    | 'conclusion'
    | 'decision'
    | 'forgetting'
    | 'reconciliation'
    | 'saleNumbering'
    | 'saleListening'
    | 'saleReading'
    | 'saleStats'
    | 'saleForgetting'
    | 'streamUpkeep'
    | 'streamOwnership',
    () => Promise<boolean>
  >
>;

export interface App {
  readonly http: HttpServer;
  /** Where it answers, for people. */
  readonly url: string;
  /** The background work that `start` repeats; a simulator does it itself. */
  readonly work: Work;
  /** Begins the background work; requests are answered from the moment `buildApp` resolves. */
  start(): void;
  /** Stops cleanly: no new request, those under way finished, background work handed over, servers let go. */
  close(): Promise<void>;
}

const MS_PER_HOUR = 3_600_000;
const MS_PER_DAY = 86_400_000;
/** How often it is seen whether there is something old to remove, or the day's comparison to make. */
const HOUSEKEEPING_MS = 60_000;
/** Sales of another replica that died before it numbered them, and signals that were lost, are found within this. */
const SALE_POLL_MS = 500;
const LISTEN_AGAIN_MS = 1_000;
/** How exactly heartbeats, totals and ends of tokens keep their time. */
const STREAM_UPKEEP_MS = 250;
const SALES_CHANNEL = 'ticketing_sales';
const RELAY_LOCK = 840_084_002;
const MAX_CONNECTIONS_PER_SERVICE = 64;
const QR_KEY_BYTES = 32;
/** Requests under way when a stop begins have this long. */
const DRAIN_MS = 15_000;
/** What is still connected after that is a stream or an idle client. */
const CUT_MS = 500;
const EMBEDDED_CLIENT_SECRET_BYTES = 24;
const VENUE_GROUP_BYTES = 9;
export const VERSION = '0.1.0';

/**
 * The whole service, wired by hand from top to bottom: what it stands on, the servers real or embedded, the features,
 * HTTP, background work. Nothing is left running when it throws.
 */
export async function buildApp(config: Config, overrides: Overrides = {}): Promise<App> {
  const closing = closeInReverse();
  try {
    const base = await layFoundation(config, overrides, closing);
    const database = await openPostgres(base);
    const servers = await connectServers(base, database);
    const features = await wireFeatures(base, database, servers);
    const work = backgroundWork(base, database, servers, features);
    const { http, drain } = await serveHttp(base, database, servers, features);
    return {
      http,
      url: base.publicUrl,
      work,
      start: () =>
        startBackground(base, work, drain, { kafka: servers.kafka, streams: features.live.streams }),
      close: closing.run,
    };
  } catch (error) {
    await closing.run();
    throw error;
  }
}

type Base = Awaited<ReturnType<typeof layFoundation>>;
type Postgres = Awaited<ReturnType<typeof openPostgres>>;
type Servers = Awaited<ReturnType<typeof connectServers>>;
type Features = Awaited<ReturnType<typeof wireFeatures>>;

interface Closing {
  readonly add: (close: () => Promise<void>) => void;
  readonly run: () => Promise<void>;
}

function closeInReverse(): Closing {
  const closers: (() => Promise<void>)[] = [];
  return {
    add: (close) => closers.push(close),
    async run() {
      for (let close = closers.pop(); close; close = closers.pop()) await close();
    },
  };
}

const systemClock: Clock = { now: () => instant(Date.now()) };
const newIds: IdSource = { uuid: () => randomUUIDv7() };

/** Clock, ids, log, the port and the data folder: what everything else is built on. */
async function layFoundation(config: Config, overrides: Overrides, closing: Closing) {
  const clock = overrides.clock ?? systemClock;
  const ids = overrides.ids ?? newIds;
  const log: Logger = createLog(config.LOG_LEVEL, overrides.logTo ?? destination({ dest: 1, sync: false }));
  const listener = await bind(config.PORT, config.HOST);
  closing.add(() => listener.close(CUT_MS));
  const embedded = new Set(embeddedParts(config).map((part) => part.variable));
  const claim = await claimDataDir(config.DATA_DIR);
  closing.add(() => claim.release());
  const selfHost = ['', '0.0.0.0', '::'].includes(config.HOST) ? '127.0.0.1' : config.HOST;
  return {
    config,
    clock,
    ids,
    log,
    closing,
    listener,
    embedded,
    dataDir: claim.path,
    /** How this process reaches its own embedded parts. */
    selfUrl: `http://${selfHost}:${listener.port}`,
    publicUrl: config.PUBLIC_URL || `http://localhost:${listener.port}`,
    overrides,
    watch: overrides.watch ?? ((_name, port) => port),
    outboxBell: createBell(),
    inboxBell: createBell(),
    refundBell: createBell(),
    saleBell: createBell(),
    feedBell: createBell(),
    listenBell: createBell(),
    onError: (error: unknown) => log.error({ err: error }, 'background work failed'),
  };
}

/** PostgreSQL, real or embedded, migrated. */
async function openPostgres({ config, closing, dataDir, log, watch }: Base) {
  let dsn = config.POSTGRES_DSN;
  if (dsn === undefined) {
    const server = await startEmbeddedPostgres(dataDir);
    closing.add(() => server.close());
    dsn = server.dsn;
  }
  if (config.AUTO_MIGRATE) await migrateUp({ dsn, dir: config.MIGRATIONS_DIR });
  const database = watch(
    'database',
    openDatabase({
      dsn,
      maxConnections: config.POSTGRES_POOL_SIZE,
      onIdleError: (error) => log.warn({ err: error }, 'a database connection broke'),
    }),
  );
  closing.add(() => database.close());
  if (config.SEED_DATA) await insertSampleData(database, config.currency);
  return { database, dsn };
}

/** Everything beside PostgreSQL: the issuer, the seating services, Stripe, holds and the event log, real or embedded. */
async function connectServers(base: Base, postgres: Postgres) {
  const { config, clock, closing, selfUrl, overrides, watch } = base;
  const agent = new Agent({ connections: MAX_CONNECTIONS_PER_SERVICE });
  closing.add(() => agent.close());
  const identity = await issuerOf(base);
  const verifier = createTokenVerifier({
    issuer: identity.issuer,
    jwksUrl: identity.jwksUrl,
    clock,
  });
  const metrics = createMetrics({ outboxLag: () => outboxLag(base, postgres) });
  const redis = await redisOf(base, postgres, metrics);
  const tokens = createM2mTokens({
    http: agent,
    shared: redis?.tokens,
    tokenUrl: `${identity.realmUrl}/protocol/openid-connect/token`,
    clientId: config.TICKET_CLIENT_ID,
    clientSecret: identity.clientSecret,
    clock,
  });
  const queryUrl = config.EVENT_QUERY_SERVICE_URL ?? config.SEAT_SERVICE_URL;
  const service = (baseUrl: string) => createServiceClient({ http: agent, baseUrl, tokens });
  const seating = createSeatingServices({
    query: service(queryUrl ?? `${selfUrl}/api/event-query`),
    seating: service(config.EVENT_SEATING_SERVICE_URL ?? `${selfUrl}/api/event-seating`),
    currency: config.currency,
  });
  const stripe = {
    secretKey: config.STRIPE_SECRET_KEY ?? DEMO_STRIPE_KEYS.secretKey,
    webhookSecret: config.STRIPE_WEBHOOK_SECRET ?? `whsec_${randomBytes(QR_KEY_BYTES).toString('hex')}`,
    apiBase: config.STRIPE_SECRET_KEY ? config.STRIPE_API_BASE : selfUrl,
  };
  const kafka = await connectToKafka(base);
  const eventLog = overrides.eventLog ?? kafka ?? createEmbeddedEventLog();
  return {
    identity,
    verifier,
    seating: watch('seating', seating),
    stripe,
    provider: watch('stripe', createStripeProvider(stripe)),
    holds: watch('holds', redis?.holds ?? createEmbeddedHolds(clock)),
    checkRedis: redis?.check ?? (async () => undefined),
    kafka,
    metrics,
    eventLog,
    publisher: watch('events', eventLog),
  };
}

/** Redis, where it is configured: the holds and the M2M token that replicas share. */
async function redisOf({ config, clock, closing, log }: Base, { database }: Postgres, metrics: Metrics) {
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
    records: {
      stillHeld: (sessionId, found) => stillHeld(database, sessionId, found, PLACING_HOLD_MS),
      live: (sessionId, seatIds) => liveSeats(database, sessionId, seatIds),
    },
    onAnswer: metrics.hold,
    onCircuit: (isOpen) => metrics.circuit('redis', isOpen),
  });
  closing.add(redis.close);
  return redis;
}

/** Kafka, where `KAFKA_ADDR` names it. */
async function connectToKafka({ config, closing, onError }: Base): Promise<Kafka | undefined> {
  const { KAFKA_ADDR: brokers, KAFKA_SASL_MECHANISM: mechanism, KAFKA_TLS_CA_FILE: caFile } = config;
  if (brokers === undefined) return undefined;
  const upper = {
    plain: 'PLAIN',
    'scram-sha-256': 'SCRAM-SHA-256',
    'scram-sha-512': 'SCRAM-SHA-512',
  } as const;
  const kafka = await connectKafka({
    access: {
      brokers,
      clientId: config.KAFKA_CLIENT_ID,
      tls: config.KAFKA_TLS ? (caFile ? { ca: await readFile(caFile, 'utf8') } : {}) : undefined,
      sasl: mechanism && {
        mechanism: upper[mechanism],
        username: config.KAFKA_USERNAME ?? '',
        password: config.KAFKA_PASSWORD ?? '',
      },
    },
    topics: {
      names: [
        ...Object.values(topicNames(config)),
        config.TOPIC_PAYMENT_SUCCEEDED,
        config.TOPIC_PAYMENT_FAILED,
      ],
      mayCreate: config.KAFKA_CREATE_TOPICS,
      partitions: config.KAFKA_TOPIC_PARTITIONS,
      replicas: config.KAFKA_TOPIC_REPLICAS || undefined,
    },
    onError,
  });
  closing.add(() => kafka.close());
  return kafka;
}

/** Where tokens come from, and the secret this service gets its own with. */
async function issuerOf({ config, dataDir, selfUrl, publicUrl }: Base) {
  const realm = `/realms/${config.KEYCLOAK_REALM}`;
  if (config.OIDC_ISSUER !== undefined) {
    const keycloak = config.KEYCLOAK_URL ?? config.OIDC_ISSUER.split('/realms/', 1)[0];
    return {
      issuer: config.OIDC_ISSUER,
      realmUrl: `${keycloak}${realm}`,
      // Keycloak names its keys' address as browsers reach it; inside, the configured one is nearer.
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

/** The use cases, each handed the ports it declares. */
async function wireFeatures(base: Base, postgres: Postgres, servers: Servers) {
  const { config, clock, ids, dataDir, outboxBell, saleBell, onError } = base;
  const { database } = postgres;
  const { holds, seating, metrics } = servers;
  const { currency, holdMs } = config;
  const shared = { database, holds, clock, currency, onCommitted: outboxBell.ring };

  const money = wireMoney(base, postgres, servers, metrics);
  const { transitions, payments, giveBack, find } = money;
  const orders = createOrderService({
    ...shared,
    seating,
    transitions,
    payments,
    onCommitted: ringAll(outboxBell, saleBell),
    async giveBack(tx, orderId, reason) {
      const payment = await lockApplied(tx, orderId);
      if (payment) await giveBack(tx, payment, reason);
    },
  });
  const qrKeys = config.QR_SECRET_KEY ?? [await readOrCreateSecret(`${dataDir}/qr.key`, QR_KEY_BYTES)];
  return {
    ...money,
    metrics,
    orders,
    placing: createOrderPlacing({ ...shared, seating, ids, holdMs }),
    changing: createOrderChanging({ ...shared, seating, ids, transitions, payments }),
    expiry: createOrderExpiry({ ...shared, transitions, payments, onError }),
    once: createOnce({ database, clock, ids }),
    live: wireLive(base, postgres, servers),
    tickets: createTicketService({
      database,
      seating,
      sealer: await createTicketSealer(qrKeys),
      readOrder: orders.read,
      findOrder: find,
      currency,
      clock,
    }),
  };
}

/** The comparison with Stripe alone, beside a service that runs or not. The caller gives the servers, and closes them. */
export function buildReconcile(
  config: Pick<Config, 'currency'>,
  database: Database,
  provider: PaymentProvider,
  onError: (error: unknown) => void,
): Reconcile {
  const clock = systemClock;
  const bells = {
    outboxBell: createBell(),
    inboxBell: createBell(),
    refundBell: createBell(),
    saleBell: createBell(),
  };
  // Its own memory of holds is empty: those of the service end by themselves, and PostgreSQL has freed the seats.
  const holds = createEmbeddedHolds(clock);
  return wireMoney(
    { config, clock, ids: newIds, onError, ...bells },
    { database },
    { provider, holds },
    NO_METRICS,
  ).reconcile;
}

const NO_METRICS = { money: () => undefined, webhook: () => undefined, paymentTopic: () => undefined };

/** Everything that money moves by, and the order's transitions that it moves. */
function wireMoney(
  base: Pick<Base, 'clock' | 'ids' | 'outboxBell' | 'inboxBell' | 'refundBell' | 'saleBell' | 'onError'> & {
    readonly config: Pick<Config, 'currency'>;
  },
  { database }: Pick<Postgres, 'database'>,
  { provider, holds }: Pick<Servers, 'provider' | 'holds'>,
  metrics: Pick<Metrics, 'money' | 'webhook' | 'paymentTopic'>,
) {
  const { config, clock, ids, outboxBell, inboxBell, refundBell, saleBell, onError } = base;
  const { currency } = config;
  const find = (orderId: OrderId) => findOrder(database, orderId, currency);
  const shared = {
    database,
    provider,
    transitions: createOrderTransitions({
      appendToOutbox,
      recordSales: createRecordSales(currency),
      clock,
      currency,
    }),
    giveBack: createGiveBack({ clock, ids }),
    orderExists: async (orderId: OrderId) => (await find(orderId)) !== undefined,
    orderOfIntent: (intentId: PaymentIntentId) => orderOfIntent(database, intentId),
    onFreed: (order: Order, tickets: readonly Ticket[]) => releaseHolds(order, holds, tickets),
    onCommitted: ringAll(outboxBell, saleBell),
    onDue: refundBell.ring,
    onError,
    clock,
    ids,
    currency,
  };
  const settleMoney = createSettlement({ ...shared, isSeatTaken, onDecided: metrics.money });
  const align = createAlignment({ ...shared, settleMoney });
  const payments = createPaymentService({
    ...shared,
    settleMoney,
    align,
    orders: {
      find,
      attachIntent: (order, attempt, intentId) => attachIntent(database, order, attempt, intentId, currency),
    },
  });
  return {
    find,
    payments,
    decide: createUndecidedSweep(settleMoney, shared),
    transitions: shared.transitions,
    giveBack: shared.giveBack,
    refunds: createRefundService({ ...shared, align }),
    reconcile: createReconcile({ database, provider, align, findOrder: find }),
    consumer: createPaymentConsumer({ ...shared, payments, appendToOutbox, onTaken: metrics.paymentTopic }),
    webhooks: createWebhookService({
      ...shared,
      settleMoney,
      align,
      onReceived: metrics.webhook,
      onStored: inboxBell.ring,
    }),
    stuck: createStuckPayments({
      database,
      clock,
      onRetry() {
        inboxBell.ring();
        refundBell.ring();
      },
    }),
  };
}

/** Live sales: the feed, what tells every replica of it, and this replica's streams. */
function wireLive(base: Base, { database, dsn }: Postgres, { seating }: Servers) {
  const { config, clock, closing, watch, feedBell, listenBell, onError } = base;
  const signal = createPostgresSignal({
    dsn,
    database,
    channel: SALES_CHANNEL,
    onSignal: feedBell.ring,
    onLost: listenBell.ring,
  });
  closing.add(() => signal.close());
  const reader = createFeedReader(database);
  const admission = createAdmission({
    seating,
    maxStreams: config.MAX_STREAMS,
    maxStreamsPerUser: config.MAX_STREAMS_PER_USER,
  });
  const streams = createLiveSales({
    database,
    admission,
    reader,
    clock,
    currency: config.currency,
    onError,
  });
  const feed = createSalesFeed({
    database,
    signal: watch('signal', signal),
    onNumbered: feedBell.ring,
    clock,
  });
  return { signal, reader, feed, streams };
}

/** How far publishing is behind. */
async function outboxLag({ clock }: Base, { database }: Postgres) {
  const { waiting, oldest, blocked } = await lagOf(database);
  const seconds = oldest === null ? 0 : Math.max(0, (clock.now() - oldest) / MS_PER_SECOND);
  return { waiting, blocked, seconds };
}

/** The API, its description, health, and the embedded parts on the same port. */
async function serveHttp(base: Base, postgres: Postgres, servers: Servers, features: Features) {
  const { config, clock, ids, log, closing, listener } = base;
  const { currency } = config;
  const drawQr = createQrDrawer();
  const { app: http, open } = createHttpServer({ server: listener.server, log, requestId: () => ids.uuid() });
  await serveApiDocs(http, VERSION);
  const opened = Promise.withResolvers<Drain>();
  await http.register(async (api) => {
    const scope = api as HttpServer;
    const drain = createDrain(scope);
    opened.resolve(drain);
    requireAuthentication(scope, servers.verifier);
    const { once } = features;
    orderRoutes(scope, {
      ...features,
      async withQrCodes(order) {
        const views = await features.tickets.viewsOf(order);
        const tickets = views.map((view) => toWireView(view, currency, drawQr));
        return { ...toWireOrder(order, currency), tickets };
      },
      currency,
      maxSeatsPerOrder: config.MAX_SEATS_PER_ORDER,
    });
    paymentRoutes(scope, { ...features, currency });
    ticketRoutes(scope, { tickets: features.tickets, once, drawQr, currency });
    liveRoutes(scope, features.live.streams);
    identityRoutes(scope);
    metricsRoute(scope, features.metrics);
    const inProcess = { embedded: true, check: async () => undefined };
    healthRoutes(scope, {
      database: {
        embedded: base.embedded.has('POSTGRES_DSN'),
        check: (timeoutMs) => postgres.database.ping(timeoutMs),
      },
      outboxLag: () => outboxLag(base, postgres),
      redis: { embedded: base.embedded.has('REDIS_ADDR'), check: servers.checkRedis },
      kafka: servers.kafka ? { embedded: false, check: servers.kafka.check } : inProcess,
      clock,
      version: VERSION,
      isServing: drain.isOpen,
    });
  });
  await mountEmbedded(base, servers, http);
  await http.ready();
  open();
  closing.add(() => http.close());
  closing.add(() => listener.close(CUT_MS));
  closing.add(async () => features.live.streams.stop());
  return { http, drain: await opened.promise };
}

/** What stands in for servers that no variable names, at the paths the real thing has. */
async function mountEmbedded(base: Base, servers: Servers, http: HttpServer): Promise<void> {
  const { config, clock, ids, closing, embedded, dataDir, selfUrl } = base;
  if (embedded.has('OIDC_ISSUER')) {
    const identity = await createEmbeddedIdentity({
      issuer: servers.identity.issuer,
      dataDir: `${dataDir}/identity`,
      serviceClient: { id: config.TICKET_CLIENT_ID, secret: servers.identity.clientSecret },
      redirectUris: [],
    });
    await http.register(identity.plugin);
  }
  if (embedded.has('EVENT_SEATING_SERVICE_URL')) {
    const venue = await createEmbeddedVenue({
      clock,
      dataDir: `${dataDir}/venue`,
      isServiceToken: (authorization) => isServiceToken(servers.verifier, authorization),
      currency: config.currency,
      ownerId: DEMO_USERS.organiser.sub,
      scannerId: DEMO_USERS.scanner.sub,
    });
    closing.add(() => venue.close());
    // Each venue keeps what it saw in its own folder, so each reads everything.
    const group = `${config.KAFKA_GROUP_ID}.venue.${await readOrCreateSecret(`${dataDir}/venue/group`, VENUE_GROUP_BYTES)}`;
    servers.eventLog.subscribe(group, config.TOPIC_SEATS_STATUS, ({ value }) => venue.takeSeatStatus(value));
    await http.register(venue.plugin);
  }
  if (embedded.has('STRIPE_SECRET_KEY')) {
    const stripe = await createEmbeddedStripe({
      clock,
      ids,
      dataDir: `${dataDir}/stripe`,
      url: base.publicUrl,
      secretKey: servers.stripe.secretKey,
      publishableKey: config.STRIPE_PUBLISHABLE_KEY ?? DEMO_STRIPE_KEYS.publishableKey,
      webhookSecret: servers.stripe.webhookSecret,
      webhookUrl: `${selfUrl}/api/webhook/stripe`,
    });
    closing.add(() => stripe.close());
    await http.register(stripe.plugin);
    http.addHook('onReady', async () => stripe.start());
  }
}

async function isServiceToken(
  verifier: Servers['verifier'],
  authorization: string | undefined,
): Promise<boolean> {
  const [, token = ''] = /^Bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
  try {
    return (await verifier.verify(token)).scopes.includes('internal-api');
  } catch {
    return false;
  }
}

/** Background work, a turn at a time. Each process does it, and the database keeps them from each other's work. */
function backgroundWork(base: Base, { database, dsn }: Postgres, servers: Servers, features: Features): Work {
  const { config, clock, closing, watch, onError } = base;
  const { live } = features;
  const leader = createLeader({ dsn, lock: RELAY_LOCK, clock });
  closing.add(() => leader.close());
  const { KAFKA_GROUP_ID: group } = config;
  servers.eventLog.subscribe(group, config.TOPIC_PAYMENT_SUCCEEDED, features.consumer.paymentSucceeded);
  servers.eventLog.subscribe(group, config.TOPIC_PAYMENT_FAILED, features.consumer.paymentFailed);
  return {
    relay: createRelay({
      database,
      leader: watch('leader', leader),
      publisher: servers.publisher,
      topics: topicNames(config),
      clock,
      retentionMs: config.OUTBOX_RETENTION_HOURS * MS_PER_HOUR,
      onError,
    }),
    webhooks: features.webhooks.applyDue,
    refunds: features.refunds.refundDue,
    expiry: features.expiry.endUnpaid,
    conclusion: features.expiry.endBegun,
    decision: features.decide,
    forgetting: async () => {
      const [keys, events] = [await features.once.forgetOld(), await features.webhooks.forgetOld()];
      return keys || events;
    },
    reconciliation: () => reconcileDaily(base, database, features),
    saleNumbering: live.feed.number,
    saleListening: live.signal.listen,
    saleReading: live.reader.read,
    saleStats: live.streams.tellStats,
    saleForgetting: live.feed.forgetOld,
    streamUpkeep: live.streams.upkeep,
    streamOwnership: live.streams.confirmOwnership,
  };
}

function ringAll(...bells: readonly Bell[]): () => void {
  return () => {
    for (const bell of bells) bell.ring();
  };
}

function topicNames(config: Config): TopicNames {
  return {
    orderCreated: config.TOPIC_ORDER_CREATED,
    orderUpdated: config.TOPIC_ORDER_UPDATED,
    orderCanceled: config.TOPIC_ORDER_CANCELED,
    seatsStatus: config.TOPIC_SEATS_STATUS,
    paymentSucceededDead: `${config.TOPIC_PAYMENT_SUCCEEDED}.dead`,
    paymentFailedDead: `${config.TOPIC_PAYMENT_FAILED}.dead`,
  };
}

/** Repeats the work until the stop: when its bell rings, and at least at its interval. */
function startBackground(
  base: Base,
  work: Work,
  drain: Drain,
  { kafka, streams }: { readonly kafka: Kafka | undefined; readonly streams: LiveSales },
): void {
  const { config, closing, outboxBell, inboxBell, refundBell, saleBell, feedBell, listenBell, onError } =
    base;
  const sweepMs = config.SWEEP_INTERVAL_SECONDS * MS_PER_SECOND;
  const repeat = (turn: () => Promise<boolean>, intervalMs: number, bell = createBell()) =>
    startPoller({ intervalMs, bell, turn, onError });
  const pollers = [
    repeat(work.relay, RELAY_POLL_MS, outboxBell),
    repeat(work.webhooks, sweepMs, inboxBell),
    repeat(work.refunds, sweepMs, refundBell),
    repeat(work.expiry, sweepMs),
    repeat(work.conclusion, sweepMs),
    repeat(work.decision, sweepMs),
    repeat(work.forgetting, HOUSEKEEPING_MS),
    repeat(work.reconciliation, HOUSEKEEPING_MS),
    repeat(work.saleNumbering, SALE_POLL_MS, saleBell),
    repeat(work.saleListening, LISTEN_AGAIN_MS, listenBell),
    repeat(work.saleReading, SALE_POLL_MS, feedBell),
    repeat(work.saleStats, STREAM_UPKEEP_MS),
    repeat(work.saleForgetting, HOUSEKEEPING_MS),
    repeat(work.streamUpkeep, STREAM_UPKEEP_MS),
    repeat(work.streamOwnership, STREAM_UPKEEP_MS),
  ];
  kafka?.startReading();
  closing.add(async () => {
    await Promise.all([...pollers.map((poller) => poller.stop()), kafka?.stopReading()]);
  });
  // First of all at a stop: what these requests still write is published before the relay rests.
  closing.add(() => {
    const drained = drain.finish(DRAIN_MS);
    // A stream has no end of its own to wait for.
    streams.stop();
    return drained;
  });
}

/** Once a day, by one of the processes; what could not be repaired is for an operator. */
async function reconcileDaily(
  { config, clock, log }: Base,
  database: Postgres['database'],
  { reconcile }: Features,
): Promise<boolean> {
  const isDue = config.RECONCILE_DAYS > 0 && (await claimDailyJob(database, 'reconcile', clock.now()));
  if (!isDue) return false;
  const since = later(clock.now(), -config.RECONCILE_DAYS * MS_PER_DAY);
  const { compared, differences } = await reconcile(since);
  await markDailyJobDone(database, 'reconcile', clock.now());
  const open = differences.filter(({ isRepaired }) => !isRepaired);
  log.info({ compared, repaired: differences.length - open.length }, 'payments compared with Stripe');
  for (const { intentId, orderId, detail } of open)
    log.error({ intentId, orderId, detail }, 'payments differ');
  return false;
}

import { randomBytes, randomUUIDv7 } from 'node:crypto';
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
import { analyticsRoutes } from './features/analytics/analytics.routes.ts';
import { createAnalyticsService } from './features/analytics/analytics.service.ts';
import { createOrganiserLists } from './features/analytics/organiser-lists.service.ts';
import { allOf, salesChanged } from './features/analytics/sales.rules.ts';
import { addMoney, addSales, foldCounted } from './features/analytics/sales.store.ts';
import { createStreaming } from './features/analytics/streaming.service.ts';
import { createOrderChanging } from './features/orders/order.changing.ts';
import { createOrderExpiry } from './features/orders/order.expiry.ts';
import { createOrderPlacing } from './features/orders/order.placing.ts';
import { orderRoutes } from './features/orders/order.routes.ts';
import type { Order } from './features/orders/order.rules.ts';
import { createOrderService, releaseHolds } from './features/orders/order.service.ts';
import { attachIntent, findOrder, isSeatTaken, orderOfIntent } from './features/orders/order.store.ts';
import { createOrderTransitions, type OrderChange } from './features/orders/order.transitions.ts';
import { toWireOrder } from './features/orders/order.wire.ts';
import { createAlignment } from './features/payments/alignment.ts';
import { createPaymentConsumer } from './features/payments/payment.consumer.ts';
import type { PaymentProvider } from './features/payments/payment.ports.ts';
import { paymentRoutes } from './features/payments/payment.routes.ts';
import { createPaymentService } from './features/payments/payment.service.ts';
import { lockApplied } from './features/payments/payment.store.ts';
import { createReconcile, type Reconcile } from './features/payments/reconcile.service.ts';
import {
  createGiveBack,
  createRefundService,
  createWriteRefund,
} from './features/payments/refund.service.ts';
import { createSettlement } from './features/payments/settlement.ts';
import { createStuckPayments } from './features/payments/stuck.service.ts';
import { createWebhookService } from './features/payments/webhook.service.ts';
import { createSeatingServices } from './features/seats/seating.services.ts';
import { createQrDrawer } from './features/tickets/qr/qr-image.ts';
import { createTicketSealer } from './features/tickets/qr/sealer.ts';
import { ticketRoutes, toWireView } from './features/tickets/ticket.routes.ts';
import type { Ticket } from './features/tickets/ticket.rules.ts';
import { createTicketService } from './features/tickets/ticket.service.ts';
import { toWireTicket } from './features/tickets/ticket.wire.ts';
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
import { claimDailyJob } from './platform/jobs/daily.store.ts';
import { createBell, startPoller } from './platform/jobs/poller.ts';
import { createM2mTokens } from './platform/m2m-tokens/m2m-tokens.ts';
import { createTokenVerifier } from './platform/oidc/token-verifier.ts';
import { appendToOutbox, lagOf } from './platform/outbox/outbox.store.ts';
import { createRelay, RELAY_POLL_MS } from './platform/outbox/relay.ts';
import { type Database, openDatabase, type Transaction } from './platform/postgres/database.ts';
import { createLeader } from './platform/postgres/leader.ts';
import { migrateUp } from './platform/postgres/migrations.ts';
import { insertSampleData } from './platform/postgres/sample-data.ts';
import { writeWorkbook } from './platform/spreadsheets/workbook.ts';
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
    'relay' | 'webhooks' | 'refunds' | 'expiry' | 'conclusion' | 'forgetting' | 'reconciliation' | 'folding',
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
/** How often what was counted of sales is made into fewer rows; answers are right before it, too. */
const FOLDING_MS = 2_000;
const RELAY_LOCK = 840_084_002;
const MAX_CONNECTIONS_PER_SERVICE = 64;
const QR_KEY_BYTES = 32;
/** Requests under way when a stop begins have this long. */
const DRAIN_MS = 15_000;
/** What is still connected after that is a stream or an idle client. */
const CUT_MS = 500;
const EMBEDDED_CLIENT_SECRET_BYTES = 24;
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
    const servers = await connectServers(base);
    const features = await wireFeatures(base, database, servers);
    const work = backgroundWork(base, database, servers, features);
    const { http, drain } = await serveHttp(base, database, servers, features);
    return {
      http,
      url: base.publicUrl,
      work,
      start: () => startBackground(base, work, drain),
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
async function connectServers(base: Base) {
  const { config, clock, closing, selfUrl, overrides, watch } = base;
  const agent = new Agent({ connections: MAX_CONNECTIONS_PER_SERVICE });
  closing.add(() => agent.close());
  const identity = await issuerOf(base);
  const verifier = createTokenVerifier({
    issuer: identity.issuer,
    jwksUrl: identity.jwksUrl,
    clock,
  });
  const tokens = createM2mTokens({
    http: agent,
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
  const eventLog = overrides.eventLog ?? createEmbeddedEventLog();
  return {
    identity,
    verifier,
    seating: watch('seating', seating),
    stripe,
    provider: watch('stripe', createStripeProvider(stripe)),
    holds: watch('holds', createEmbeddedHolds(clock)),
    eventLog,
    publisher: watch('events', eventLog),
  };
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
  const { config, clock, ids, dataDir, outboxBell, onError } = base;
  const { database } = postgres;
  const { holds, seating } = servers;
  const { currency, holdMs } = config;
  const shared = { database, holds, clock, currency, onCommitted: outboxBell.ring };
  const metrics = createMetrics({ outboxLag: () => outboxLag(base, postgres) });

  const money = wireMoney(base, postgres, servers, metrics);
  const { transitions, payments, giveBack, find } = money;
  const orders = createOrderService({
    ...shared,
    seating,
    transitions,
    payments,
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
    analytics: createAnalyticsService({ database, seating, currency }),
    lists: createOrganiserLists({
      database,
      seating,
      streaming: createStreaming({ maxAtOnce: config.MAX_EXPORTS }),
      writeWorkbook,
      currency,
      toJson: (ticket) => JSON.stringify(toWireTicket(ticket, currency)),
    }),
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
  const bells = { outboxBell: createBell(), inboxBell: createBell(), refundBell: createBell() };
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
  base: Pick<Base, 'clock' | 'ids' | 'outboxBell' | 'inboxBell' | 'refundBell' | 'onError'> & {
    readonly config: Pick<Config, 'currency'>;
  },
  { database }: Pick<Postgres, 'database'>,
  { provider, holds }: Pick<Servers, 'provider' | 'holds'>,
  metrics: Pick<Metrics, 'money' | 'webhook' | 'paymentTopic'>,
) {
  const { config, clock, ids, outboxBell, inboxBell, refundBell, onError } = base;
  const { currency } = config;
  const find = (orderId: OrderId) => findOrder(database, orderId, currency);
  const writeRefund = createWriteRefund({ clock, countMoney: addMoney });
  const recordSales = (tx: Transaction, changes: readonly OrderChange[]) =>
    addSales(tx, allOf(changes.map(({ from, to }) => salesChanged(from, to))), currency);
  const shared = {
    database,
    provider,
    transitions: createOrderTransitions({ appendToOutbox, recordSales, clock, currency }),
    countMoney: addMoney,
    writeRefund,
    giveBack: createGiveBack({ writeRefund, ids }),
    orderExists: async (orderId: OrderId) => (await find(orderId)) !== undefined,
    orderOfIntent: (intentId: PaymentIntentId) => orderOfIntent(database, intentId),
    onFreed: (order: Order, tickets: readonly Ticket[]) => releaseHolds(order, holds, tickets),
    onCommitted: outboxBell.ring,
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
    analyticsRoutes(scope, { ...features, currency });
    identityRoutes(scope);
    metricsRoute(scope, features.metrics);
    const inProcess = { embedded: true, check: async () => undefined };
    healthRoutes(scope, {
      database: {
        embedded: base.embedded.has('POSTGRES_DSN'),
        check: (timeoutMs) => postgres.database.ping(timeoutMs),
      },
      outboxLag: () => outboxLag(base, postgres),
      redis: inProcess,
      kafka: inProcess,
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
    servers.eventLog.subscribe(config.TOPIC_SEATS_STATUS, (message) => venue.takeSeatStatus(message.value));
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
  const leader = createLeader({ dsn, lock: RELAY_LOCK, clock });
  closing.add(() => leader.close());
  servers.eventLog.subscribe(config.TOPIC_PAYMENT_SUCCEEDED, features.consumer.paymentSucceeded);
  servers.eventLog.subscribe(config.TOPIC_PAYMENT_FAILED, features.consumer.paymentFailed);
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
    forgetting: async () => {
      const [keys, events] = [await features.once.forgetOld(), await features.webhooks.forgetOld()];
      return keys || events;
    },
    reconciliation: () => reconcileDaily(base, database, features),
    folding: () => foldCounted(database),
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
function startBackground(base: Base, work: Work, drain: Drain): void {
  const { config, closing, outboxBell, inboxBell, refundBell, onError } = base;
  const sweepMs = config.SWEEP_INTERVAL_SECONDS * MS_PER_SECOND;
  const repeat = (turn: () => Promise<boolean>, intervalMs: number, bell = createBell()) =>
    startPoller({ intervalMs, bell, turn, onError });
  const pollers = [
    repeat(work.relay, RELAY_POLL_MS, outboxBell),
    repeat(work.webhooks, sweepMs, inboxBell),
    repeat(work.refunds, sweepMs, refundBell),
    repeat(work.expiry, sweepMs),
    repeat(work.conclusion, sweepMs),
    repeat(work.forgetting, HOUSEKEEPING_MS),
    repeat(work.reconciliation, HOUSEKEEPING_MS),
    repeat(work.folding, FOLDING_MS),
  ];
  closing.add(async () => {
    await Promise.all(pollers.map((poller) => poller.stop()));
  });
  // First of all at a stop: what these requests still write is published before the relay rests.
  closing.add(() => drain.finish(DRAIN_MS));
}

/** Once a day, by one of the processes; what could not be repaired is for an operator. */
async function reconcileDaily(
  { config, clock, log }: Base,
  database: Postgres['database'],
  { reconcile }: Features,
): Promise<boolean> {
  if (config.RECONCILE_DAYS === 0 || !(await claimDailyJob(database, 'reconcile', clock.now()))) return false;
  const since = later(clock.now(), -config.RECONCILE_DAYS * MS_PER_DAY);
  const { compared, differences } = await reconcile(since);
  const open = differences.filter(({ isRepaired }) => !isRepaired);
  log.info({ compared, repaired: differences.length - open.length }, 'payments compared with Stripe');
  for (const { intentId, orderId, detail } of open)
    log.error({ intentId, orderId, detail }, 'payments differ');
  return false;
}

import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { serveApi } from './app/api.ts';
import { closeInReverse, createCore, layFoundation, type Overrides, reportUp } from './app/foundation.ts';
import { createReadings } from './app/readings.ts';
import { jobsOf, startJobs, subscribe, turnOf } from './app/run.ts';
import { connectServers, type Ground, openPostgres } from './app/servers.ts';
import { doorHours, pageSettings, publishing, qrKeys, salesSignal } from './app/settings.ts';
import type { Config } from './config.ts';
import { Access } from './features/access/index.ts';
import { addMoney, addToFigures, createAnalytics } from './features/analytics/index.ts';
import { type Audit, createAudit } from './features/audit/index.ts';
import { createBoxOffice } from './features/box-office/index.ts';
import { createDoor } from './features/door/index.ts';
import { createLive, recordInFeed } from './features/live/index.ts';
import { createOrders, HoldSeats, OrderBook } from './features/orders/index.ts';
import { createPages, findBuiltPages } from './features/pages/index.ts';
import { createPaper } from './features/paper/index.ts';
import { createPayments } from './features/payments/index.ts';
import { createTicketSealer, createTickets, type TicketSealer, type Tickets } from './features/tickets/index.ts';
import { MS_PER_SECOND } from './kernel/clock.ts';
import type { OrderId } from './kernel/ids.ts';
import type { Feature } from './platform/feature.ts';
import { Once } from './platform/http/once.ts';
import type { HttpServer } from './platform/http/server.ts';
import { createOutbox } from './platform/outbox/outbox.ts';
import { clockJob } from './platform/postgres/clock-watch.ts';
import { writeWorkbook } from './platform/spreadsheets/workbook.ts';

export { logMigrations, logStart, type Overrides, upAt } from './app/foundation.ts';
export { STOP_TIMEOUT_MS } from './app/run.ts';
export type { Watch } from './platform/core.ts';

export interface App {
  readonly http: HttpServer;
  /** The address for people. */
  readonly url: string;
  readonly log: Logger;
  /** Runs one turn of a background job, for tests and the simulator. Resolves true when there may be more to do. */
  turn(job: string): Promise<boolean>;
  /** Starts the background jobs. Requests are answered before that, once `buildApp` has resolved. */
  start(): void;
  /**
   * Stops in order: reports not ready and serves for `delayMs` more, then accepts no new requests, finishes those under way,
   * stops the background jobs and closes its connections.
   */
  close(delayMs?: number): Promise<void>;
}

/** What most features need from the first three. */
interface Common {
  readonly access: Access;
  readonly audit: Audit;
  readonly once: Once;
}

/**
 * Builds the whole service, from top to bottom: the foundation and its servers, each feature with what it needs, and what runs
 * the features. When it throws, everything that it started has been stopped.
 */
export async function buildApp(config: Config, overrides: Overrides = {}): Promise<App> {
  const closing = closeInReverse();
  try {
    const foundation = await layFoundation(config, overrides, closing);
    const postgres = await openPostgres(foundation);
    const core = createCore(foundation, postgres);
    const servers = await connectServers(foundation, core);
    const ground = { foundation, postgres, core, servers };

    const outbox = createOutbox(core, publishing(foundation, postgres, servers));
    const once = new Once(core, foundation.errors);
    const access = new Access(servers.seating);
    const audit = createAudit(core, { access });
    const sealer = await createTicketSealer(await qrKeys(foundation));
    const common = { access, audit, once };
    const { book, orders, tickets, payments, boxOffice } = createSale(ground, common, sealer);
    const { door, paper, live, analytics } = createVisit(ground, common, sealer, { book, tickets });
    const pages = createPages({ settings: pageSettings(foundation, servers), built: findBuiltPages() });
    const clock = { jobs: [clockJob(postgres.clockWatch)] };

    const features: readonly Feature[] = [
      outbox,
      once,
      clock,
      audit,
      orders,
      payments,
      boxOffice,
      tickets,
      door,
      paper,
      live,
      analytics,
      pages,
    ];
    const jobs = jobsOf(features);
    foundation.bells.onlyFor(jobs.keys());
    subscribe(servers, config.KAFKA_GROUP_ID, features);
    const { http, drain } = await serveApi(ground, features, {
      outboxLag: () => outbox.lag(),
      readings: createReadings(foundation, postgres, { outbox, payments, tickets, live }),
    });
    return {
      http,
      url: foundation.publicUrl,
      log: foundation.log,
      turn: (name) => turnOf(jobs, name),
      start() {
        startJobs(foundation, jobs, { features, drain, kafka: servers.kafka });
        reportUp(foundation);
      },
      async close(delayMs = 0) {
        drain.leave();
        foundation.log.info({ delayMs }, 'not ready any more, and serving until the delay has passed');
        await pause(delayMs);
        await closing.run();
      },
    };
  } catch (error) {
    await closing.run();
    throw error;
  }
}

/** The features that sell tickets. */
function createSale({ foundation, core, servers }: Ground, { access, audit, once }: Common, sealer: TicketSealer) {
  const { config } = foundation;
  const { seating, holds, catalogue, stripe } = servers;
  const { holdMs } = config;
  const sweepMs = config.SWEEP_INTERVAL_SECONDS * MS_PER_SECOND;

  const seats = new HoldSeats(core, { seating, holds, catalogue });
  const book = new OrderBook(core, {
    recordSales: [addToFigures, recordInFeed],
    // A hold that is not released expires by itself.
    onSeatsFreed: ({ sessionId, orderId }, seatIds) =>
      holds.release(sessionId, seatIds, orderId).catch(() => undefined),
  });
  const getOrder = (orderId: OrderId) => book.get(core.database, orderId);
  const tickets = createTickets(core, { access, sealer, getOrder, sweepMs });
  const payments = createPayments(core, {
    orders: book,
    stripe,
    access,
    audit,
    once,
    sweepMs,
    countMoney: addMoney,
    publishableKey: servers.stripeKeys.publishableKey,
    topics: { paymentSucceeded: config.TOPIC_PAYMENT_SUCCEEDED, paymentFailed: config.TOPIC_PAYMENT_FAILED },
    reconcileDays: config.RECONCILE_DAYS,
  });
  const orders = createOrders(core, {
    book,
    seats,
    seating,
    payments,
    tickets,
    access,
    audit,
    once,
    holdMs,
    sweepMs,
    ordersPerStatement: config.ORDERS_PER_STATEMENT,
    maxSeatsPerOrder: config.MAX_SEATS_PER_ORDER,
    maxHeldSeats: config.MAX_HELD_SEATS_PER_USER,
  });
  const boxOffice = createBoxOffice(core, {
    orders: book,
    seats,
    catalogue,
    payments,
    access,
    audit,
    once,
    holdMs,
  });
  return { book, tickets, payments, orders, boxOffice };
}

/** The features for sold tickets: the door, paper, live sales and analytics. */
function createVisit(
  { foundation, postgres, core, servers }: Ground,
  { access, audit, once }: Common,
  sealer: TicketSealer,
  { book, tickets }: { readonly book: OrderBook; readonly tickets: Tickets },
) {
  const { config } = foundation;
  const { views, earlierCodes } = tickets;
  const getOrder = (orderId: OrderId) => book.get(core.database, orderId);
  const { catalogue } = servers;

  const door = createDoor(core, {
    access,
    sealer,
    earlierCodes,
    tickets,
    catalogue,
    once,
    recordAction: audit.record,
    hours: doorHours(foundation),
  });
  const paper = createPaper(core, { access, tickets: views, getOrder, catalogue, timeZone: config.TIME_ZONE });
  const live = createLive(core, {
    access,
    signal: salesSignal(foundation, postgres, servers),
    maxStreams: config.MAX_STREAMS,
    maxStreamsPerUser: config.MAX_STREAMS_PER_USER,
  });
  const analytics = createAnalytics(core, { access, writeWorkbook, maxExports: config.MAX_EXPORTS });
  return { door, paper, live, analytics };
}

import { readOrCreateSecret } from '../embedded/kept-file.ts';
import { Access } from '../features/access/index.ts';
import { createAnalytics } from '../features/analytics/index.ts';
import { createAudit } from '../features/audit/index.ts';
import { createDoor, type DoorHours } from '../features/door/index.ts';
import { createLive } from '../features/live/index.ts';
import { createBoxOffice } from '../features/orders/box-office.service.ts';
import { seatLabels } from '../features/orders/hold.store.ts';
import { createOrderChanging } from '../features/orders/order.changing.ts';
import { createOrderExpiry } from '../features/orders/order.expiry.ts';
import { createOrderPlacing } from '../features/orders/order.placing.ts';
import { createOrderService } from '../features/orders/order.service.ts';
import { createPaper } from '../features/paper/index.ts';
import { createSeatLabels } from '../features/seats/seat-labels.service.ts';
import { createTicketSealer, createTickets } from '../features/tickets/index.ts';
import { MS_PER_SECOND } from '../kernel/clock.ts';
import { createOnce } from '../platform/http/once.ts';
import { createPostgresSignal } from '../platform/postgres/signal.ts';
import { writeWorkbook } from '../platform/spreadsheets/workbook.ts';
import { countPlacing } from './counting.ts';
import { type Base, coreOf } from './foundation.ts';
import { wireMoney } from './money.ts';
import { type Postgres, QR_KEY_BYTES, type Servers } from './servers.ts';

export type Features = Awaited<ReturnType<typeof wireFeatures>>;

/** The use cases, each handed the ports it declares. */
export async function wireFeatures(base: Base, postgres: Postgres, servers: Servers) {
  const { config, clock, ids, dataDir, metrics, failed } = base;
  const { database } = postgres;
  const { holds, seating, catalogue } = servers;
  const { currency, holdMs } = config;
  const labels = createSeatLabels((sessionId, seatIds) => seatLabels(database, sessionId, seatIds));
  const shared = { database, holds, labels, clock, currency };

  const money = wireMoney(base, postgres, servers);
  const { transitions, payments, recordAction, find } = money;
  const orders = createOrderService({
    ...shared,
    seating,
    transitions,
    payments,
    recordAction,
    giveBack: money.takeover.giveBackOrder,
  });
  const qrKeys = config.QR_SECRET_KEY ?? [await readOrCreateSecret(`${dataDir}/qr.key`, QR_KEY_BYTES)];
  const sealer = await createTicketSealer(qrKeys);
  const core = coreOf(base, database);
  const access = new Access(seating);
  const once = createOnce({ database, clock, ids });
  const sweepMs = config.SWEEP_INTERVAL_SECONDS * MS_PER_SECOND;
  const tickets = createTickets(core, { access, sealer, findOrder: find, sweepMs });
  const { views, earlierCodes } = tickets;
  const door = createDoor(core, {
    access,
    sealer,
    earlierCodes,
    tickets: views,
    recordAction,
    catalogue,
    once,
    hours: doorHours(base),
  });
  const live = createLive(core, {
    access,
    signal: salesSignal(base, postgres, servers),
    maxStreams: config.MAX_STREAMS,
    maxStreamsPerUser: config.MAX_STREAMS_PER_USER,
  });
  const analytics = createAnalytics(core, { access, writeWorkbook, maxExports: config.MAX_EXPORTS });
  const paper = createPaper(core, {
    access,
    tickets: views,
    findOrder: find,
    catalogue,
    timeZone: config.TIME_ZONE,
  });
  return {
    ...money,
    boxOffice: createBoxOffice({
      ...shared,
      ...money,
      seating,
      catalogue,
      ids,
      holdMs,
    }),
    orders,
    placing: countPlacing(
      createOrderPlacing({
        ...shared,
        seating,
        ids,
        holdMs,
        ordersPerStatement: config.ORDERS_PER_STATEMENT,
      }),
      metrics,
    ),
    changing: createOrderChanging({ ...shared, seating, ids, transitions, payments }),
    expiry: createOrderExpiry({ ...shared, transitions, payments, onError: failed('conclusion') }),
    once,
    live,
    tickets,
    features: [tickets, analytics, paper, door, live, createAudit(core, { access })],
    jobs: [...analytics.jobs, ...tickets.jobs, ...live.jobs],
  };
}

const SALES_CHANNEL = 'ticketing_sales';

/** What signals to every replica that the feed of sales has grown. */
function salesSignal(base: Base, { database, dsn }: Postgres, { redisSignal }: Servers) {
  const onSignal = base.bell('saleReading').ring;
  const onLost = base.bell('saleListening').ring;
  const heard = { channel: SALES_CHANNEL, onSignal, onLost };
  const signal = redisSignal?.(heard) ?? createPostgresSignal({ dsn, database, ...heard });
  base.closing.add(() => signal.close());
  return signal;
}

const MS_PER_HOUR = 3_600_000;
const DEFAULT_DOOR_HOURS = 24;

/** The embedded venue's sessions begin days after any start, so its doors are open. */
function doorHours({ config, embedded }: Base): DoorHours {
  const usual = embedded.has('EVENT_SEATING_SERVICE_URL') ? undefined : DEFAULT_DOOR_HOURS;
  const toMs = (hours: number | undefined) => (hours === undefined ? undefined : hours * MS_PER_HOUR);
  return {
    openMsBefore: toMs(config.DOORS_OPEN_HOURS ?? usual),
    closeMsAfter: toMs(config.DOORS_CLOSE_HOURS ?? usual),
  };
}

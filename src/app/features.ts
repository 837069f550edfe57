import { readOrCreateSecret } from '../embedded/kept-file.ts';
import { Access } from '../features/access/index.ts';
import { createAnalyticsService } from '../features/analytics/analytics.service.ts';
import { createOrganiserLists } from '../features/analytics/organiser-lists.service.ts';
import { createStreaming } from '../features/analytics/streaming.service.ts';
import { createAuditService } from '../features/audit/audit.service.ts';
import { createBoxOffice } from '../features/box-office/index.ts';
import { createOrders, HoldSeats } from '../features/orders/index.ts';
import { createDrawing } from '../features/paper/drawing.service.ts';
import { createPaper } from '../features/paper/paper.service.ts';
import { createEarlierCodes } from '../features/tickets/earlier-codes.service.ts';
import { createPictureReader } from '../features/tickets/pictures.service.ts';
import { createQrDrawer } from '../features/tickets/qr/qr-image.ts';
import { createTicketSealer } from '../features/tickets/qr/sealer.ts';
import { toWireView } from '../features/tickets/ticket.routes.ts';
import { createTicketService } from '../features/tickets/ticket.service.ts';
import { toWireTicket } from '../features/tickets/ticket.wire.ts';
import { MS_PER_SECOND } from '../kernel/clock.ts';
import { writeWorkbook } from '../platform/spreadsheets/workbook.ts';
import { wireDoor } from './door.ts';
import type { Base } from './foundation.ts';
import { wireLive } from './live.ts';
import { wireMoney } from './money.ts';
import { type Postgres, QR_KEY_BYTES, type Servers } from './servers.ts';

export type Features = Awaited<ReturnType<typeof wireFeatures>>;

/** The use cases, each handed the ports it declares. */
export async function wireFeatures(base: Base, postgres: Postgres, servers: Servers) {
  const { config, clock, dataDir } = base;
  const { database } = postgres;
  const { holds, seating, catalogue } = servers;
  const { currency, holdMs } = config;
  const access = new Access(seating);

  const money = wireMoney(base, postgres, servers);
  const { core, once, transitions: book, payments, recordAction, find } = money;
  const seats = new HoldSeats(core, { seating, holds });
  const audit = { record: recordAction };
  const drawQr = createQrDrawer();
  const orders = createOrders(core, {
    book,
    seats,
    seating,
    payments,
    access,
    audit,
    once,
    tickets: {
      toJson: async (order) =>
        (await tickets.viewsOf(order)).map((view) => toWireView(view, currency, drawQr)),
    },
    holdMs,
    ordersPerStatement: config.ORDERS_PER_STATEMENT,
    maxSeatsPerOrder: config.MAX_SEATS_PER_ORDER,
    sweepMs: config.SWEEP_INTERVAL_SECONDS * MS_PER_SECOND,
  });
  const qrKeys = config.QR_SECRET_KEY ?? [await readOrCreateSecret(`${dataDir}/qr.key`, QR_KEY_BYTES)];
  const sealer = await createTicketSealer(qrKeys);
  const drawing = createDrawing({});
  base.closing.add(drawing.close);
  const reader = createPictureReader();
  base.closing.add(reader.rest);
  const earlierCodes = createEarlierCodes({ database, reader, clock });
  const tickets = createTicketService({
    database,
    seating,
    sealer,
    readOrder: orders.read,
    findOrder: find,
    currency,
  });
  return {
    ...money,
    audit: createAuditService({ database, seating }),
    boxOffice: createBoxOffice(core, {
      orders: book,
      seats,
      catalogue,
      payments,
      access,
      audit,
      once,
      holdMs,
    }),
    orders,
    ...wireAnalytics(base, postgres, servers),
    live: wireLive(base, postgres, servers),
    tickets,
    earlierCodes,
    paper: createPaper({
      tickets,
      readOrder: orders.read,
      findOrder: find,
      catalogue,
      drawing,
      timeZone: config.TIME_ZONE,
      clock,
    }),
    door: wireDoor(base, postgres, servers, { sealer, earlierCodes, recordAction, find, catalogue }),
  };
}

/** The organiser's sums and lists. */
function wireAnalytics({ config }: Base, { database }: Postgres, { seating }: Servers) {
  const { currency } = config;
  return {
    analytics: createAnalyticsService({ database, seating, currency }),
    lists: createOrganiserLists({
      database,
      seating,
      streaming: createStreaming({ maxAtOnce: config.MAX_EXPORTS }),
      writeWorkbook,
      currency,
      toJson: (ticket) => JSON.stringify(toWireTicket(ticket, currency)),
    }),
  };
}

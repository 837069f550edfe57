import { readOrCreateSecret } from '../embedded/kept-file.ts';
import { createAnalyticsService } from '../features/analytics/analytics.service.ts';
import { createOrganiserLists } from '../features/analytics/organiser-lists.service.ts';
import { createStreaming } from '../features/analytics/streaming.service.ts';
import { createAuditService } from '../features/audit/audit.service.ts';
import { createBoxOffice } from '../features/orders/box-office.service.ts';
import { seatLabels } from '../features/orders/hold.store.ts';
import { createOrderChanging } from '../features/orders/order.changing.ts';
import { createOrderExpiry } from '../features/orders/order.expiry.ts';
import { createOrderPlacing } from '../features/orders/order.placing.ts';
import { createOrderService } from '../features/orders/order.service.ts';
import { createDrawing } from '../features/paper/drawing.service.ts';
import { createPaper } from '../features/paper/paper.service.ts';
import { createSeatLabels } from '../features/seats/seat-labels.service.ts';
import { createEarlierCodes } from '../features/tickets/earlier-codes.service.ts';
import { createPictureReader } from '../features/tickets/pictures.service.ts';
import { createTicketSealer } from '../features/tickets/qr/sealer.ts';
import { createTicketService } from '../features/tickets/ticket.service.ts';
import { toWireTicket } from '../features/tickets/ticket.wire.ts';
import { Once } from '../platform/http/once.ts';
import { writeWorkbook } from '../platform/spreadsheets/workbook.ts';
import { countPlacing } from './counting.ts';
import { wireDoor } from './door.ts';
import { ERRORS } from './errors.ts';
import type { Base } from './foundation.ts';
import { wireLive } from './live.ts';
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
    once: new Once({ database, clock, ids }, ERRORS),
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

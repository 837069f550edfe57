import type { Core } from '../../platform/core.ts';
import type { Feature, Job } from '../../platform/feature.ts';
import type { Access } from '../access/index.ts';
import { countWaiting } from './earlier-codes.store.ts';
import { EarlierCodes } from './earlier-codes.ts';
import { readEarlierCodes } from './jobs.ts';
import { TicketJson, type WireTicket } from './json.ts';
import { PictureReader } from './picture-reader.ts';
import { createQrDrawer } from './qr/qr-image.ts';
import type { TicketSealer } from './qr/sealer.ts';
import { ticketRoutes } from './routes.ts';
import type { TicketOrder } from './ticket.ts';
import { type GetTicketOrder, ViewTickets } from './view-tickets.ts';

export { ticketChecks } from './checks.store.ts';
export type { EarlierCodes } from './earlier-codes.ts';
export { type TicketJson, toWireTicket, type WireTicket, withNote } from './json.ts';
export type { TicketInQr } from './qr/opener.ts';
export { qrSquares } from './qr/qr-image.ts';
export { createTicketSealer, type ReadingKeyTexts, type TicketSealer } from './qr/sealer.ts';
export { reissueCodes } from './reissue-codes.ts';
export { TICKET_EXAMPLE, TicketSchema, TicketsSchema } from './schemas.ts';
export type { Ticket } from './ticket.ts';
export { TICKET_COLUMNS, type TicketRow, toTicket } from './tickets.store.ts';
export type { TicketView, ViewTickets } from './view-tickets.ts';

/** Tickets and their QR codes, including those of the earlier service. */
export interface Tickets extends Feature {
  readonly jobs: readonly Job[];
  readonly views: ViewTickets;
  readonly json: TicketJson;
  readonly earlierCodes: EarlierCodes;
  /** An order's tickets as JSON with their QR codes, for its buyer's turns; the caller has checked access. */
  toJson(order: TicketOrder): Promise<WireTicket[]>;
  /** Number of pictures of the earlier service that are not read yet. */
  picturesWaiting(): Promise<number>;
}

export interface TicketsNeeds {
  readonly access: Access;
  readonly sealer: TicketSealer;
  readonly getOrder: GetTicketOrder;
  /** How often the job looks for unread pictures of the earlier service. */
  readonly sweepMs: number;
}

export function createTickets(core: Core, { access, sealer, getOrder, sweepMs }: TicketsNeeds): Tickets {
  const { database, clock } = core;
  const reader = new PictureReader();
  core.onClose(() => reader.rest());
  const earlierCodes = new EarlierCodes(database, reader, clock);
  const views = new ViewTickets(database, access, sealer, getOrder);
  const json = new TicketJson(database.currency, createQrDrawer());
  return {
    views,
    json,
    earlierCodes,
    toJson: async (order) => json.views(await views.viewsOf(order), order.userId),
    picturesWaiting: () => countWaiting(database),
    routes: (api) => ticketRoutes(api, views, json),
    jobs: [readEarlierCodes(core, earlierCodes, sweepMs)],
  };
}
export { ticketErrors } from './errors.ts';

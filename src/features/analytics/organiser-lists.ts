import { AppError } from '../../kernel/errors.ts';
import type { EventId, SessionId } from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Database } from '../../platform/postgres/database.ts';
import type { Order } from '../orders/index.ts';
import type { Ticket } from '../tickets/index.ts';
import { exportedRows } from './export.store.ts';
import {
  type Column,
  csvHeader,
  csvLine,
  EXPORTS,
  type Exported,
  type WorkbookCell,
  workbookRow,
} from './export.ts';
import type { Parts, Streaming } from './long-answers.ts';
import { firstTicketsOfSession, ordersOn, ticketsOfSession } from './orders-list.store.ts';
import { type OrderList, type PageStart, readCursor, toCursor } from './orders-list.ts';
import { type Ownership, refuseUnless } from './read-figures.ts';

/** A page of orders. */
export interface OrdersPage {
  readonly orders: readonly Order[];
  /** Orders of the list, all pages together. */
  readonly total: number;
  /** Hand it back for the next page; undefined at the end. */
  readonly nextCursor: string | undefined;
}

export interface PageWish {
  readonly limit: number;
  readonly offset: number | undefined;
  readonly cursor: string | undefined;
}

/** Few tickets as they are; many in parts. */
export type SessionTickets =
  | { readonly size: 'few'; readonly tickets: readonly Ticket[] }
  | { readonly size: 'many'; readonly parts: Parts<string> };

/** Port: writes a workbook of one table while its rows are read; bytes as they become ready. */
export type WriteWorkbook = (
  name: string,
  columns: readonly Column[],
  rows: AsyncIterable<WorkbookCell[]>,
) => AsyncIterable<Uint8Array>;

export type ExportFormat = 'csv' | 'xlsx';

/** What organisers list and take away; each throws `forbidden` for everybody else, before anything is read. */
export interface OrganiserLists {
  /** Throws `invalid_request` for a cursor of another list. */
  orders(list: OrderList, wish: PageWish, who: Principal): Promise<OrdersPage>;
  /** The good tickets of completed orders, newest first. Throws `exports_busy` for one with many. */
  tickets(sessionId: SessionId, who: Principal): Promise<SessionTickets>;
  /** A file of everything of a kind, from one consistent view. Throws `exports_busy`. */
  export(
    eventId: EventId,
    what: Exported,
    format: ExportFormat,
    who: Principal,
  ): Promise<Parts<string | Uint8Array>>;
}

export interface OrganiserListsOptions {
  readonly database: Database;
  readonly seating: Ownership;
  readonly streaming: Streaming;
  readonly writeWorkbook: WriteWorkbook;
  readonly currency: Currency;
  /** A ticket as JSON text. */
  readonly toJson: (ticket: Ticket) => string;
}

/** With more tickets than this the answer is streamed. */
const FEW_TICKETS = 2_000;

export function createOrganiserLists(options: OrganiserListsOptions): OrganiserLists {
  const { database, seating, streaming } = options;
  return {
    async orders(list, wish, who) {
      const start = startOf(list, wish);
      await refuseUnless(seating.ownsEvent(list.eventId, who.userId));
      const page = { list, start, limit: wish.limit };
      const { orders, total, end } = await ordersOn(database, page);
      return { orders, total, nextCursor: end && toCursor(list, end) };
    },
    async tickets(sessionId, who) {
      await refuseUnless(seating.ownsSession(sessionId, who.userId));
      const tickets = await firstTicketsOfSession(database, sessionId, FEW_TICKETS + 1);
      if (tickets.length <= FEW_TICKETS) return { size: 'few', tickets };
      const source = () => ticketsOfSession(database, sessionId);
      return { size: 'many', parts: await streaming.open(source, (all) => asJson(all, options.toJson)) };
    },
    async export(eventId, what, format, who) {
      await refuseUnless(seating.ownsEvent(eventId, who.userId));
      const source = () => exportedRows(database, eventId, what);
      return streaming.open<Rows, string | Uint8Array>(source, (batches) =>
        format === 'csv'
          ? asCsv(EXPORTS[what], batches)
          : options.writeWorkbook(what, EXPORTS[what], asWorkbookRows(EXPORTS[what], batches)),
      );
    },
  };
}

type Rows = Parameters<typeof csvLine>[1][];

function startOf(list: OrderList, { offset, cursor }: PageWish): PageStart {
  if (cursor === undefined) return { from: 'offset', offset: offset ?? 0 };
  if (offset !== undefined) throw badCursor('cannot be used together with offset');
  const reading = readCursor(list, cursor);
  if (reading.outcome === 'refused') throw badCursor(reading.reason);
  return { from: 'after', position: reading.position };
}

function badCursor(reason: string): AppError {
  return new AppError('invalid_request', `querystring/cursor: ${reason}`, {
    fields: [{ field: 'querystring/cursor', reason }],
  });
}

async function* asJson(
  batches: AsyncIterable<readonly Ticket[]>,
  toJson: (ticket: Ticket) => string,
): AsyncGenerator<string, void, void> {
  let before = '[';
  for await (const tickets of batches) {
    yield before + tickets.map(toJson).join(',');
    before = ',';
  }
  yield before === '[' ? '[]' : ']';
}

async function* asCsv(
  columns: readonly Column[],
  batches: AsyncIterable<Rows>,
): AsyncGenerator<string, void, void> {
  let before = csvHeader(columns);
  for await (const rows of batches) {
    yield before + rows.map((row) => csvLine(columns, row)).join('');
    before = '';
  }
  if (before !== '') yield before;
}

async function* asWorkbookRows(
  columns: readonly Column[],
  batches: AsyncIterable<Rows>,
): AsyncGenerator<WorkbookCell[], void, void> {
  for await (const rows of batches) {
    for (const row of rows) yield workbookRow(columns, row);
  }
}

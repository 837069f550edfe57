import { as, type EventId, type OrderId, type SessionId, toUuid } from '../../kernel/ids.ts';
import { readInstant } from '../../kernel/iso-date.ts';
import type { Order } from '../orders/index.ts';

/** A filtered and sorted list of an event's orders. */
export interface OrderList {
  readonly eventId: EventId;
  readonly sessionId: SessionId | undefined;
  readonly status: Order['status'] | undefined;
  readonly sort: 'price' | 'created_at';
  readonly order: 'asc' | 'desc';
}

/** Where a page starts: at an offset, or after a position, which stays correct while orders are added. */
export type PageStart =
  | { readonly from: 'offset'; readonly offset: number }
  | { readonly from: 'after'; readonly position: Position };

/** A position in a list: the sort value as PostgreSQL writes it, and the order id. */
export interface Position {
  readonly value: string;
  readonly orderId: OrderId;
}

export interface Page {
  readonly list: OrderList;
  readonly start: PageStart;
  readonly limit: number;
}

const SEPARATOR = '|';

/** A position as text for clients. It is valid for this list only. */
export function toCursor(list: OrderList, { value, orderId }: Position): string {
  const base64 = btoa([...nameOf(list), value, orderId].join(SEPARATOR));
  return base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

export type CursorReading =
  | { readonly outcome: 'read'; readonly position: Position }
  | { readonly outcome: 'refused'; readonly reason: string };

/** Reads a cursor, or says why it is not one of this list. */
export function readCursor(list: OrderList, cursor: string): CursorReading {
  const parts = decode(cursor)?.split(SEPARATOR);
  const [value, orderId] = parts?.slice(-2) ?? [];
  if (parts?.length !== nameOf(list).length + 2 || value === undefined || orderId === undefined) {
    return { outcome: 'refused', reason: 'is not a cursor of this API; take it from x-next-cursor' };
  }
  if (nameOf(list).some((part, at) => parts[at] !== part)) {
    return { outcome: 'refused', reason: 'belongs to a list with another event, filter or sort' };
  }
  if (!IS_VALUE[list.sort](value) || toUuid(orderId) !== orderId) {
    return { outcome: 'refused', reason: 'was altered; take it from x-next-cursor' };
  }
  return { outcome: 'read', position: { value, orderId: as<OrderId>(orderId) } };
}

const MOMENT = /^(?!0000)\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?\+00$/;
const AMOUNT = /^\d{1,30}(\.\d{1,10})?$/;
/** Whether a value is a time in UTC or an amount as PostgreSQL writes and reads it. */
const IS_VALUE = {
  created_at: (value) => MOMENT.test(value) && readInstant(value) !== undefined,
  price: (value) => AMOUNT.test(value),
} as const satisfies Record<OrderList['sort'], (value: string) => boolean>;

/** The parts of a cursor that identify its list. */
function nameOf({ eventId, sessionId, status, sort, order }: OrderList): string[] {
  return ['orders', eventId, sessionId ?? '', status ?? '', sort, order];
}

function decode(cursor: string): string | undefined {
  try {
    return atob(cursor.replaceAll('-', '+').replaceAll('_', '/'));
  } catch {
    return undefined;
  }
}

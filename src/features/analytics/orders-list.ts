import { as, type EventId, type OrderId, type SessionId, toUuid } from '../../kernel/ids.ts';
import type { Order } from '../orders/index.ts';

/** Which of an event's orders, and in which order. */
export interface OrderList {
  readonly eventId: EventId;
  readonly sessionId: SessionId | undefined;
  readonly status: Order['status'] | undefined;
  readonly sort: 'price' | 'created_at';
  readonly order: 'asc' | 'desc';
}

/** Where a page begins: so many orders on, or after a certain one, which stays right while orders come in. */
export type PageStart =
  | { readonly from: 'offset'; readonly offset: number }
  | { readonly from: 'after'; readonly position: Position };

/** A place in a list: what it is sorted by, as the database writes it, and the order there. */
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

/** A position as a text for clients to hand back; it is good for that list only. */
export function toCursor(list: OrderList, { value, orderId }: Position): string {
  const base64 = btoa([...nameOf(list), value, orderId].join(SEPARATOR));
  return base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

export type CursorReading =
  | { readonly outcome: 'read'; readonly position: Position }
  | { readonly outcome: 'refused'; readonly reason: string };

/** What a cursor says, when it is one of this list. */
export function readCursor(list: OrderList, cursor: string): CursorReading {
  const parts = decode(cursor)?.split(SEPARATOR);
  const [value, orderId] = parts?.slice(-2) ?? [];
  if (parts?.length !== nameOf(list).length + 2 || value === undefined || orderId === undefined) {
    return { outcome: 'refused', reason: 'is no cursor of this API; take it from x-next-cursor' };
  }
  if (nameOf(list).some((part, at) => parts[at] !== part)) {
    return { outcome: 'refused', reason: 'belongs to another list: another event, filter or sort' };
  }
  if (!IS_VALUE[list.sort](value) || toUuid(orderId) !== orderId) {
    return { outcome: 'refused', reason: 'was changed on the way; take it from x-next-cursor' };
  }
  return { outcome: 'read', position: { value, orderId: as<OrderId>(orderId) } };
}

const MOMENT = /^(?!0000)\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?\+00$/;
const AMOUNT = /^\d{1,30}(\.\d{1,10})?$/;
/** As PostgreSQL writes them, a moment in UTC and an amount, so that it can read them again. */
const IS_VALUE = {
  created_at: (value) => MOMENT.test(value) && isOnCalendar(value),
  price: (value) => AMOUNT.test(value),
} as const satisfies Record<OrderList['sort'], (value: string) => boolean>;

/** Not the 31st of February, nor 25 o'clock: reading such a moment moves it to another day, or fails. */
function isOnCalendar(moment: string): boolean {
  const [date = ''] = moment.split(' ');
  const at = Date.parse(`${moment.replace(' ', 'T')}:00`);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(date);
}

/** What tells one list from another. */
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

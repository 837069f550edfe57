import ical, { ICalEventStatus } from 'ical-generator';
import type { Instant } from '../../kernel/clock.ts';
import type { SessionInfo } from '../catalogue/index.ts';
import type { Order } from '../orders/index.ts';

const CONTROLS = /(?![\t\r\n])\p{Cc}/gu;

/**
 * An order's session as a calendar file to import (https://www.rfc-editor.org/rfc/rfc5545), always with the same entry id.
 * It has no METHOD, which would make it a message between an organiser and attendees (RFC 5546). A file with a higher
 * `revision` replaces the entry.
 */
export function toCalendar(
  { orderId, tickets }: Pick<Order, 'orderId' | 'tickets'>,
  session: SessionInfo,
  revision: number,
  now: Instant,
): string {
  const { title, startsAt, endsAt, venue } = session;
  const calendar = ical({ prodId: '//ms-ticketing//tickets//EN' });
  const seats = tickets.map(({ seatLabel, tierName }) => `${seatLabel} (${tierName})`);
  calendar.createEvent({
    id: `order-${orderId}@ms-ticketing`,
    sequence: revision,
    stamp: new Date(now),
    start: new Date(startsAt),
    // The library would swap start and end of a session that ends before it starts.
    ...(endsAt === undefined || endsAt <= startsAt ? {} : { end: new Date(endsAt) }),
    summary: title,
    location: [venue.name, venue.address, venue.onlineLink].filter(Boolean).join(', '),
    url: webAddress(venue.onlineLink),
    description: `Seats: ${seats.join(', ')}\nOrder ${orderId}`,
    status: ICalEventStatus.CONFIRMED,
  });
  // RFC 5545, section 3.1: no control characters, and a line end after the last line too, which the library omits.
  return `${calendar.toString().replace(CONTROLS, '')}\r\n`;
}

/** What a calendar file says of a session. A change of it is a new revision. */
export function contentOf({ title, startsAt, endsAt, venue }: SessionInfo): string {
  return JSON.stringify([title, startsAt, endsAt ?? null, venue.name, venue.address ?? null, venue.onlineLink ?? null]);
}

/** A link that calendars may open, without the commas and semicolons that the library would escape as in a text. */
function webAddress(link: string | undefined): string | null {
  const url = link === undefined ? null : URL.parse(link);
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') return null;
  return url.href.replaceAll(',', '%2C').replaceAll(';', '%3B');
}

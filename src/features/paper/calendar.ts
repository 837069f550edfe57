import ical, { ICalCalendarMethod, ICalEventStatus } from 'ical-generator';
import type { Instant } from '../../kernel/clock.ts';
import type { SessionInfo } from '../catalogue/index.ts';
import type { Order } from '../orders/index.ts';

const CONTROLS = /(?![\t\r\n])\p{Cc}/gu;

/** An order's session as a calendar file (https://www.rfc-editor.org/rfc/rfc5545), always with the same entry id. */
export function toCalendar({ orderId, tickets }: Order, session: SessionInfo, now: Instant): string {
  const { title, startsAt, endsAt, venue } = session;
  const calendar = ical({ prodId: '//ms-ticketing//tickets//EN', method: ICalCalendarMethod.PUBLISH });
  const seats = tickets.map(({ seatLabel, tierName }) => `${seatLabel} (${tierName})`);
  calendar.createEvent({
    id: `order-${orderId}@ms-ticketing`,
    stamp: new Date(now),
    start: new Date(startsAt),
    // The library would swap start and end of a session that ends before it starts.
    ...(endsAt === undefined || endsAt <= startsAt ? {} : { end: new Date(endsAt) }),
    summary: title,
    location: [venue.name, venue.address].filter(Boolean).join(', ') || (venue.onlineLink ?? ''),
    description: `Seats: ${seats.join(', ')}\nOrder ${orderId}`,
    status: ICalEventStatus.CONFIRMED,
  });
  // RFC 5545, section 3.1: no control characters, and a line end after the last line too, which the library omits.
  return `${calendar.toString().replace(CONTROLS, '')}\r\n`;
}

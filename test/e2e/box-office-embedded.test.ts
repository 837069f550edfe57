import { beforeAll, expect, test } from 'vitest';
import { codesIn, renderPages } from '../support/pdf-pages.ts';
import { until } from '../support/servers.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

const QUERY = '/api/event-query/v1';
let app: TestApp;
let organiser: string;

beforeAll(async () => {
  app = await startTestApp({ TIME_ZONE: 'Asia/Colombo' });
  organiser = await app.signIn('organiser');
});

interface Seat {
  readonly id: string;
  readonly label: string;
  readonly status: string;
  readonly tier: { readonly id: string; readonly name: string };
}

/** The seats of a session, as pages see them. */
async function seatsOf(sessionId: string): Promise<Seat[]> {
  const { body } = await app.call('GET', `${QUERY}/sessions/${sessionId}/seating-map`);
  const blocks: { rows?: { seats: Seat[] }[] }[] = body.layout.blocks;
  return blocks.flatMap(({ rows = [] }) => rows.flatMap(({ seats }) => seats));
}

test('with everything embedded, an organiser issues a complimentary ticket, moves it, prints it and voids it', async () => {
  const { body: events } = await app.call('GET', `${QUERY}/events/trending?limit=1`);
  const [{ id: eventId, title }] = events;
  const { body: sessions } = await app.call('GET', `${QUERY}/events/${eventId}/sessions`);
  const session = sessions.content.find(({ status }: { status: string }) => status === 'ON_SALE');
  const statusOf = async (id: string) => (await seatsOf(session.id)).find((seat) => seat.id === id)?.status;
  const seats = await seatsOf(session.id);
  const [first] = seats.filter(({ status }) => status === 'AVAILABLE');
  const second = seats.find((seat) => seat.status === 'AVAILABLE' && seat !== first && seat.tier.id === first?.tier.id);
  const other = seats.find((seat) => seat.status === 'AVAILABLE' && seat.tier.id !== first?.tier.id);
  if (!first || !second || !other) throw new Error('the demo venue is sold out');

  const body = {
    event_id: eventId,
    session_id: session.id,
    seat_id: first.id,
    tier_id: first.tier.id,
    price: 0,
    note: 'a guest',
  };
  const issued = await app.call('POST', '/api/order/ticket', { token: organiser, body });
  expect(issued.status, issued.text).toBe(201);
  const path = `/api/order/ticket/${issued.body.ticket_id}`;
  await until('the venue has the seat as sold', async () => (await statusOf(first.id)) === 'BOOKED');

  const moved = await app.call('PUT', path, { token: organiser, body: { seat_id: second.id } });
  expect(moved).toMatchObject({ status: 200, body: { seat_label: second.label, note: 'a guest' } });
  await until('the venue has both seats as they are', async () => {
    return (await statusOf(first.id)) === 'AVAILABLE' && (await statusOf(second.id)) === 'BOOKED';
  });
  const refused = await app.call('PUT', path, { token: organiser, body: { seat_id: other.id } });
  expect(refused).toMatchObject({ status: 409, body: { code: 'ticket_change_refused' } });

  const printed = await fetch(`${app.url}${path}.pdf`, { headers: { authorization: `Bearer ${organiser}` } });
  const [page] = await renderPages(new Uint8Array(await printed.arrayBuffer()));
  for (const words of [title, session.venueDetails.name, second.label, second.tier.name, 'Asia/Colombo']) {
    expect(page?.text).toContain(words);
  }
  expect(page && (await codesIn(page.picture))).toHaveLength(1);
  const calendar = await app.call('GET', `/api/order/${issued.body.order_id}/tickets.ics`, { token: organiser });
  const start = new Date(session.startTime).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  expect(calendar.text).toContain(`DTSTART:${start}`);

  expect((await app.call('DELETE', path, { token: organiser })).status).toBe(204);
  await until('the seat is free', async () => (await statusOf(second.id)) === 'AVAILABLE');
  const trail = await app.call('GET', `/api/order/audit/events/${eventId}`, { token: organiser });
  expect(trail.body.map(({ action }: { action: string }) => action)).toEqual([
    'ticket.voided',
    'ticket.changed',
    'ticket.issued',
  ]);
  for (const user of ['buyer', 'scanner']) {
    const token = await app.signIn(user);
    expect((await app.call('POST', '/api/order/ticket', { token, body })).status).toBe(403);
  }
});

import { call } from './test-app.ts';

/** Finds the event of the demo venue that has seats by the thousand. */
export const DEMO_SEATS_SEARCH = 'machines';

/** Bodies of orders for one seat each, of the embedded venue's event that the words find. */
export async function ordersOfOneSeat(url: string, search: string, count: number) {
  const api = `${url}/api/event-query/v1`;
  const event = (await call(api, 'GET', `/events/search?searchTerm=${search}`)).body.content[0];
  const session = (await call(api, 'GET', `/events/${event.id}/sessions`)).body.content[0];
  const { body: map } = await call(api, 'GET', `/sessions/${session.id}/seating-map`);
  const seats: string[] = map.layout.blocks[0].rows.flatMap((row: { seats: { id: string }[] }) =>
    row.seats.map(({ id }) => id),
  );
  return seats.slice(0, count).map((seatId) => ({
    session_id: session.id,
    event_id: event.id,
    organization_id: event.organizationId,
    seat_ids: [seatId],
  }));
}

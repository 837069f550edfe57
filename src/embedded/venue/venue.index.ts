import { type Catalogue, type Seat, type Session, seatsOf, type VenueEvent } from './venue.model.ts';

/** The catalogue by id: no look-up grows with the venue. */
export interface VenueIndex {
  readonly catalogue: Catalogue;
  event(eventId: string): VenueEvent | undefined;
  session(sessionId: string): Session | undefined;
  seat(sessionId: string, seatId: string): Seat | undefined;
}

export function createVenueIndex(catalogue: Catalogue): VenueIndex {
  const sessions = catalogue.events.flatMap((event) => event.sessions);
  const eventById = new Map<string, VenueEvent>(catalogue.events.map((event) => [event.id, event]));
  const sessionById = new Map<string, Session>(sessions.map((session) => [session.id, session]));
  const seatsBySession = new Map<string, Map<string, Seat>>(
    sessions.map((session) => [session.id, new Map(seatsOf(session).map((seat) => [seat.id, seat]))]),
  );
  return {
    catalogue,
    event: (eventId) => eventById.get(eventId),
    session: (sessionId) => sessionById.get(sessionId),
    seat: (sessionId, seatId) => seatsBySession.get(sessionId)?.get(seatId),
  };
}

import { type Catalogue, type Seat, type Session, seatsOf, type VenueEvent } from './venue.model.ts';

/** The catalogue by ids. The cost of a lookup does not grow with the venue. */
export class VenueIndex {
  readonly catalogue: Catalogue;
  readonly #events: ReadonlyMap<string, VenueEvent>;
  readonly #sessions: ReadonlyMap<string, Session>;
  readonly #seats: ReadonlyMap<string, ReadonlyMap<string, Seat>>;

  constructor(catalogue: Catalogue) {
    const sessions = catalogue.events.flatMap((event) => event.sessions);
    this.catalogue = catalogue;
    this.#events = new Map(catalogue.events.map((event) => [event.id, event]));
    this.#sessions = new Map(sessions.map((session) => [session.id, session]));
    this.#seats = new Map(
      sessions.map((session) => [session.id, new Map(seatsOf(session).map((seat) => [seat.id, seat]))]),
    );
  }

  event(eventId: string): VenueEvent | undefined {
    return this.#events.get(eventId);
  }

  session(sessionId: string): Session | undefined {
    return this.#sessions.get(sessionId);
  }

  seat(sessionId: string, seatId: string): Seat | undefined {
    return this.#seats.get(sessionId)?.get(seatId);
  }
}

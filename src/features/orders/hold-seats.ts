import { type Instant, later } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { OrderId, SeatId, UserId } from '../../kernel/ids.ts';
import type { Core } from '../../platform/core.ts';
import type { Catalogue } from '../catalogue/index.ts';
import type { Discount, PricedSeat } from '../pricing/index.ts';
import {
  type SeatHolds,
  type SeatingServices,
  SeatLabels,
  type SeatRequest,
  seatsRefused,
  seatsTaken,
} from '../seats/index.ts';
import { isSeatTaken, liveSeats, seatLabels } from './seats.store.ts';
import { UserTurns } from './user-turns.ts';

/** Seats with their prices, and the requested discount. */
export interface Quote {
  readonly seats: readonly PricedSeat[];
  readonly discount: Discount | undefined;
}

const NO_SEATS: Quote = { seats: [], discount: undefined };

/** How long seats stay held when a process crashes between holding them and writing their tickets. */
export const PLACING_HOLD_MS = 15_000;

export interface SeatWork<Result> {
  readonly request: SeatRequest;
  /** The order that the seats are held for. */
  readonly orderId: OrderId;
  /** For an order that was written before: its organisation is not compared, because an earlier service stored none. */
  readonly isOfStoredOrder?: boolean;
  /** Throws when the user may not have so many seats; called before anything is held, asked or written. */
  readonly requireRoom?: () => Promise<void>;
  /** Writes the tickets of the quoted seats. */
  readonly write: (quote: Quote) => Promise<Result>;
  /** The user whose other requests this one waits for; undefined for a new order, which has waited in the queue. */
  readonly inTurnOf?: UserId;
  /** The new end of the hold; undefined when nothing was written, and the hold is to be released. */
  readonly heldUntil: (result: Result) => Instant | undefined;
}

export interface HoldSeatsNeeds {
  readonly seating: Pick<SeatingServices, 'quote' | 'agree'>;
  readonly catalogue: Pick<Catalogue, 'place'>;
  readonly holds: SeatHolds;
}

/** Takes seats for an order, for every use case alike: hold, quote, write, then extend the hold or release it. */
export class HoldSeats {
  readonly #core: Pick<Core, 'database' | 'clock'>;
  readonly #needs: HoldSeatsNeeds;
  readonly #labels: SeatLabels;
  readonly #turns = new UserTurns();

  constructor(core: Pick<Core, 'database' | 'clock'>, needs: HoldSeatsNeeds) {
    this.#core = core;
    this.#needs = needs;
    this.#labels = new SeatLabels((sessionId, seatIds) => seatLabels(core.database, sessionId, seatIds));
  }

  /**
   * Holds the seats for the order, asks both seating services, and calls `write`. Without seats it only calls `write`.
   * Throws `seats_taken` with the labels when a hold, a service or the database says that another order has a seat,
   * `session_mismatch`, `seats_refused` in the service's words, `seating_unavailable`, `overloaded`.
   */
  around<Result>(work: SeatWork<Result>): Promise<Result> {
    if (work.request.seatIds.length === 0) return work.write(NO_SEATS);
    const hold = () => this.#around(work);
    return work.inTurnOf === undefined ? hold() : this.#turns.take(work.inTurnOf, hold);
  }

  /** The request with the organisation of its session, or as it is when the catalogue does not have the session. */
  async ofCatalogue<Request extends SeatRequest>(request: Request): Promise<Request> {
    const place = await this.#needs.catalogue.place(request.sessionId);
    return place ? { ...request, organizationId: place.organizationId } : request;
  }

  async #around<Result>(work: SeatWork<Result>): Promise<Result> {
    const { request, orderId, write, heldUntil } = work;
    await work.requireRoom?.();
    const { sessionId, seatIds } = request;
    const soon = later(this.#core.clock.now(), PLACING_HOLD_MS);
    const hold = await this.#needs.holds.hold(sessionId, seatIds, orderId, soon);
    if (hold.outcome === 'taken') throw await this.#seatsTaken(request, hold.seatIds);
    let until: Instant | undefined;
    try {
      const result = await write(await this.#quote(work.isOfStoredOrder ? await this.ofCatalogue(request) : request));
      until = heldUntil(result);
      return result;
    } catch (error) {
      throw isSeatTaken(error) ? await this.#refusalByIndex(request) : error;
    } finally {
      await this.#extendOrRelease(request, orderId, until);
    }
  }

  async #quote(request: SeatRequest): Promise<Quote> {
    const { seating } = this.#needs;
    const [quote, agreement] = await Promise.all([
      seating.quote(request),
      seating.agree(request),
      this.#requirePlace(request),
    ]);
    if (quote.outcome === 'quoted') this.#labels.learn(request.sessionId, quote.seats);
    if (quote.outcome === 'refused') throw await this.#refusalBySeating(request, quote.message);
    if (agreement.outcome === 'refused') throw await this.#refusalBySeating(request, agreement.message);
    return quote;
  }

  /**
   * Who may read, refund and admit follows from the event of an order, so the body is not trusted with it. A session that the
   * catalogue does not have is left to the seating services. Throws `session_mismatch`.
   */
  async #requirePlace({ sessionId, eventId, organizationId }: SeatRequest): Promise<void> {
    const place = await this.#needs.catalogue.place(sessionId);
    if (!place || (place.eventId === eventId && place.organizationId === organizationId)) return;
    throw new AppError(
      'session_mismatch',
      'The session is not of this event and organisation. Send the event and the organisation of the session.',
    );
  }

  /** The refusal of a seating service: `seats_taken` when one of the seats has a ticket, else in the service's words. */
  async #refusalBySeating(request: SeatRequest, message: string): Promise<AppError> {
    const { sessionId, seatIds } = request;
    const sold = await liveSeats(this.#core.database, sessionId, seatIds);
    if (sold.length > 0) return this.#seatsTaken(request, sold);
    return seatsRefused(message, seatIds, await this.#labels.of(sessionId, seatIds));
  }

  /** The refusal after the unique index has found that another order has a seat. */
  async #refusalByIndex(request: SeatRequest): Promise<AppError> {
    const { sessionId, seatIds } = request;
    const sold = await liveSeats(this.#core.database, sessionId, seatIds);
    // The seat was freed since, so it is not known which one it was: the refusal names all of them.
    return this.#seatsTaken(request, sold.length > 0 ? sold : seatIds);
  }

  async #seatsTaken({ sessionId }: SeatRequest, seatIds: readonly SeatId[]): Promise<AppError> {
    return seatsTaken(seatIds, await this.#labels.of(sessionId, seatIds));
  }

  /** Extends or releases the hold. The database has decided by now, so a failure changes no answer. */
  async #extendOrRelease(
    { sessionId, seatIds }: SeatRequest,
    orderId: OrderId,
    until: Instant | undefined,
  ): Promise<void> {
    try {
      if (until === undefined) await this.#needs.holds.release(sessionId, seatIds, orderId);
      else await this.#needs.holds.extend(sessionId, seatIds, orderId, until);
    } catch {
      // The hold expires by itself.
    }
  }
}

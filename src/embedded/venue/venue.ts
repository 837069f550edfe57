import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import type { Clock } from '../../kernel/clock.ts';
import type { SeatId, SessionId, UserId } from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import type { JournalWatch } from '../journal.ts';
import { catalogueRoutes } from './catalogue.routes.ts';
import { demoCatalogue } from './demo-catalogue.ts';
import { internalRoutes } from './internal.routes.ts';
import { openSeatStates, SEAT_STATES, type SeatState } from './seat-states.ts';
import { createSeatStreams } from './seat-streams.ts';
import { createVenueIndex } from './venue.index.ts';

export interface EmbeddedVenueOptions {
  readonly clock: Clock;
  /** Seat states are kept in here. */
  readonly dataDir: string;
  /** Whether an Authorization header carries a valid machine-to-machine token. */
  readonly isServiceToken: (authorization: string | undefined) => Promise<boolean>;
  readonly currency: Currency;
  /** Owns every event, session and organisation. */
  readonly ownerId: UserId;
  /** Has the role SCANNER for every session. */
  readonly scannerId: UserId;
  /** Called when seat states cannot be written. */
  readonly journalWatch?: JournalWatch;
}

/** The two seating services of the platform, with a demo venue on sale. */
export interface EmbeddedVenue {
  /** Serves `/api/event-seating/**` and `/api/event-query/**`. */
  readonly plugin: FastifyPluginAsync;
  /** Takes the text of a seat status message; resolves when it is kept. A repeat changes nothing, nor does what is none. */
  takeSeatStatus(value: string): Promise<void>;
  close(): Promise<void>;
}

interface SeatStatusMessage {
  readonly session_id: SessionId;
  readonly seat_ids: readonly SeatId[];
  readonly status: SeatState;
}

/** On a real topic others may write, too. */
function seatStatusIn(value: string): SeatStatusMessage | undefined {
  try {
    const { session_id, seat_ids, status } = JSON.parse(value) as Partial<SeatStatusMessage>;
    const known = SEAT_STATES.find((state) => state === status);
    if (!session_id || !Array.isArray(seat_ids) || !known) return undefined;
    return { session_id, seat_ids, status: known };
  } catch {
    return undefined;
  }
}

export async function createEmbeddedVenue(options: EmbeddedVenueOptions): Promise<EmbeddedVenue> {
  const index = createVenueIndex(demoCatalogue(options.clock.now(), options.currency));
  const states = await openSeatStates(`${options.dataDir}/seats.jsonl`, options.journalWatch);
  const streams = createSeatStreams();
  return {
    async plugin(scope: FastifyInstance) {
      scope.setErrorHandler<Error & { statusCode?: number }>((error, _request, reply) => {
        reply.code(error.statusCode ?? 500).send({ message: error.message });
      });
      await scope.register(async (inner) => internalRoutes(inner, { ...options, index, states }));
      await scope.register(async (inner) => catalogueRoutes(inner, { index, states, streams }));
    },
    async takeSeatStatus(value) {
      const message = seatStatusIn(value);
      if (!message) return;
      const known = message.seat_ids.filter((seatId) => index.seat(message.session_id, seatId));
      if (known.length === 0) return;
      await states.set(message.session_id, known, message.status);
      streams.send(message.session_id, { seatIds: known, status: message.status });
    },
    async close() {
      streams.close();
      await states.close();
    },
  };
}

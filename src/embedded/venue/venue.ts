import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import type { Clock } from '../../kernel/clock.ts';
import type { SeatId, SessionId, UserId } from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import type { JournalWatch } from '../journal.ts';
import { catalogueRoutes } from './catalogue.routes.ts';
import { demoCatalogue } from './demo-catalogue.ts';
import { internalRoutes } from './internal.routes.ts';
import { openSeatStates, SEAT_STATES, type SeatState } from './seat-states.ts';
import { SeatStreams } from './seat-streams.ts';
import { VenueIndex } from './venue.index.ts';

/** The stand-in for the platform's two seating services, with a demo venue. */
export interface EmbeddedVenue {
  /** Serves `/api/event-seating/**` and `/api/event-query/**`. */
  readonly plugin: FastifyPluginAsync;
  /** Handles a seat status message; resolves when it is stored. Duplicates and invalid messages change nothing. */
  takeSeatStatus(value: string): Promise<void>;
  close(): Promise<void>;
}

interface SeatStatusMessage {
  readonly session_id: SessionId;
  readonly seat_ids: readonly SeatId[];
  readonly status: SeatState;
}

/** Parses a message. Messages on a real topic may come from other systems, so they can be invalid. */
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

export async function createEmbeddedVenue({
  clock,
  dataDir,
  isServiceToken,
  currency,
  ownerId,
  scannerId,
  journalWatch,
}: {
  readonly clock: Clock;
  /** Folder of the seat states. */
  readonly dataDir: string;
  /** Whether an Authorization header has a valid machine-to-machine token. */
  readonly isServiceToken: (authorization: string | undefined) => Promise<boolean>;
  readonly currency: Currency;
  /** The owner of every event, session and organisation. */
  readonly ownerId: UserId;
  /** The user with the role SCANNER for every session. */
  readonly scannerId: UserId;
  readonly journalWatch?: JournalWatch;
}): Promise<EmbeddedVenue> {
  const index = new VenueIndex(demoCatalogue(clock.now(), currency));
  const states = await openSeatStates(`${dataDir}/seats.jsonl`, journalWatch);
  const streams = new SeatStreams();
  return {
    async plugin(scope: FastifyInstance) {
      scope.setErrorHandler<Error & { statusCode?: number }>((error, _request, reply) => {
        reply.code(error.statusCode ?? 500).send({ message: error.message });
      });
      await scope.register(async (inner) =>
        internalRoutes(inner, { clock, index, states, isServiceToken, ownerId, scannerId }),
      );
      await scope.register(async (inner) => catalogueRoutes(inner, index, states, streams));
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

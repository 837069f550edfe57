import { LRUCache } from 'lru-cache';
import type { SeatId, SessionId } from '../../kernel/ids.ts';
import type { NamedSeat } from './seat-refusal.rules.ts';
import type { SeatLabels } from './seats.ports.ts';

/** Some 10 MB. */
const MAX_SEATS = 50_000;
/** A catalogue renames a seat rarely; then the old label is shown for so long at most. */
const KNOWN_FOR_MS = 600_000;
/** A seat that is held and not written yet has no label in the database, and will have one in a moment. */
const UNKNOWN_FOR_MS = 1_000;
/** Refusals beyond them name the seats by their ids: the connections are there for those who get seats. */
const MAX_LOOKS = 2;

interface Known {
  readonly label: string | undefined;
}

/**
 * Remembers per process what seats are called, from the answers of the seating services and, where those went to another
 * replica, from the tickets: each seat is looked up once, however many are refused it.
 */
export function createSeatLabels(
  find: (sessionId: SessionId, seatIds: readonly SeatId[]) => Promise<readonly NamedSeat[]>,
): SeatLabels {
  const known = new LRUCache<string, Known>({ max: MAX_SEATS, ttl: KNOWN_FOR_MS });
  const looking = new Map<string, Promise<void>>();
  let looks = 0;

  function learn(sessionId: SessionId, seats: readonly NamedSeat[]): void {
    for (const { seatId, label } of seats) known.set(keyOf(sessionId, seatId), { label });
  }

  async function look(sessionId: SessionId, seatIds: readonly SeatId[]): Promise<void> {
    looks += 1;
    try {
      const found = await find(sessionId, seatIds);
      for (const seatId of seatIds) {
        const key = keyOf(sessionId, seatId);
        if (!known.has(key)) known.set(key, { label: undefined }, { ttl: UNKNOWN_FOR_MS });
      }
      learn(sessionId, found);
    } catch {
      // The seats are refused all the same, by their ids.
    } finally {
      looks -= 1;
      for (const seatId of seatIds) looking.delete(keyOf(sessionId, seatId));
    }
  }

  /** Resolves when what could be found out about these seats is known. */
  async function findOut(sessionId: SessionId, seatIds: readonly SeatId[]): Promise<void> {
    const isLookedFor = (seatId: SeatId) => looking.has(keyOf(sessionId, seatId));
    const fresh = seatIds.filter((seatId) => !isLookedFor(seatId));
    if (fresh.length > 0 && looks < MAX_LOOKS) {
      const found = look(sessionId, fresh);
      for (const seatId of fresh) looking.set(keyOf(sessionId, seatId), found);
    }
    await Promise.all(seatIds.map((seatId) => looking.get(keyOf(sessionId, seatId))));
  }

  return {
    learn,
    async of(sessionId, seatIds) {
      const unknown = seatIds.filter((seatId) => !known.has(keyOf(sessionId, seatId)));
      if (unknown.length > 0) await findOut(sessionId, unknown);
      return seatIds.flatMap((seatId) => {
        const label = known.get(keyOf(sessionId, seatId))?.label;
        return label === undefined || label === '' ? [] : [{ seatId, label }];
      });
    },
  };
}

function keyOf(sessionId: SessionId, seatId: SeatId): string {
  return `${sessionId} ${seatId}`;
}

import { LRUCache } from 'lru-cache';
import type { SeatId, SessionId } from '../../kernel/ids.ts';
import type { NamedSeat } from './seat-refusal.rules.ts';
import type { SeatLabels } from './seats.ports.ts';

/** Some 10 MB. */
export const MAX_SEATS = 50_000;
/** A catalogue renames a seat rarely; then the old label is shown for so long at most. */
const KNOWN_FOR_MS = 600_000;
/** A seat that is held and not written yet has no label in the database, and will have one in a moment. */
const UNKNOWN_FOR_MS = 1_000;
const MAX_UNKNOWN = 10_000;
/** Refusals beyond them name the seats by their ids: the connections are there for those who get seats. */
const MAX_LOOKS = 2;

/** Labels that were learnt one after the other, and are forgotten together. */
interface Generation {
  readonly bySession: Map<SessionId, Map<SeatId, string>>;
  readonly bornMs: number;
  size: number;
}

/**
 * Remembers per process what seats are called, from the answers of the seating services and, where those went to another
 * replica, from the tickets: each seat is looked up once, however many are refused it.
 */
export function createSeatLabels(
  find: (sessionId: SessionId, seatIds: readonly SeatId[]) => Promise<readonly NamedSeat[]>,
): SeatLabels {
  const known = createKnown();
  const unlabelled = new LRUCache<string, true>({ max: MAX_UNKNOWN, ttl: UNKNOWN_FOR_MS });
  const looking = new Map<string, Promise<void>>();
  let looks = 0;

  async function look(sessionId: SessionId, seatIds: readonly SeatId[]): Promise<void> {
    looks += 1;
    try {
      known.learn(sessionId, await find(sessionId, seatIds));
      for (const seatId of seatIds)
        if (known.labelOf(sessionId, seatId) === undefined) unlabelled.set(keyOf(sessionId, seatId), true);
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
    learn: known.learn,
    async of(sessionId, seatIds) {
      const unknown = seatIds.filter(
        (seatId) =>
          known.labelOf(sessionId, seatId) === undefined && !unlabelled.has(keyOf(sessionId, seatId)),
      );
      if (unknown.length > 0) await findOut(sessionId, unknown);
      return seatIds.flatMap((seatId) => {
        const label = known.labelOf(sessionId, seatId);
        return label === undefined || label === '' ? [] : [{ seatId, label }];
      });
    },
  };
}

function keyOf(sessionId: SessionId, seatId: SeatId): string {
  return `${sessionId} ${seatId}`;
}

/**
 * A cache of labels in two generations: each order teaches some and few are ever asked for, so that learning has to cost
 * next to nothing. When the young generation is full or has half of its life behind it, the old one is dropped whole.
 */
function createKnown() {
  let young = newGeneration();
  let old = newGeneration();

  function ageMs({ bornMs }: Generation): number {
    return performance.now() - bornMs;
  }

  function seatsToLearn(sessionId: SessionId): Map<SeatId, string> {
    if (young.size >= MAX_SEATS / 2 || ageMs(young) >= KNOWN_FOR_MS / 2) {
      old = young;
      young = newGeneration();
    }
    const known = young.bySession.get(sessionId) ?? new Map<SeatId, string>();
    if (known.size === 0) young.bySession.set(sessionId, known);
    return known;
  }

  return {
    learn(sessionId: SessionId, seats: readonly NamedSeat[]): void {
      const known = seatsToLearn(sessionId);
      for (const { seatId, label } of seats) known.set(seatId, label);
      young.size += seats.length;
    },
    labelOf(sessionId: SessionId, seatId: SeatId): string | undefined {
      const of = (generation: Generation) =>
        ageMs(generation) < KNOWN_FOR_MS ? generation.bySession.get(sessionId)?.get(seatId) : undefined;
      return of(young) ?? of(old);
    },
  };
}

function newGeneration(): Generation {
  return { bySession: new Map(), bornMs: performance.now(), size: 0 };
}

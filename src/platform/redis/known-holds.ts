import { LRUCache } from 'lru-cache';
import type { FoundHold, HoldRecords } from '../../features/seats/index.ts';
import type { SessionId } from '../../kernel/ids.ts';

const MAX_KNOWN = 10_000;
/** A seat whose release was lost in Redis is refused for so much longer at most. */
const KNOWN_FOR_MS = 1_000;

/** Remembers for a moment which holds were found to stand, so that many who want the same seats cost one look. */
export function rememberHolds(stillHeld: HoldRecords['stillHeld']): HoldRecords['stillHeld'] {
  const known = new LRUCache<string, true>({ max: MAX_KNOWN, ttl: KNOWN_FOR_MS });
  const keyOf = (sessionId: SessionId, { seatId, orderId }: FoundHold) => `${sessionId} ${orderId} ${seatId}`;

  return async (sessionId, found) => {
    const isKnown = (hold: FoundHold) => known.get(keyOf(sessionId, hold)) === true;
    const { known: standing = [], unknown = [] } = Object.groupBy(found, (hold) =>
      isKnown(hold) ? 'known' : 'unknown',
    );
    const held = unknown.length === 0 ? [] : await stillHeld(sessionId, unknown);
    const heldSeats = new Set(held);
    for (const hold of unknown) if (heldSeats.has(hold.seatId)) known.set(keyOf(sessionId, hold), true);
    return [...standing.map(({ seatId }) => seatId), ...held];
  };
}

import { LRUCache } from 'lru-cache';
import type { FoundHold, HoldRecords } from '../../features/seats/index.ts';
import type { SessionId } from '../../kernel/ids.ts';

const MAX_KNOWN = 10_000;
/** A seat whose release was lost in Redis is refused for at most this much longer. */
const KNOWN_FOR_MS = 1_000;

/** Caches for a moment which holds are still valid, so that many requests for the same seats need one query. */
export function rememberHolds(stillHeld: HoldRecords['stillHeld']): HoldRecords['stillHeld'] {
  const known = new LRUCache<string, true>({ max: MAX_KNOWN, ttl: KNOWN_FOR_MS });
  const keyOf = (sessionId: SessionId, { seatId, orderId }: FoundHold) => `${sessionId} ${orderId} ${seatId}`;

  return async (sessionId, found) => {
    const isKnown = (hold: FoundHold) => known.get(keyOf(sessionId, hold)) === true;
    const { known: valid = [], unknown = [] } = Object.groupBy(found, (hold) => (isKnown(hold) ? 'known' : 'unknown'));
    const held = unknown.length === 0 ? [] : await stillHeld(sessionId, unknown);
    const heldSeats = new Set(held);
    for (const hold of unknown) if (heldSeats.has(hold.seatId)) known.set(keyOf(sessionId, hold), true);
    return [...valid.map(({ seatId }) => seatId), ...held];
  };
}

import type { FoundHold, HoldOutcome, HoldRecords, SeatHolds } from '../features/seats/index.ts';
import type { Clock, Instant } from '../kernel/clock.ts';
import type { OrderId, SeatId, SessionId } from '../kernel/ids.ts';

interface Hold {
  readonly orderId: OrderId;
  readonly until: Instant;
}

/** Maximum number of holds. The oldest ones are dropped first; PostgreSQL then refuses their seats. */
const MAX_HOLDS = 1_000_000;

/** Each further attempt replaces the holds that the one before found to be stale. */
const MAX_HOLD_ATTEMPTS = 2;

/**
 * Holds in memory, in place of Redis. Losing holds, as in a restart, oversells nothing. `stillHeld` is asked about conflicting
 * holds, because another process may have ended their orders.
 */
export function createEmbeddedHolds(clock: Clock, stillHeld: HoldRecords['stillHeld']): SeatHolds {
  const holds = new Map<string, Hold>();

  const keyOf = (sessionId: SessionId, seatId: SeatId) => `${sessionId}:${seatId}`;

  function validHold(key: string): Hold | undefined {
    const hold = holds.get(key);
    if (hold && hold.until <= clock.now()) {
      holds.delete(key);
      return undefined;
    }
    return hold;
  }

  function put(key: string, hold: Hold): void {
    // Re-inserted, so that the oldest hold is always first in the map.
    holds.delete(key);
    holds.set(key, hold);
    const oldest = holds.keys().next().value;
    if (holds.size > MAX_HOLDS && oldest !== undefined) holds.delete(oldest);
  }

  function conflictsOf(sessionId: SessionId, seatIds: readonly SeatId[], orderId: OrderId): FoundHold[] {
    return seatIds.flatMap((seatId) => {
      const hold = validHold(keyOf(sessionId, seatId));
      return hold === undefined || hold.orderId === orderId
        ? []
        : [{ seatId, orderId: hold.orderId, leftMs: hold.until - clock.now() }];
    });
  }

  return {
    async hold(sessionId, seatIds, orderId, until): Promise<HoldOutcome> {
      const stale = new Map<SeatId, string>();
      for (let attempt = 1; ; attempt += 1) {
        const found = conflictsOf(sessionId, seatIds, orderId).filter(
          (hold) => stale.get(hold.seatId) !== hold.orderId,
        );
        if (found.length === 0) break;
        const held = attempt > MAX_HOLD_ATTEMPTS ? found.map((hold) => hold.seatId) : await stillHeld(sessionId, found);
        const taken = new Set(held);
        if (taken.size > 0) return { outcome: 'taken', seatIds: seatIds.filter((seatId) => taken.has(seatId)) };
        for (const hold of found) stale.set(hold.seatId, hold.orderId);
      }
      for (const seatId of seatIds) put(keyOf(sessionId, seatId), { orderId, until });
      return { outcome: 'held' };
    },
    async extend(sessionId, seatIds, orderId, until) {
      for (const seatId of seatIds) {
        const key = keyOf(sessionId, seatId);
        if (validHold(key)?.orderId === orderId) put(key, { orderId, until });
      }
    },
    async release(sessionId, seatIds, orderId) {
      for (const seatId of seatIds) {
        const key = keyOf(sessionId, seatId);
        if (holds.get(key)?.orderId === orderId) holds.delete(key);
      }
    },
  };
}

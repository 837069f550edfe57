import type { FoundHold, HoldOutcome, HoldRecords, SeatHolds } from '../../features/seats/index.ts';
import type { Clock, Instant } from '../../kernel/clock.ts';
import type { SeatId, SessionId } from '../../kernel/ids.ts';
import type { Circuit } from './circuit.ts';
import type { RedisConnection } from './connection.ts';
import { rememberHolds } from './known-holds.ts';
import { Script } from './script.ts';

/** `taken_over`: an expired hold was replaced. `undecided`: there is no live ticket, and Redis did not answer. */
export type HoldAnswer = 'held' | 'taken' | 'taken_over' | 'undecided';

/**
 * Holds all keys for an order, or none. Returns the conflicting holds of other orders, each with its index in the list, its
 * order and its remaining milliseconds. ARGV names for each key an order whose hold has expired and does not count.
 */
const HOLD = new Script(`
local found = {}
for i, key in ipairs(KEYS) do
  local order = redis.call('GET', key)
  if order and order ~= ARGV[1] and order ~= ARGV[2 + i] then
    found[#found + 1] = { i, order, redis.call('PTTL', key) }
  end
end
if #found == 0 then
  for _, key in ipairs(KEYS) do redis.call('SET', key, ARGV[1], 'PX', ARGV[2]) end
end
return found`);

const EXTEND = new Script(`
for _, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then redis.call('PEXPIRE', key, ARGV[2]) end
end`);

const RELEASE = new Script(`
for _, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then redis.call('DEL', key) end
end`);

/** What `PTTL` answers for a key without an end. */
const NO_END = -1;
/** Each further attempt replaces the holds that the one before found to be expired. */
const MAX_HOLD_ATTEMPTS = 2;

/**
 * Holds in Redis (contract section 3), shared by replicas; a script handles all seats of an order at once. While Redis is
 * unavailable, every seat without a live ticket can be held, and PostgreSQL decides. `records` are asked about conflicting
 * holds of other orders, and about all seats while Redis is unavailable.
 */
export function createRedisHolds({
  redis,
  circuit,
  clock,
  records,
  onAnswer,
}: {
  readonly redis: RedisConnection;
  readonly circuit: Circuit;
  readonly clock: Clock;
  readonly records: HoldRecords;
  readonly onAnswer: (answer: HoldAnswer) => void;
}): SeatHolds {
  const ask = createAsk(redis, circuit);
  const stillHeld = rememberHolds(records.stillHeld);

  function taken(seatIds: readonly SeatId[], among: readonly SeatId[]): HoldOutcome {
    onAnswer('taken');
    const isTaken = new Set(among);
    return { outcome: 'taken', seatIds: seatIds.filter((seatId) => isTaken.has(seatId)) };
  }

  return {
    async hold(sessionId, seatIds, orderId, until) {
      const expired = new Map<SeatId, string>();
      for (let attempt = 1; attempt <= MAX_HOLD_ATTEMPTS; attempt += 1) {
        const values = [orderId, msUntil(until, clock), ...seatIds.map((seatId) => expired.get(seatId) ?? '')];
        const answer = await ask(HOLD, sessionId, seatIds, values);
        if (answer === undefined) break;
        const found = readFound(answer, seatIds);
        if (found.length === 0) {
          onAnswer(expired.size === 0 ? 'held' : 'taken_over');
          return { outcome: 'held' };
        }
        const held = await stillHeld(sessionId, found);
        if (held.length > 0) return taken(seatIds, held);
        for (const hold of found) expired.set(hold.seatId, hold.orderId);
      }
      // A refusal here costs one query; a refusal by PostgreSQL at the end costs two calls, a write and waits for locks.
      const live = await records.live(sessionId, seatIds);
      if (live.length > 0) return taken(seatIds, live);
      onAnswer('undecided');
      return { outcome: 'held' };
    },
    async extend(sessionId, seatIds, orderId, until) {
      if (seatIds.length > 0) await ask(EXTEND, sessionId, seatIds, [orderId, msUntil(until, clock)]);
    },
    async release(sessionId, seatIds, orderId) {
      if (seatIds.length > 0) await ask(RELEASE, sessionId, seatIds, [orderId]);
    },
  };
}

/** Runs a script on the seats' keys; undefined while Redis is unavailable. */
function createAsk(redis: RedisConnection, circuit: Circuit) {
  return (
    script: Script,
    sessionId: SessionId,
    seatIds: readonly SeatId[],
    values: readonly (string | number)[],
  ): Promise<unknown> => {
    const keys = seatIds.map((seatId) => holdKey(sessionId, seatId, redis.isCluster));
    return circuit.run(() => script.run(redis.commands, keys, values)).catch(() => undefined);
  };
}

/** In a cluster, the session is the hash tag, so that the keys of one order are on one node. */
function holdKey(sessionId: SessionId, seatId: SeatId, isCluster: boolean): string {
  return isCluster ? `seat_lock:{${sessionId}}:${seatId}` : `seat_lock:${seatId}`;
}

/** The remaining time, at least 1 ms, because Redis refuses an expiry of 0. */
function msUntil(until: Instant, clock: Clock): number {
  return Math.max(1, Math.round(until - clock.now()));
}

function readFound(value: unknown, seatIds: readonly SeatId[]): FoundHold[] {
  return (value as [number, string, number][]).flatMap(([position, orderId, leftMs]) => {
    const seatId = seatIds[position - 1];
    return seatId === undefined
      ? []
      : [{ seatId, orderId, leftMs: leftMs === NO_END ? Number.POSITIVE_INFINITY : leftMs }];
  });
}

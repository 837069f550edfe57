import type { FoundHold, HoldOutcome, HoldRecords, SeatHolds } from '../../features/seats/index.ts';
import type { Clock, Instant } from '../../kernel/clock.ts';
import type { SeatId, SessionId } from '../../kernel/ids.ts';
import type { Circuit } from './circuit.ts';
import type { RedisConnection } from './connection.ts';
import { rememberHolds } from './known-holds.ts';
import { createScript, type Script } from './script.ts';

export interface RedisHoldsOptions {
  readonly redis: RedisConnection;
  readonly circuit: Circuit;
  readonly clock: Clock;
  /** Asked about holds of other orders that stand in the way, and about all seats while Redis is away. */
  readonly records: HoldRecords;
  readonly onAnswer: (answer: HoldAnswer) => void;
}

/** `taken_over`: from a hold that was over. `undecided`: no live ticket, and Redis could not say more. */
export type HoldAnswer = 'held' | 'taken' | 'taken_over' | 'undecided';

/**
 * Holds the keys for an order, all or none. Gives back the holds of others in the way, each as its place in the list,
 * its order and what is left of it in milliseconds. A hold of the order named at the same place in the list is over.
 */
const HOLD = createScript(`
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

const EXTEND = createScript(`
for _, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then redis.call('PEXPIRE', key, ARGV[2]) end
end`);

const RELEASE = createScript(`
for _, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then redis.call('DEL', key) end
end`);

/** Each further try takes over what the one before found to be over. */
const MAX_HOLD_ATTEMPTS = 2;

/**
 * Holds in Redis (contract section 3), shared by the replicas, each a script for all seats. While Redis is away seats
 * without a live ticket count as held, and PostgreSQL decides.
 */
export function createRedisHolds(options: RedisHoldsOptions): SeatHolds {
  const { clock, records, onAnswer } = options;
  const ask = createAsk(options);
  const stillHeld = rememberHolds(records.stillHeld);

  function taken(seatIds: readonly SeatId[], among: readonly SeatId[]): HoldOutcome {
    onAnswer('taken');
    const isTaken = new Set(among);
    return { outcome: 'taken', seatIds: seatIds.filter((seatId) => isTaken.has(seatId)) };
  }

  return {
    async hold(sessionId, seatIds, orderId, until) {
      const over = new Map<SeatId, string>();
      for (let attempt = 1; attempt <= MAX_HOLD_ATTEMPTS; attempt += 1) {
        const given = [orderId, msUntil(until, clock), ...seatIds.map((seatId) => over.get(seatId) ?? '')];
        const answer = await ask(HOLD, sessionId, seatIds, given);
        if (!answer) break;
        const found = readFound(answer.value, seatIds);
        if (found.length === 0) {
          onAnswer(over.size === 0 ? 'held' : 'taken_over');
          return { outcome: 'held' };
        }
        const held = await stillHeld(sessionId, found);
        if (held.length > 0) return taken(seatIds, held);
        for (const hold of found) over.set(hold.seatId, hold.orderId);
      }
      // Refused now they cost a look; refused at the end they cost two calls, a write and a wait for each other.
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

type Asked = { readonly value: unknown } | undefined;

/** Runs a script on the seats' keys; undefined when Redis is away. */
function createAsk({ redis, circuit }: RedisHoldsOptions) {
  return async (
    script: Script,
    sessionId: SessionId,
    seatIds: readonly SeatId[],
    given: readonly (string | number)[],
  ): Promise<Asked> => {
    const keys = seatIds.map((seatId) => holdKey(sessionId, seatId, redis.isCluster));
    try {
      return { value: await circuit.run(() => script.run(redis.commands, keys, given)) };
    } catch {
      return undefined;
    }
  };
}

/** On a cluster the session is the hash tag: the keys of one order are then on one node. */
function holdKey(sessionId: SessionId, seatId: SeatId, isCluster: boolean): string {
  return isCluster ? `seat_lock:{${sessionId}}:${seatId}` : `seat_lock:${seatId}`;
}

/** Redis takes no life of nothing; one that is over ends as good as at once. */
function msUntil(until: Instant, clock: Clock): number {
  return Math.max(1, Math.round(until - clock.now()));
}

function readFound(value: unknown, seatIds: readonly SeatId[]): FoundHold[] {
  return (value as [number, string, number][]).flatMap(([place, orderId, leftMs]) => {
    const seatId = seatIds[place - 1];
    return seatId === undefined ? [] : [{ seatId, orderId, leftMs }];
  });
}

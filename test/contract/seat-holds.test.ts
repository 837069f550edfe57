import { describe, expect, test } from 'vitest';
import { createEmbeddedHolds } from '../../src/embedded/holds.ts';
import type { HoldRecords } from '../../src/features/seats/index.ts';
import { instant, later } from '../../src/kernel/clock.ts';
import { as, type OrderId, type SeatId, type SessionId } from '../../src/kernel/ids.ts';
import { type HoldsUnderTest, seatHoldsContract } from './seat-holds.contract.ts';

/** As the database says: a hold without an order counts for no longer than placing takes. */
const PLACING_HOLD_MS = 15_000;

async function inTheProcess(): Promise<HoldsUnderTest> {
  let now = instant(0);
  const clock = { now: () => now };
  const written = new Set<string>();
  const stillHeld: HoldRecords['stillHeld'] = async (_session, found) =>
    found
      .filter(({ orderId, leftMs }) => leftMs <= PLACING_HOLD_MS || written.has(orderId))
      .map(({ seatId }) => seatId);
  return {
    holds: createEmbeddedHolds(clock, stillHeld),
    clock,
    async pass(ms) {
      now = later(now, ms);
    },
    write: async (orderId) => void written.add(orderId),
  };
}

seatHoldsContract('in the process', inTheProcess);

describe('orphan-hold: a hold in the process whose order the database does not know', () => {
  const sessionId = as<SessionId>('session');
  const [a, b] = ['a', 'b'].map((id) => as<SeatId>(id)) as [SeatId, SeatId];
  const [gone, written, next] = ['gone', 'written', 'next'].map((id) => as<OrderId>(id)) as [OrderId, OrderId, OrderId];

  test('it is replaced, and one whose order is written is not', async () => {
    const { holds, clock, write } = await inTheProcess();
    const end = later(clock.now(), 290_000);
    await holds.hold(sessionId, [a], gone, end);
    await holds.hold(sessionId, [b], written, end);
    await write(written, sessionId, [b]);
    expect(await holds.hold(sessionId, [a, b], next, end)).toEqual({ outcome: 'taken', seatIds: [b] });
    expect(await holds.hold(sessionId, [a], next, end)).toEqual({ outcome: 'held' });
    await holds.release(sessionId, [a], gone);
    await write(next, sessionId, [a]);
    expect(await holds.hold(sessionId, [a], written, end)).toEqual({ outcome: 'taken', seatIds: [a] });
  });
});

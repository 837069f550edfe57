import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import type { SeatHolds } from '../../src/features/seats/seats.ports.ts';
import { type Clock, later } from '../../src/kernel/clock.ts';
import { as, type OrderId, type SeatId, type SessionId } from '../../src/kernel/ids.ts';
import { patience } from '../support/patience.ts';

/** An implementation of the port, with the clock and the orders that it reads. */
export interface HoldsUnderTest {
  readonly holds: SeatHolds;
  readonly clock: Clock;
  /** Resolves when this much time has passed on the clock. */
  pass(ms: number): Promise<void>;
  /** Writes a pending order of the session, as placing does once its seats are held. */
  write(orderId: OrderId, sessionId: SessionId, seatIds: readonly SeatId[]): Promise<void>;
}

const HELD = { outcome: 'held' };
const LONG_MS = 10_000;
/** Real time on a real Redis: a busy machine must be able to call twice within it. */
const SHORT_MS = Math.ceil(patience(100));

const newOrder = () => as<OrderId>(randomUUID());
const newSession = () => as<SessionId>(randomUUID());
const newSeats = (count: number) => Array.from({ length: count }, () => as<SeatId>(randomUUID()));
const takenOf = (...seatIds: readonly (SeatId | undefined)[]) => ({ outcome: 'taken', seatIds });

/** What every implementation of `SeatHolds` does, embedded and real. */
export function seatHoldsContract(name: string, make: () => Promise<HoldsUnderTest>): void {
  describe(`seat holds ${name}`, () => {
    let under: HoldsUnderTest;
    const hold = (session: SessionId, seats: readonly SeatId[], order: OrderId, forMs = LONG_MS) =>
      under.holds.hold(session, seats, order, later(under.clock.now(), forMs));
    const extend = (session: SessionId, seats: readonly SeatId[], order: OrderId, toMs: number) =>
      under.holds.extend(session, seats, order, later(under.clock.now(), toMs));

    beforeAll(async () => {
      under = await make();
    });

    test('they are on all seats or none, and name the taken ones', async () => {
      const [session, first, second] = [newSession(), newOrder(), newOrder()];
      const [a, b, c] = newSeats(3) as [SeatId, SeatId, SeatId];
      expect(await hold(session, [a, b], first)).toEqual(HELD);
      expect(await hold(session, [b, c, a], second)).toEqual(takenOf(b, a));
      expect(await hold(session, [c], second)).toEqual(HELD);
      expect(await hold(session, [a, b], first)).toEqual(HELD);
    });

    test('they belong to one session: a seat with the same id in another session is not affected', async () => {
      const [here, there, first, second] = [newSession(), newSession(), newOrder(), newOrder()];
      const seat = as<SeatId>(`A1-${randomUUID()}`);
      expect(await hold(here, [seat], first)).toEqual(HELD);
      await under.write(first, here, [seat]);
      expect(await hold(there, [seat], second)).toEqual(HELD);
      await under.write(second, there, [seat]);
      expect(await hold(here, [seat], newOrder())).toEqual(takenOf(seat));
      expect(await hold(there, [seat], newOrder())).toEqual(takenOf(seat));
    });

    test('they end at their time', async () => {
      const [session, seats] = [newSession(), newSeats(2)];
      await hold(session, seats, newOrder(), SHORT_MS);
      expect(await hold(session, seats, newOrder())).toEqual(takenOf(...seats));
      await under.pass(SHORT_MS);
      expect(await hold(session, seats, newOrder())).toEqual(HELD);
    });

    test('they are extended only by their owner', async () => {
      const [session, seats, owner] = [newSession(), newSeats(2), newOrder()];
      await hold(session, seats, owner, SHORT_MS);
      await extend(session, seats, newOrder(), 1);
      await extend(session, seats, owner, 3 * SHORT_MS);
      await under.pass(SHORT_MS + 50);
      expect(await hold(session, seats, newOrder())).toEqual(takenOf(...seats));
      await under.pass(2 * SHORT_MS);
      await extend(session, seats, owner, LONG_MS);
      expect(await hold(session, seats, newOrder())).toEqual(HELD);
    });

    test('they are released only by their owner', async () => {
      const [session, owner, other] = [newSession(), newOrder(), newOrder()];
      const [a, b] = newSeats(2) as [SeatId, SeatId];
      await hold(session, [a], owner);
      await hold(session, [b], other);
      await under.holds.release(session, [a, b], other);
      expect(await hold(session, [a, b], other)).toEqual(takenOf(a));
      await under.holds.release(session, [a, b], owner);
      expect(await hold(session, [a, b], other)).toEqual(HELD);
      await under.holds.release(session, [], owner);
      await under.holds.extend(session, [], owner, under.clock.now());
    });

    test('they keep seat ids byte for byte', async () => {
      const [session, owner] = [newSession(), newOrder()];
      const seats = ['A1', 'a1', '{A1}', 'A:1', 'Étage 2 – 座席', 'x'.repeat(64)].map((id) => as<SeatId>(id));
      expect(await hold(session, seats, owner)).toEqual(HELD);
      expect(await hold(session, seats, newOrder())).toEqual(takenOf(...seats));
      await under.holds.release(session, seats, owner);
      expect(await hold(session, seats, newOrder())).toEqual(HELD);
    });

    test('they leave no buyer with a part of the requested seats after a race', async () => {
      const [session, seats] = [newSession(), newSeats(12)];
      const requests = Array.from({ length: 200 }, (_, at) =>
        [0, 1, 2].map((step) => seats[(at * 5 + step * (1 + (at % 3))) % seats.length] as SeatId),
      );
      const outcomes = await Promise.all(requests.map((request) => hold(session, request, newOrder())));
      const won = requests.filter((_, at) => outcomes[at]?.outcome === 'held').flat();
      expect(won.length).toBeGreaterThan(0);
      expect(new Set(won).size).toBe(won.length);
      const held = new Set(won);
      expect(await hold(session, seats, newOrder())).toEqual(takenOf(...seats.filter((id) => held.has(id))));
    });
  });
}

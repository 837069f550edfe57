import { expect, test } from 'vitest';
import type { FoundHold } from '../../../src/features/seats/seats.ports.ts';
import { as, type SeatId, type SessionId } from '../../../src/kernel/ids.ts';
import { rememberHolds } from '../../../src/platform/redis/known-holds.ts';

const [here, there] = ['here', 'there'].map((id) => as<SessionId>(id)) as [SessionId, SessionId];
const [a, b] = ['a', 'b'].map((id) => as<SeatId>(id)) as [SeatId, SeatId];
const of = (seatId: SeatId, orderId: string): FoundHold => ({ seatId, orderId, leftMs: 1 });

test('a standing hold is looked up once; an ended one, another order’s and another session’s are looked up each time', async () => {
  const looks: string[] = [];
  const stillHeld = rememberHolds(async (session, found) => {
    looks.push(`${session} ${found.map(({ seatId, orderId }) => `${seatId} of ${orderId}`).join()}`);
    return found.filter(({ orderId }) => orderId !== 'over').map(({ seatId }) => seatId);
  });
  expect(await stillHeld(here, [of(a, '1'), of(b, 'over')])).toEqual([a]);
  expect(await stillHeld(here, [of(a, '1')])).toEqual([a]);
  expect(await stillHeld(here, [of(a, '1'), of(b, 'over')])).toEqual([a]);
  expect(await stillHeld(there, [of(a, '1')])).toEqual([a]);
  expect(await stillHeld(here, [of(a, '2')])).toEqual([a]);
  expect(looks).toEqual(['here a of 1,b of over', 'here b of over', 'there a of 1', 'here a of 2']);
});

import { beforeEach, describe, expect, test } from 'vitest';
import { HoldSeats, PLACING_HOLD_MS, type Quote } from '../../../src/features/orders/hold-seats.ts';
import type { PricedSeat } from '../../../src/features/pricing/index.ts';
import type { HoldOutcome, SeatHolds, SeatingServices } from '../../../src/features/seats/index.ts';
import { type Instant, instant, later } from '../../../src/kernel/clock.ts';
import { AppError } from '../../../src/kernel/errors.ts';
import {
  as,
  type EventId,
  type OrderId,
  type OrganizationId,
  type SeatId,
  type SessionId,
  type TierId,
} from '../../../src/kernel/ids.ts';
import { money } from '../../../src/kernel/money.ts';
import type { Core } from '../../../src/platform/core.ts';

const NOW = instant(1_000_000);
const END = later(NOW, 300_000);
const orderId = as<OrderId>('order');
const [a, b] = ['a', 'b'].map((id) => as<SeatId>(id)) as [SeatId, SeatId];
const request = {
  sessionId: as<SessionId>('session'),
  eventId: as<EventId>('event'),
  organizationId: as<OrganizationId>('organization'),
  seatIds: [a, b],
  discountId: undefined,
};
/** As the unique index refuses a ticket on a seat that has one. */
const SEAT_TAKEN = Object.assign(new Error('duplicate'), { code: '23505', constraint: 'tickets_live_seat' });

function quoted(seatId: SeatId): PricedSeat {
  const tier = { id: as<TierId>('tier'), name: 'Stalls', color: '#fff' };
  return { seatId, label: seatId.toUpperCase(), tier, price: money(100) };
}

/** What happened to the holds and at the seating services, in order. */
let events: string[];
/** Seats that have a live ticket in the database. */
let sold: SeatId[];
let holds: SeatHolds;
let seating: Pick<SeatingServices, 'quote' | 'agree'>;
let answer: HoldOutcome;

beforeEach(() => {
  events = [];
  sold = [];
  answer = { outcome: 'held' };
  holds = {
    async hold(_session, seatIds, of, until) {
      events.push(`hold ${seatIds.join()} for ${of} ${until - NOW}`);
      return answer;
    },
    async extend(_session, seatIds, of, until) {
      events.push(`extend ${seatIds.join()} for ${of} ${until - NOW}`);
    },
    async release(_session, seatIds, of) {
      events.push(`release ${seatIds.join()} for ${of}`);
    },
  };
  seating = {
    async quote({ seatIds }) {
      events.push('quote');
      return { outcome: 'quoted', seats: seatIds.map(quoted), discount: undefined };
    },
    async agree() {
      events.push('agree');
      return { outcome: 'agreed' };
    },
  };
});

/** A database that knows which seats are sold, and what those are called. */
const database = {
  async rows({ name }: { readonly name: string }) {
    if (name === 'seats-live') return sold.map((seat_id) => ({ seat_id }));
    return sold.map((seat_id) => ({ seat_id, seat_label: seat_id.toUpperCase() }));
  },
} as unknown as Core['database'];

function around<Result>(
  write: (quote: Quote) => Promise<Result>,
  heldUntil: (result: Result) => Instant | undefined = () => END,
  of = request,
): Promise<Result> {
  const seats = new HoldSeats({ database, clock: { now: () => NOW } }, { seating, holds });
  return seats.around({ request: of, orderId, write, heldUntil });
}

async function write(quote: Quote): Promise<string> {
  events.push(`write ${quote.seats.map(({ label }) => label).join()}`);
  return 'written';
}

async function fail(error: unknown): Promise<never> {
  throw error;
}

async function refusalOf(work: Promise<unknown>) {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AppError)) throw error;
  return { code: error.code, detail: error.message, seatIds: error.extra.seatIds };
}

const HELD = `hold a,b for order ${PLACING_HOLD_MS}`;
const EXTENDED = 'extend a,b for order 300000';
const RELEASED = 'release a,b for order';

describe('taking seats', () => {
  test('the seats are held, quoted and written, and then held to the order’s end', async () => {
    expect(await around(write)).toBe('written');
    expect(events).toEqual([HELD, 'quote', 'agree', 'write A,B', EXTENDED]);
  });

  test('the hold is released when nothing was written', async () => {
    await around(write, () => undefined);
    expect(events.at(-1)).toBe(RELEASED);
  });

  test('the hold is released when the work fails, and its error stays', async () => {
    const error = new Error('no');
    await expect(around(() => fail(error))).rejects.toBe(error);
    expect(events).toEqual([HELD, 'quote', 'agree', RELEASED]);
  });

  test('without seats there is nothing to hold or to quote', async () => {
    expect(await around(write, () => END, { ...request, seatIds: [] })).toBe('written');
    expect(events).toEqual(['write ']);
  });
});

describe('a hold that cannot be settled changes no answer', () => {
  beforeEach(() => {
    const failure = () => Promise.reject(new Error('the holds do not answer'));
    holds = { ...holds, extend: failure, release: failure };
  });

  test('what was written is returned', async () => {
    expect(await around(write)).toBe('written');
  });

  test('what was refused is thrown', async () => {
    const refused = new AppError('discount_refused', 'used up');
    await expect(around(() => fail(refused))).rejects.toBe(refused);
  });

  test('also when it fails before it gives a promise', async () => {
    holds = {
      ...holds,
      extend() {
        throw new Error('closed');
      },
    };
    expect(await around(write)).toBe('written');
  });
});

describe('seats that are another order’s', () => {
  test('those held are named, and nothing is quoted or released', async () => {
    answer = { outcome: 'taken', seatIds: [b] };
    sold = [b];
    expect(await refusalOf(around(write))).toEqual({
      code: 'seats_taken',
      detail: 'Already taken: B. Choose other seats.',
      seatIds: [b],
    });
    expect(events).toEqual([HELD]);
  });

  test('those that the database refuses are named, and the hold is released', async () => {
    sold = [b];
    expect(await refusalOf(around(() => fail(SEAT_TAKEN)))).toEqual({
      code: 'seats_taken',
      detail: 'Already taken: B. Choose other seats.',
      seatIds: [b],
    });
    expect(events.at(-1)).toBe(RELEASED);
  });

  test('all are named when the one that the database refused is free again', async () => {
    expect(await refusalOf(around(() => fail(SEAT_TAKEN)))).toMatchObject({
      code: 'seats_taken',
      seatIds: [a, b],
    });
  });

  test('those that a seating service refuses are named when they are sold', async () => {
    sold = [a];
    seating = { ...seating, agree: async () => ({ outcome: 'refused', message: 'Some seat is booked.' }) };
    expect(await refusalOf(around(write))).toMatchObject({ code: 'seats_taken', seatIds: [a] });
    expect(events.at(-1)).toBe(RELEASED);
  });
});

test('a seating service refuses seats that are not sold in its own words', async () => {
  seating = { ...seating, quote: async () => ({ outcome: 'refused', message: 'The sale has ended.' }) };
  expect(await refusalOf(around(write))).toMatchObject({
    code: 'seats_refused',
    detail: 'The sale has ended.',
  });
  expect(events.at(-1)).toBe(RELEASED);
});

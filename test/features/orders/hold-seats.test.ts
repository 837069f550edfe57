import { beforeEach, describe, expect, test } from 'vitest';
import type { SessionPlace } from '../../../src/features/catalogue/index.ts';
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
/** A violation of the unique index on live seats, as PostgreSQL reports it. */
const SEAT_TAKEN = Object.assign(new Error('duplicate'), { code: '23505', constraint: 'tickets_live_seat' });

function quoted(seatId: SeatId): PricedSeat {
  const tier = { id: as<TierId>('tier'), name: 'Stalls', color: '#fff' };
  return { seatId, label: seatId.toUpperCase(), tier, price: money(100) };
}

/** The calls to the holds and the seating services, in order. */
let events: string[];
/** Seats that have a live ticket in the database. */
let sold: SeatId[];
let holds: SeatHolds;
let seating: Pick<SeatingServices, 'quote' | 'agree'>;
let answer: HoldOutcome;
/** The event and the organisation of the session; undefined when the catalogue does not have it. */
let place: SessionPlace | undefined;
const catalogue = { place: async () => place };

beforeEach(() => {
  events = [];
  sold = [];
  place = request;
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

/** A database that knows which seats are sold, and their labels. */
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
  const seats = new HoldSeats({ database, clock: { now: () => NOW } }, { seating, holds, catalogue });
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

describe('holding seats', () => {
  test('it holds the seats, quotes and saves them, and then extends the hold to the order’s end', async () => {
    expect(await around(write)).toBe('written');
    expect(events).toEqual([HELD, 'quote', 'agree', 'write A,B', EXTENDED]);
  });

  test('it releases the hold when nothing was saved', async () => {
    await around(write, () => undefined);
    expect(events.at(-1)).toBe(RELEASED);
  });

  test('it releases the hold when the work fails, and throws the error of the work', async () => {
    const error = new Error('no');
    await expect(around(() => fail(error))).rejects.toBe(error);
    expect(events).toEqual([HELD, 'quote', 'agree', RELEASED]);
  });

  test('it holds, asks and writes nothing when there is no room', async () => {
    const error = new Error('no room');
    const seats = new HoldSeats({ database, clock: { now: () => NOW } }, { seating, holds, catalogue });
    const work = { request, orderId, requireRoom: () => fail(error), write, heldUntil: () => END };
    await expect(seats.around(work)).rejects.toBe(error);
    expect(events).toEqual([]);
  });

  test('it holds and quotes nothing when there are no seats', async () => {
    expect(await around(write, () => END, { ...request, seatIds: [] })).toBe('written');
    expect(events).toEqual(['write ']);
  });
});

describe('a hold that cannot be settled', () => {
  beforeEach(() => {
    const failure = () => Promise.reject(new Error('the holds do not answer'));
    holds = { ...holds, extend: failure, release: failure };
  });

  test('it does not change what the work returned', async () => {
    expect(await around(write)).toBe('written');
  });

  test('it does not change what the work threw', async () => {
    const refused = new AppError('discount_refused', 'used up');
    await expect(around(() => fail(refused))).rejects.toBe(refused);
  });

  test('it changes nothing, even if the call throws before it returns a promise', async () => {
    holds = {
      ...holds,
      extend() {
        throw new Error('closed');
      },
    };
    expect(await around(write)).toBe('written');
  });
});

describe('seats that belong to another order', () => {
  test('it names those that are held, and quotes and releases nothing', async () => {
    answer = { outcome: 'taken', seatIds: [b] };
    sold = [b];
    expect(await refusalOf(around(write))).toEqual({
      code: 'seats_taken',
      detail: 'Already taken: B. Choose other seats.',
      seatIds: [b],
    });
    expect(events).toEqual([HELD]);
  });

  test('it names those that the database refuses, and releases the hold', async () => {
    sold = [b];
    expect(await refusalOf(around(() => fail(SEAT_TAKEN)))).toEqual({
      code: 'seats_taken',
      detail: 'Already taken: B. Choose other seats.',
      seatIds: [b],
    });
    expect(events.at(-1)).toBe(RELEASED);
  });

  test('it names all of them when the seat that the database refused is free again', async () => {
    expect(await refusalOf(around(() => fail(SEAT_TAKEN)))).toMatchObject({ code: 'seats_taken', seatIds: [a, b] });
  });

  test('it names those that a seating service refuses when they are sold', async () => {
    sold = [a];
    seating = { ...seating, agree: async () => ({ outcome: 'refused', message: 'Some seat is booked.' }) };
    expect(await refusalOf(around(write))).toMatchObject({ code: 'seats_taken', seatIds: [a] });
    expect(events.at(-1)).toBe(RELEASED);
  });
});

test('a seating service’s own message is used when it refuses seats that are not sold', async () => {
  seating = { ...seating, quote: async () => ({ outcome: 'refused', message: 'The sale has ended.' }) };
  expect(await refusalOf(around(write))).toMatchObject({ code: 'seats_refused', detail: 'The sale has ended.' });
  expect(events.at(-1)).toBe(RELEASED);
});

describe('organiser-of-another: a session of another event or organisation', () => {
  test.each([
    ['event', { eventId: as<EventId>('other') }],
    ['organisation', { organizationId: as<OrganizationId>('other') }],
  ])('it is refused, and its seats are released: another %s', async (_name, other) => {
    place = { ...request, ...other };
    expect(await refusalOf(around(write))).toMatchObject({ code: 'session_mismatch' });
    expect(events.at(-1)).toBe(RELEASED);
    expect(events).not.toContain('write A,B');
  });

  test('an order that was written before is asked for with the organisation of its session, whatever its own is', async () => {
    const asked: string[] = [];
    const { quote, agree } = seating;
    seating = {
      quote: (of) => quote(of).finally(() => asked.push(`quote ${of.organizationId}`)),
      agree: (of) => agree(of).finally(() => asked.push(`agree ${of.organizationId}`)),
    };
    const stored = { ...request, organizationId: as<OrganizationId>('zero') };
    const seats = () => new HoldSeats({ database, clock: { now: () => NOW } }, { seating, holds, catalogue });
    const work = { request: stored, orderId, isOfStoredOrder: true, write, heldUntil: () => END };
    expect(await seats().around(work)).toBe('written');
    expect(asked).toEqual(['quote organization', 'agree organization']);
    place = undefined;
    await seats().around(work);
    expect(asked.slice(2)).toEqual(['quote zero', 'agree zero']);
    place = { ...request, eventId: as<EventId>('other') };
    expect(await refusalOf(seats().around(work))).toMatchObject({ code: 'session_mismatch' });
  });

  test('it is left to the seating services when the catalogue does not have the session', async () => {
    place = undefined;
    expect(await around(write)).toBe('written');
  });
});

import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEMO_USERS } from '../../../src/embedded/demo-accounts.ts';
import { demoCatalogue } from '../../../src/embedded/venue/demo-catalogue.ts';
import { seatsOf } from '../../../src/embedded/venue/venue.model.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { Currency } from '../../../src/kernel/money.ts';
import { openVenue, SERVICE_TOKEN, VENUE_CURRENCY, VENUE_NOW, venueCatalogue } from '../../support/embedded-venue.ts';
import { testFolder } from '../../support/folders.ts';
import { call } from '../../support/test-app.ts';

const { catalogue, concert, theatre, night, secondNight } = venueCatalogue();
const seats = seatsOf(night).filter(({ isReserved }) => !isReserved);
const token = SERVICE_TOKEN;
const seatIds = (count: number) => seats.slice(0, count).map(({ id }) => id);

const request = (changes: object = {}) => ({
  session_id: night.id,
  event_id: concert.id,
  organization_id: catalogue.organization.id,
  seat_ids: seatIds(2),
  ...changes,
});
const discountId = (code: string) => concert.discounts.find((discount) => discount.code === code)?.id;
const status = (state: string, ids: readonly string[]) =>
  JSON.stringify({ session_id: night.id, seat_ids: ids, status: state });
const validate = (url: string, side: 'query' | 'seating', body: unknown) =>
  call(url, 'POST', `/api/event-${side}/internal/v1/validate-pre-order`, { token, body });

describe('validating an order', () => {
  test('it quotes the seats in the requested order, and the discount', async () => {
    const { url } = await openVenue();
    const ids = seatIds(3).toReversed();
    const { status: code, body } = await validate(
      url,
      'query',
      request({ seat_ids: ids, discount_id: discountId('EARLY10') }),
    );
    expect(code).toBe(200);
    expect(body.seats.map(({ seatId }: { seatId: string }) => seatId)).toEqual(ids);
    expect(body.seats[0]).toEqual({
      seatId: ids[0],
      label: expect.any(String),
      tier: { id: expect.any(String), name: 'VIP', price: 12_500, color: '#FFD700' },
    });
    expect(body.discount).toMatchObject({
      code: 'EARLY10',
      parameters: { type: 'PERCENTAGE', percentage: 10, maxDiscount: 5_000 },
      active: true,
    });
    for (const none of [{}, { discount_id: null }, { discount_id: '' }]) {
      expect((await validate(url, 'query', request(none))).body.discount).toBeNull();
    }
    expect(await validate(url, 'seating', request())).toMatchObject({ status: 200, text: '' });
  });

  test.each([
    ['another event', { event_id: theatre.id }, 'There is no such session of this event.'],
    ['an unknown event', { event_id: 'none' }, 'There is no such event.'],
    ['another organisation', { organization_id: 'none' }, 'There is no such event.'],
    ['an unknown seat', { seat_ids: ['Z99'] }, 'There is no seat Z99 in this session.'],
    ['a seat of another session', { session_id: secondNight.id }, /^There is no seat .+ in this session\.$/],
    [
      'a seat reserved by the organiser',
      {
        seat_ids: seatsOf(night)
          .filter(({ isReserved }) => isReserved)
          .map(({ id }) => id),
      },
      'Seat A1 is not available.',
    ],
    ['an unknown discount', { discount_id: 'none' }, 'There is no such discount for this event.'],
    ['a paused discount', { discount_id: discountId('PAUSED') }, 'The discount is not active.'],
    ['an expired discount', { discount_id: discountId('LASTYEAR') }, 'The discount has expired.'],
    ['a discount that is not valid yet', { discount_id: discountId('NOTYET') }, 'The discount is not valid yet.'],
  ])('it refuses %s', async (_name, changes, message) => {
    const { url } = await openVenue();
    for (const side of ['query', 'seating'] as const) {
      const answer = await validate(url, side, request(changes));
      expect(answer.status).toBe(400);
      expect(answer.body.message).toMatch(message);
    }
  });

  test.each(theatre.sessions.filter((session) => session.status !== 'ON_SALE'))(
    'it refuses a session that is $status',
    async (session) => {
      const { url } = await openVenue();
      const closed = { session_id: session.id, event_id: theatre.id, seat_ids: [seatsOf(session)[0]?.id] };
      expect(await validate(url, 'query', request(closed))).toMatchObject({
        status: 400,
        body: { message: 'This session is not on sale.' },
      });
    },
  );
});

describe('the status of a seat', () => {
  test('it refuses new quotes while held and all requests once sold, none when free again, and outlives a restart', async () => {
    const folder = await testFolder();
    const { url, venue } = await openVenue({ dataDir: folder });
    const both = async (at: string) => [
      (await validate(at, 'query', request())).status,
      (await validate(at, 'seating', request())).status,
    ];
    await venue.takeSeatStatus(status('LOCKED', seatIds(1)));
    expect(await both(url)).toEqual([400, 200]);
    await venue.takeSeatStatus(status('BOOKED', seatIds(1)));
    expect(await both(url)).toEqual([400, 400]);
    const map = await call(url, 'GET', `/api/event-query/v1/sessions/${night.id}/seating-map`);
    const shown = map.body.layout.blocks.flatMap(
      (block: { rows?: { seats: { status: string }[] }[] }) => block.rows?.flatMap((row) => row.seats) ?? [],
    );
    expect(Object.groupBy(shown, (seat: { status: string }) => seat.status)).toMatchObject({
      BOOKED: { length: 1 },
      RESERVED: { length: 4 },
    });

    await appendFile(join(folder, 'seats.jsonl'), '{"key":"torn');
    const again = await openVenue({ dataDir: folder });
    expect(await both(again.url)).toEqual([400, 400]);
    await again.venue.takeSeatStatus(status('AVAILABLE', seatIds(1)));
    expect(await both(again.url)).toEqual([200, 200]);
  });

  test('it is ignored for an unknown session or seat', async () => {
    const folder = await testFolder();
    const { url, venue } = await openVenue({ dataDir: folder });
    const stored = () => readFile(join(folder, 'seats.jsonl'), 'utf8').catch(() => '');
    const before = await stored();
    const [first = '', second = ''] = seatIds(2);
    await venue.takeSeatStatus(JSON.stringify({ session_id: 'none', seat_ids: [first], status: 'BOOKED' }));
    await venue.takeSeatStatus(status('BOOKED', ['none']));
    expect(await stored()).toBe(before);
    expect((await validate(url, 'query', request())).status).toBe(200);
    // Known seats beside an unknown one are not ignored.
    await venue.takeSeatStatus(status('BOOKED', ['none', first]));
    expect(await stored()).not.toContain('none');
    const statusOf = async (seatId: string) => (await validate(url, 'query', request({ seat_ids: [seatId] }))).status;
    expect([await statusOf(first), await statusOf(second)]).toEqual([400, 200]);
  });
});

describe('ownership and roles', () => {
  const { organiser, scanner, buyer } = DEMO_USERS;
  test.each([
    [`events/verify-ownership?eventId=${concert.id}&userId=${organiser.sub}`, true],
    [`events/verify-ownership?eventId=${concert.id}&userId=${buyer.sub}`, false],
    [`events/verify-ownership?eventId=none&userId=${organiser.sub}`, false],
    [`sessions/verify-ownership?sessionId=${night.id}&userId=${organiser.sub}`, true],
    [`sessions/verify-ownership?sessionId=none&userId=${organiser.sub}`, false],
    [`organizations/verify-ownership?organizationId=${catalogue.organization.id}&userId=${organiser.sub}`, true],
    [`organizations/verify-ownership?organizationId=none&userId=${organiser.sub}`, false],
    [`sessions/verify-role?sessionId=${night.id}&userId=${scanner.sub}&role=SCANNER`, true],
    [`sessions/verify-role?sessionId=${night.id}&userId=${scanner.sub}&role=OWNER`, false],
    [`sessions/verify-role?sessionId=${night.id}&userId=${organiser.sub}&role=SCANNER`, false],
    [`sessions/verify-role?sessionId=none&userId=${scanner.sub}&role=SCANNER`, false],
  ])('%s is answered with %s', async (path, answer) => {
    const { url } = await openVenue();
    expect(await call(url, 'GET', `/api/event-seating/internal/v1/${path}`, { token })).toMatchObject({
      status: 200,
      text: String(answer),
    });
  });

  test('a batch of events is owned only if every event is', async () => {
    const { url } = await openVenue();
    const ask = (eventIds: readonly string[], userId: string) =>
      call(url, 'POST', '/api/event-seating/internal/v1/events/verify-batch-ownership', {
        token,
        body: { eventIds, userId },
      });
    expect((await ask([concert.id, theatre.id], organiser.sub)).status).toBe(200);
    expect((await ask([concert.id, 'none'], organiser.sub)).status).toBe(403);
    expect((await ask([concert.id], buyer.sub)).status).toBe(403);
  });

  test('nothing is answered without a service token', async () => {
    const { url } = await openVenue();
    for (const path of [
      '/api/event-query/internal/v1/validate-pre-order',
      '/api/event-seating/internal/v1/validate-pre-order',
    ]) {
      expect(await call(url, 'POST', path, { body: request() })).toMatchObject({ status: 401 });
      expect(await call(url, 'POST', path, { body: request(), token: 'a person’s'.slice(0, 1) })).toMatchObject({
        status: 401,
      });
    }
    expect(
      (
        await call(
          url,
          'GET',
          `/api/event-seating/internal/v1/sessions/verify-role?sessionId=${night.id}&userId=x&role=SCANNER`,
        )
      ).status,
    ).toBe(401);
  });
});

describe('the catalogue', () => {
  test('it has the shapes that pages read', async () => {
    const { url } = await openVenue();
    const get = async (path: string) => (await call(url, 'GET', `/api/event-query/v1/${path}`)).body;
    expect((await get('events/trending?limit=1'))[0]).toEqual({
      id: concert.id,
      title: 'Tides of Light',
      coverPhotoUrl: '',
      organizationName: 'Harbour Nights',
      organizationId: catalogue.organization.id,
      categoryName: 'Music',
      earliestSession: { startTime: '2026-12-15T19:00:00.000Z', venueName: 'Harbour Hall', city: 'Colombo' },
      startingPrice: 4_500,
      discounts: expect.any(Array),
    });
    expect(await get(`events/${concert.id}/basic-info`)).toMatchObject({
      tiers: [{ name: 'VIP' }, { name: 'Gold', price: 7_500.5 }, { name: 'Standing' }],
      category: { name: 'Music' },
    });
    expect(await get(`sessions/${night.id}/basic-info`)).toMatchObject({
      eventId: concert.id,
      status: 'ON_SALE',
      sessionType: 'PHYSICAL',
      venueDetails: { name: 'Harbour Hall' },
    });
    expect(await get(`events/${concert.id}/sessions?page=1&size=1`)).toMatchObject({
      content: [{ id: secondNight.id }],
      totalPages: 2,
      totalElements: 2,
      last: true,
      first: false,
      size: 1,
      number: 1,
      numberOfElements: 1,
      empty: false,
    });
    expect(await get('events/search?searchTerm=LIGHTHOUSE')).toMatchObject({
      totalElements: 1,
      content: [{ id: theatre.id }],
    });
    expect(await get('events/search?searchTerm=nothing&page=3')).toMatchObject({
      totalPages: 0,
      content: [],
      empty: true,
      last: true,
    });
    const codes = (await get(`events/${concert.id}/sessions/${secondNight.id}/discounts/public`)).map(
      ({ code }: { code: string }) => code,
    );
    expect(codes).toContain('EARLY10');
    expect(codes).not.toContain('FRIENDS');
    expect(codes).not.toContain('FIRSTNIGHT');
    expect(await get(`events/${concert.id}/sessions/${night.id}/discounts/code/friends`)).toMatchObject({
      code: 'FRIENDS',
      public: false,
    });
  });

  test.each([
    ['events/none/basic-info', 404],
    ['events/none/sessions', 404],
    ['sessions/none/basic-info', 404],
    ['sessions/none/seating-map', 404],
    ['sse/sessions/none/seat-status', 404],
    [`events/${concert.id}/sessions/${night.id}/discounts/code/NONE`, 404],
    [`events/${concert.id}/sessions?size=0`, 400],
    [`events/${concert.id}/sessions?page=-1`, 400],
    ['events/search?size=1000000', 400],
  ])('it answers %s with %i', async (path, code) => {
    const { url } = await openVenue();
    expect((await call(url, 'GET', `/api/event-query/v1/${path}`)).status).toBe(code);
  });
});

test('it is the same on any day, on sale every day, and has no id twice', () => {
  const idsOf = (day: ReturnType<typeof demoCatalogue>) =>
    day.events.flatMap((event) => [
      event.id,
      ...event.tiers.map(({ id }) => id),
      ...event.discounts.map(({ id }) => id),
      ...event.sessions.flatMap((session) => [session.id, ...seatsOf(session).map(({ id }) => id)]),
    ]);
  const expected = idsOf(catalogue);
  expect(new Set(expected).size).toBe(expected.length);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_000_000_000_000 }), (at) => {
      const day = demoCatalogue(instant(at), VENUE_CURRENCY);
      expect(idsOf(day)).toEqual(expected);
      for (const session of day.events
        .flatMap((event) => event.sessions)
        .filter(({ status: is }) => is === 'ON_SALE')) {
        expect(Date.parse(session.startTime)).toBeGreaterThan(at);
        expect(Date.parse(session.salesStartTime)).toBeLessThan(at);
      }
    }),
    { numRuns: 5 },
  );
});

test('its prices have no decimals where the currency has none', () => {
  const yen = demoCatalogue(VENUE_NOW, new Currency('jpy'));
  expect(yen.events.flatMap((event) => event.tiers).every(({ price }) => Number.isInteger(price))).toBe(true);
});

import { EventSource } from 'undici';
import { describe, expect, onTestFinished, test } from 'vitest';
import { seatsOf } from '../../../src/embedded/venue/venue.model.ts';
import { applyDiscount } from '../../../src/features/pricing/discount.ts';
import { type DiscountJson, DiscountReader } from '../../../src/features/pricing/discount-json.ts';
import { Currency, type Money } from '../../../src/kernel/money.ts';
import { openVenue, SERVICE_TOKEN, VENUE_CURRENCY, VENUE_NOW, venueCatalogue } from '../../support/embedded-venue.ts';
import { until } from '../../support/servers.ts';
import { call } from '../../support/test-app.ts';

const { concert, theatre, webinar, arena, night, catalogue } = venueCatalogue();
const BASE = '/api/event-query/v1';

/**
 * The fields of an object, with those of nested objects after a dot; a list is described by its first
 * element.
 */
function fieldsOf(value: unknown, depth = 1): string[] {
  if (Array.isArray(value)) return fieldsOf(value[0], depth);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const below = depth > 0 ? fieldsOf(inner, depth - 1).map((each) => `${name}.${each}`) : [];
    return [name, ...below];
  });
}

describe('seat-stream: the event stream of seats', () => {
  test('it answers no HEAD request, which would be a stream without a reader', async () => {
    const { url } = await openVenue();
    const address = `${BASE}/sse/sessions/${night.id}/seat-status`;
    expect((await call(url, 'HEAD', address)).status).toBe(404);
  });

  test.each(['LOCKED', 'BOOKED', 'AVAILABLE', 'RESERVED'])(
    'it names an event %s, so that a page that listens by name receives it',
    async (status) => {
      const { url, venue } = await openVenue();
      const source = new EventSource(`${url}${BASE}/sse/sessions/${night.id}/seat-status`);
      onTestFinished(() => source.close());
      const received: { type: string; data: unknown }[] = [];
      for (const name of ['LOCKED', 'BOOKED', 'AVAILABLE', 'RESERVED', 'message', 'seat-status']) {
        source.addEventListener(name, (event) => {
          received.push({ type: event.type, data: JSON.parse(String((event as MessageEvent).data)) });
        });
      }
      await until('the stream is open', () => source.readyState === EventSource.OPEN);
      const seatIds = seatsOf(night)
        .slice(10, 12)
        .map(({ id }) => id);
      await venue.takeSeatStatus(JSON.stringify({ session_id: night.id, seat_ids: seatIds, status }));
      await until('the event is received', () => received.length > 0);
      expect(received).toEqual([{ type: status, data: { seatIds, status } }]);
    },
  );

  test('it ignores an unknown status, whatever text it contains', async () => {
    const { url, venue, get } = await openVenue();
    const response = await fetch(`${url}${BASE}/sse/sessions/${night.id}/seat-status`);
    const [seat] = seatsOf(night).slice(10);
    const publish = (status: string) =>
      venue.takeSeatStatus(JSON.stringify({ session_id: night.id, seat_ids: [seat?.id], status }));
    await publish('MISSING');
    await publish('BOOKED\ndata: {}\n\nevent: LOCKED');
    await publish('LOCKED');
    let received = '';
    for await (const chunk of response.body ?? []) {
      received += Buffer.from(chunk).toString();
      if (received.includes('data:')) break;
    }
    expect(received.match(/^event: .*$/gm)).toEqual(['event: LOCKED']);
    expect((await get(`sessions/${night.id}/seating-map`)).text).not.toContain('MISSING');
  });
});

describe('sessions-in-range: the sessions of an event between two dates', () => {
  // The concert is at 19:00 on the 15th and the 16th of December.
  test.each([
    ['no dates', '', 2],
    ['days at both ends', 'fromDate=2026-12-15&toDate=2026-12-16', 2],
    ['the whole last day', 'fromDate=2026-12-15&toDate=2026-12-15', 1],
    ['timestamps, as pages write them', 'fromDate=2026-12-15T19:00:00.000Z&toDate=2026-12-16T19:00:00.000Z', 2],
    ['a start a moment too late', 'fromDate=2026-12-15T19:00:00.001Z&toDate=2027-01-01', 1],
    ['an end a moment too early', 'fromDate=2026-11-01&toDate=2026-12-15T18:59:59Z', 0],
    ['another time zone', 'fromDate=2026-12-16T00:30:00%2B05:30&toDate=2026-12-16T00:30:00%2B05:30', 1],
    ['a time without a zone', 'fromDate=2026-12-16T19:00:00', 1],
    ['one end only', 'toDate=2026-12-15', 1],
    ['an empty end', 'fromDate=&toDate=2026-12-15', 1],
    ['an end before the beginning', 'fromDate=2026-12-17&toDate=2026-12-14', 0],
  ])('it answers a list for %s', async (_name, query, count) => {
    const { get } = await openVenue();
    const { status, body } = await get(`events/${concert.id}/sessions/sessions-in-range?${query}`);
    expect({ status, count: body.length }).toEqual({ status: 200, count });
  });

  test('it gives each session exactly as the other calls do, earliest first', async () => {
    const { get } = await openVenue();
    for (const event of [concert, theatre, webinar]) {
      const { body } = await get(`events/${event.id}/sessions/sessions-in-range`);
      const starts = body.map(({ startTime }: { startTime: string }) => startTime);
      expect(starts).toEqual(starts.toSorted());
      const paged = (await get(`events/${event.id}/sessions?sort=startTime,asc`)).body.content;
      expect(body).toEqual(paged);
      for (const session of body) {
        expect((await get(`sessions/${session.id}/basic-info`)).body).toEqual(session);
      }
    }
  });

  test.each([
    ['fromDate=yesterday', 'fromDate is not a date: write 2026-12-15 or 2026-12-15T19:30:00Z.'],
    ['toDate=2026-02-30', 'toDate is not a date: write 2026-12-15 or 2026-12-15T19:30:00Z.'],
    ['fromDate=2026-12-15T25:00:00Z', 'fromDate is not a date: write 2026-12-15 or 2026-12-15T19:30:00Z.'],
    ['fromDate=1765825200000', 'fromDate is not a date: write 2026-12-15 or 2026-12-15T19:30:00Z.'],
  ])('it refuses %s with a reason', async (query, message) => {
    const { get } = await openVenue();
    const answer = await get(`events/${concert.id}/sessions/sessions-in-range?${query}`);
    expect(answer).toMatchObject({ status: 400, body: { message } });
  });

  test('it reports no sessions for an unknown event', async () => {
    const { get } = await openVenue();
    expect(await get('events/none/sessions/sessions-in-range')).toMatchObject({
      status: 404,
      body: { message: 'There is no such event.' },
    });
  });
});

describe('catalogue-lists: the lists that pages show', () => {
  test('it counts every session', async () => {
    const { get } = await openVenue();
    expect((await get('events/sessions/count')).body).toEqual({ totalSessions: 7 });
  });

  test('it lists categories with their parents, and the parents alone', async () => {
    const { get } = await openVenue();
    const { body: all } = await get('categories');
    const { body: parents } = await get('categories/parents');
    expect(parents).toEqual([
      { id: expect.any(String), name: 'On stage' },
      { id: expect.any(String), name: 'Learning' },
    ]);
    expect(all).toEqual([
      ...parents,
      ...[
        ['Music', parents[0]],
        ['Theatre', parents[0]],
        ['Talks', parents[1]],
        ['Tests', parents[1]],
      ].map(([name, parent]) => ({ id: expect.any(String), name, parentId: parent.id, parentName: parent.name })),
    ]);
    for (const event of catalogue.events) {
      const { category } = (await get(`events/${event.id}/basic-info`)).body;
      const listed = all.find(({ id }: { id: string }) => id === category.id);
      expect(category).toEqual({ id: listed.id, name: listed.name, parentName: listed.parentName });
    }
  });
});

describe('search', () => {
  const idOf = (name: string) => catalogue.categories.find((each) => each.name === name)?.id;
  const titles = (...events: readonly { title: string }[]) => events.map(({ title }) => title);

  test.each<[string, string, string[]]>([
    ['no parameter', '', titles(concert, theatre, webinar, arena)],
    ['a category', `categoryId=${idOf('Music')}`, titles(concert)],
    ['a parent category', `categoryId=${idOf('On stage')}`, titles(concert, theatre)],
    ['an unknown category', 'categoryId=none', []],
    ['a place', 'longitude=79.86&latitude=6.93&radiusKm=10', titles(concert)],
    ['a wider place', 'longitude=79.86&latitude=6.93&radiusKm=120', titles(concert, theatre)],
    ['a place without a radius', 'longitude=79.86&latitude=6.93', titles(concert)],
    ['a radius without a place', 'radiusKm=10', titles(concert, theatre, webinar, arena)],
    ['an exact place', 'longitude=0&latitude=0&radiusKm=0', titles(arena)],
    ['a place across the date line', 'longitude=-180&latitude=0&radiusKm=1', []],
    ['a day', 'dateFrom=2026-12-03&dateTo=2026-12-03', titles(theatre)],
    ['a first day', 'dateFrom=2026-12-20', titles(theatre, arena)],
    ['a last moment', 'dateTo=2026-11-29T19:00:00Z', titles(theatre, webinar)],
    [
      'the place and the day of different sessions',
      'dateFrom=2026-12-15&dateTo=2026-12-16&longitude=80.6&latitude=7.3',
      [],
    ],
    ['a minimum price', 'priceMin=5000', titles(concert)],
    ['a maximum price', 'priceMax=1000', titles(webinar, arena)],
    ['a free price', 'priceMin=0&priceMax=0', titles(webinar)],
    ['a price between two tiers', 'priceMin=2000&priceMax=3000', []],
    ['a price with decimals', 'priceMin=7500.5&priceMax=7500.5', titles(concert)],
    [
      'all parameters together',
      `searchTerm=lIgHt&categoryId=${idOf('On stage')}&priceMax=2000&dateFrom=2026-11-25`,
      titles(theatre),
    ],
    [
      'empty parameters',
      'searchTerm=&categoryId=&longitude=&latitude=&priceMin=&dateTo=',
      titles(concert, theatre, webinar, arena),
    ],
  ])('it searches by %s', async (_name, query, expected) => {
    const { get } = await openVenue();
    const { status, body } = await get(`events/search?${query}`);
    expect(status, JSON.stringify(body)).toBe(200);
    expect(titles(...body.content)).toEqual(expected);
    expect(body).toMatchObject({ totalElements: expected.length, numberOfElements: expected.length });
  });

  test.each<[string, string[]]>([
    ['sessions.startTime,asc', titles(theatre, webinar, concert, arena)],
    ['sessions.startTime,desc', titles(arena, theatre, concert, webinar)],
    ['sessions.startTime', titles(theatre, webinar, concert, arena)],
    ['title,ASC', titles(webinar, arena, theatre, concert)],
    ['startingPrice,desc', titles(concert, theatre, arena, webinar)],
    ['createdAt,desc', titles(concert, theatre, webinar, arena)],
    ['constructor', titles(concert, theatre, webinar, arena)],
  ])('it sorts by %s before it cuts pages', async (sort, expected) => {
    const { get } = await openVenue();
    const page = async (number: number) => (await get(`events/search?size=3&page=${number}&sort=${sort}`)).body;
    const [first, second] = [await page(0), await page(1)];
    expect(titles(...first.content, ...second.content)).toEqual(expected);
    expect(first).toMatchObject({
      totalPages: 2,
      totalElements: 4,
      first: true,
      last: false,
      number: 0,
      size: 3,
    });
    expect(second).toMatchObject({ numberOfElements: 1, first: false, last: true, number: 1, empty: false });
  });

  test.each([
    'longitude=181&latitude=0',
    'longitude=0&latitude=91',
    'longitude=0',
    'latitude=0&radiusKm=5',
    'longitude=east&latitude=0',
    'longitude=0&latitude=0&radiusKm=-1',
    'longitude=0&latitude=0&radiusKm=1e99',
    'priceMin=cheap',
    'priceMax=-1',
    'priceMin=NaN',
    'priceMin=1&priceMin=2',
    'dateFrom=soon',
    'dateTo=2026-13-01',
    `categoryId=${'x'.repeat(100)}`,
    'page=-1',
    'page=one',
    'size=0',
  ])('it refuses %s with a message', async (query) => {
    const { get } = await openVenue();
    expect(await get(`events/search?${query}`)).toMatchObject({
      status: 400,
      body: { message: expect.stringMatching(/\w{4}/) },
    });
  });
});

describe('shapes: every path to a resource returns the fields of the contract', () => {
  const PAGE = 'content totalPages totalElements last size number first numberOfElements empty'.split(' ');
  const CARD =
    'id title coverPhotoUrl organizationName organizationId categoryName earliestSession earliestSession.startTime earliestSession.venueName earliestSession.city startingPrice discounts'.split(
      ' ',
    );
  const SESSION =
    'id eventId organizationId startTime endTime salesStartTime status sessionType venueDetails discounts'.split(' ');
  const DISCOUNT =
    'id code parameters activeFrom expiresAt maxUsage currentUsage applicableTiers applicableSessionIds active public'.split(
      ' ',
    );
  const top = (fields: readonly string[]) => fields.filter((name) => !name.includes('.')).toSorted();

  test('it serves cards, pages, events and sessions with these and no other fields', async () => {
    const { get } = await openVenue();
    expect(top(fieldsOf((await get('events/trending')).body))).toEqual(top(CARD));
    const page = (await get('events/search')).body;
    expect(top(Object.keys(page))).toEqual(PAGE.toSorted());
    for (const card of page.content) {
      expect(top(Object.keys(card))).toEqual(top(CARD));
      expect(fieldsOf(card.earliestSession).toSorted()).toEqual(['city', 'startTime', 'venueName']);
      const info = (await get(`events/${card.id}/basic-info`)).body;
      expect(top(Object.keys(info))).toEqual(
        'availableDiscounts category coverPhotos description id organization overview tiers title'.split(' '),
      );
      const sessions = (await get(`events/${card.id}/sessions`)).body;
      expect(top(Object.keys(sessions))).toEqual(PAGE.toSorted());
      for (const session of sessions.content) {
        expect(top(Object.keys(session))).toEqual(SESSION.toSorted());
        const { sessionType, venueDetails } = session;
        expect(fieldsOf(venueDetails, 0).toSorted()).toEqual(
          sessionType === 'ONLINE' ? ['name', 'onlineLink'] : ['address', 'location', 'name'],
        );
        if (sessionType === 'PHYSICAL') {
          expect(venueDetails.location).toEqual({
            type: 'Point',
            coordinates: [expect.any(Number), expect.any(Number)],
          });
        }
      }
    }
  });

  test.each(['lkr', 'usd', 'jpy', 'kwd'])(
    'it serves every discount completely, with the currency of its amounts (%s) and the tiers it applies to',
    async (code) => {
      const { url, get } = await openVenue({ currency: new Currency(code) });
      const info = (await get(`events/${concert.id}/basic-info`)).body;
      const card = (await get('events/trending')).body[0];
      const sessions = (await get(`events/${concert.id}/sessions`)).body.content;
      const range = (await get(`events/${concert.id}/sessions/sessions-in-range`)).body;
      const ofSession = (await get(`events/${concert.id}/sessions/${night.id}/discounts/public`)).body;
      const byCode = await Promise.all(
        concert.discounts.map(
          async (each) => (await get(`events/${concert.id}/sessions/${night.id}/discounts/code/${each.code}`)).body,
        ),
      );
      const quoted = await Promise.all(
        ['FLAT500', 'VIPONLY', 'EARLY10'].map(async (each) => {
          const { body } = await call(url, 'POST', '/api/event-query/internal/v1/validate-pre-order', {
            token: SERVICE_TOKEN,
            body: {
              session_id: night.id,
              event_id: concert.id,
              organization_id: catalogue.organization.id,
              seat_ids: seatsOf(night)
                .slice(10, 12)
                .map(({ id }) => id),
              discount_id: concert.discounts.find((discount) => discount.code === each)?.id,
            },
          });
          return body.discount;
        }),
      );
      const lists = [info.availableDiscounts, card.discounts, ofSession, byCode, quoted];
      for (const session of [...sessions, ...range]) lists.push(session.discounts);
      const tiers: string[] = info.tiers.map(({ id }: { id: string }) => id);
      for (const list of lists) {
        expect(list.length).toBeGreaterThan(2);
        for (const discount of list) {
          expect(Object.keys(discount).toSorted()).toEqual(DISCOUNT.toSorted());
          const { type, currency } = discount.parameters;
          expect(currency).toBe(type === 'FLAT_OFF' ? code.toUpperCase() : undefined);
          const named: string[] = discount.applicableTiers.map(({ id }: { id: string }) => id);
          expect(named.length).toBeGreaterThan(0);
          expect(tiers).toEqual(expect.arrayContaining(named));
        }
      }
    },
  );

  test('it finds no discount by a code in a session of another event', async () => {
    const { get } = await openVenue();
    const [premiere] = theatre.sessions;
    for (const sessionId of ['none', premiere?.id]) {
      const answer = await get(`events/${concert.id}/sessions/${sessionId}/discounts/code/FLAT500`);
      expect(answer).toMatchObject({ status: 404 });
    }
  });
});

describe('discount-tiers: the page computes what the order is charged', () => {
  /** The front end’s discount: only seats of the tiers that the discount names count. */
  function asPagesDo(discount: DiscountJson, prices: readonly { tier: string; price: number }[]): number {
    const named = new Set((discount.applicableTiers ?? []).map(({ id }) => id));
    const its = prices.filter(({ tier }) => named.has(tier)).map(({ price }) => price);
    const sum = its.reduce((total, price) => total + price, 0);
    const { type, amount, percentage, maxDiscount, buyQuantity, getQuantity } = discount.parameters;
    if (type === 'FLAT_OFF') return Math.min(Number(amount), sum);
    if (type === 'PERCENTAGE') {
      return Math.min((sum * Number(percentage)) / 100, Number(maxDiscount ?? Number.POSITIVE_INFINITY));
    }
    const free = Math.floor(its.length / Number(buyQuantity)) * Number(getQuantity);
    return its
      .toSorted((a, b) => a - b)
      .slice(0, free)
      .reduce((total, price) => total + price, 0);
  }

  test('it takes the same amount off as the page shows, for seats of every tier', async () => {
    const { get } = await openVenue();
    const { body: offered } = await get(`events/${concert.id}/sessions/${night.id}/discounts/public`);
    const [front, left] = [seatsOf(night).slice(10, 13), seatsOf(night).slice(500, 502)];
    const seats = [...front, ...left].map(({ id, label, tier }) => ({
      seatId: id,
      label,
      tier,
      price: VENUE_CURRENCY.fromMajor(tier.price) as Money,
    }));
    const usable = ['EARLY10', 'FLAT500', 'THREEFORTWO', 'VIPONLY', 'FIRSTNIGHT', 'LUCKY3'];
    const found = offered.filter(({ code }: { code: string }) => usable.includes(code));
    expect(found.map(({ code }: { code: string }) => code)).toEqual(usable);
    for (const wire of found as DiscountJson[]) {
      const discount = new DiscountReader(VENUE_CURRENCY).read(wire);
      if ('unreadable' in discount) throw new Error(discount.unreadable);
      const page = asPagesDo(
        wire,
        seats.map(({ tier, price }) => ({ tier: tier.id, price: price / 100 })),
      );
      expect(page).toBeGreaterThan(0);
      expect(applyDiscount(discount, seats, night.id, VENUE_NOW)).toEqual({
        outcome: 'applies',
        amount: Math.round(page * 100),
      });
    }
  });
});

import { randomUUID } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createCatalogue } from '../../../src/features/catalogue/catalogue.ts';
import { instant, later } from '../../../src/kernel/clock.ts';
import { AppError } from '../../../src/kernel/errors.ts';
import { as, type SessionId } from '../../../src/kernel/ids.ts';
import type { ServiceAnswer } from '../../../src/platform/http/service-client.ts';

const FRESH_MS = 60_000;
const eventId = randomUUID();
const organizationId = randomUUID();

const SESSION = {
  eventId,
  organizationId,
  startTime: '2026-12-15T19:30:00+05:30',
  endTime: '2026-12-15T16:00:00Z',
  venueDetails: { name: 'Hall', address: null },
};

/** The seating service, with its answers and a count of the questions. */
function service(answer: (path: string) => ServiceAnswer) {
  const asked: string[] = [];
  const get = async (path: string) => {
    asked.push(path);
    return answer(path);
  };
  return { asked, get };
}

const ok = (body: unknown): ServiceAnswer => ({ outcome: 'ok', body });
const known = (title: string) => (path: string) => ok(path.startsWith('/v1/events/') ? { title } : SESSION);
const unavailable = () => new AppError('seating_unavailable', 'unavailable');
const newSession = () => as<SessionId>(randomUUID());

let now = instant(Date.parse('2026-12-01T00:00:00Z'));
const catalogueOf = (query: ReturnType<typeof service>) =>
  createCatalogue({ clock: { now: () => now }, watch: (_name, port) => port }, { eventQuery: query });
const pass = (ms: number) => {
  now = later(now, ms);
};

test('a session has its event’s name, its times as instants, and the known parts of its venue', async () => {
  const sessionId = newSession();
  expect(await catalogueOf(service(known('Tides'))).session(sessionId)).toEqual({
    sessionId,
    eventId,
    organizationId,
    title: 'Tides',
    startsAt: Date.parse('2026-12-15T14:00:00Z'),
    endsAt: Date.parse('2026-12-15T16:00:00Z'),
    venue: { name: 'Hall', address: undefined, onlineLink: undefined },
  });
});

test('a session is fetched once for all concurrent callers, and again when it is no longer fresh', async () => {
  const query = service(known('Tides'));
  const catalogue = catalogueOf(query);
  const sessionId = newSession();
  await Promise.all(Array.from({ length: 50 }, () => catalogue.session(sessionId)));
  await catalogue.session(sessionId);
  expect(query.asked).toHaveLength(2);
  pass(FRESH_MS + 1_000);
  await catalogue.session(sessionId);
  expect(query.asked).toHaveLength(4);
});

describe('while the seating service is unavailable', () => {
  test('a session that was fetched before is still served', async () => {
    let isDown = false;
    const query = service((path) => {
      if (isDown) throw unavailable();
      return known('Tides')(path);
    });
    const catalogue = catalogueOf(query);
    const sessionId = newSession();
    await catalogue.session(sessionId);
    isDown = true;
    pass(FRESH_MS + 1_000);
    expect(await catalogue.session(sessionId)).toMatchObject({ title: 'Tides' });
    expect(query.asked).toHaveLength(3);
  });

  test('a session that was not fetched before is asked for again', async () => {
    let isDown = true;
    const catalogue = catalogueOf(
      service((path) => {
        if (isDown) throw unavailable();
        return known('Tides')(path);
      }),
    );
    const sessionId = newSession();
    await expect(catalogue.session(sessionId)).rejects.toMatchObject({ code: 'seating_unavailable' });
    isDown = false;
    expect(await catalogue.session(sessionId)).toMatchObject({ title: 'Tides' });
  });
});

test('a session that does not exist is reported as missing, and can be found later', async () => {
  let isThere = false;
  const refused: ServiceAnswer = { outcome: 'refused', message: 'no' };
  const catalogue = catalogueOf(service((path) => (isThere ? known('New')(path) : refused)));
  const sessionId = newSession();
  expect(await catalogue.session(sessionId)).toBeUndefined();
  isThere = true;
  expect(await catalogue.session(sessionId)).toMatchObject({ title: 'New' });
});

test('a time without a zone is UTC, whatever the zone of the machine is', async () => {
  const zone = process.env.TZ;
  process.env.TZ = 'Asia/Colombo';
  onTestFinished(() => {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  });
  const local = { ...SESSION, startTime: '2026-12-18T19:00:00', endTime: '2026-12-18T22:00:00' };
  const query = service((path) => ok(path.startsWith('/v1/events/') ? { title: 'x' } : local));
  expect(await catalogueOf(query).session(newSession())).toMatchObject({
    startsAt: Date.UTC(2026, 11, 18, 19),
    endsAt: Date.UTC(2026, 11, 18, 22),
  });
});

test('whose a session is, is asked once for all orders, also while there is no such session', async () => {
  let isThere = false;
  const refused: ServiceAnswer = { outcome: 'refused', message: 'no' };
  const query = service(() => (isThere ? ok({ eventId: eventId.toUpperCase(), organizationId }) : refused));
  const catalogue = catalogueOf(query);
  const sessionId = newSession();
  const ask = () => Promise.all(Array.from({ length: 20 }, () => catalogue.place(sessionId)));
  expect(new Set(await ask())).toEqual(new Set([undefined]));
  expect(await catalogue.place(sessionId)).toBeUndefined();
  expect(query.asked).toHaveLength(1);
  isThere = true;
  pass(1_001);
  expect((await ask())[0]).toEqual({ eventId, organizationId });
  pass(FRESH_MS - 1);
  await ask();
  expect(query.asked).toHaveLength(2);
});

test.each<[string, unknown, unknown]>([
  ['no session', null, { title: 'x' }],
  ['a session without a time', { ...SESSION, startTime: 'soon' }, { title: 'x' }],
  ['a day that no month has', { ...SESSION, startTime: '2026-02-30T19:00:00Z' }, { title: 'x' }],
  ['a session of no event', { ...SESSION, eventId: '../x' }, { title: 'x' }],
  ['an event without a name', SESSION, {}],
])('an answer with %s cannot be used', async (_name, session, event) => {
  const catalogue = catalogueOf(service((path) => ok(path.startsWith('/v1/events/') ? event : session)));
  await expect(catalogue.session(newSession())).rejects.toMatchObject({ code: 'seating_unavailable' });
});

import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';

let platform: PlatformApp;
let organiser: string;
/** An event of the organiser's own, with a session of its own. */
const mine = { event_id: randomUUID(), session_id: randomUUID(), organization_id: randomUUID() };

beforeAll(async () => {
  platform = await startPlatformApp();
  const sub = randomUUID();
  organiser = await platform.token(sub);
  for (const id of Object.values(mine)) platform.seating.owners.set(id, sub);
  platform.seating.sessions.set(mine.session_id, {
    title: 'Another event',
    eventId: mine.event_id,
    organizationId: mine.organization_id,
    startTime: '2026-12-15T19:30:00Z',
  });
});

const post = (path: string, body: object) => platform.app.call('POST', path, { token: organiser, body });
const ticketsOf = (seat: string) => platform.app.sql('SELECT FROM tickets WHERE seat_id = $1', [seat]);
const MISMATCH = { status: 400, body: { code: 'session_mismatch' } };

describe('organiser-of-another: a session of another event, with services that do not compare', () => {
  test.each([
    ['event', { event_id: mine.event_id }],
    ['organisation', { organization_id: mine.organization_id }],
    ['event and organisation', { event_id: mine.event_id, organization_id: mine.organization_id }],
    ['event, in capitals', { event_id: mine.event_id.toUpperCase() }],
  ])('it is not sold under the buyer’s own %s, and the seat stays free', async (_name, own) => {
    const seat = randomUUID();
    expect(await post('/api/order', { ...platform.request([seat]), ...own })).toMatchObject(MISMATCH);
    expect(await ticketsOf(seat)).toEqual([]);
    expect(await post('/api/order', platform.request([seat]))).toMatchObject({ status: 201 });
  });

  test('it is sold under its own event in any spelling, also one that was in the body in capitals', async () => {
    const { event_id, organization_id, ...rest } = platform.request();
    const body = {
      ...rest,
      event_id: `${event_id}`.toUpperCase(),
      organization_id: `${organization_id}`.toUpperCase(),
    };
    expect(await post('/api/order', body)).toMatchObject({ status: 201 });
  });

  test('it gives away no ticket under the organiser’s own event', async () => {
    const seat = randomUUID();
    const body = { event_id: mine.event_id, session_id: platform.sessionId, seat_id: seat, price: 0 };
    expect(await post('/api/order/ticket', body)).toMatchObject(MISMATCH);
    expect(await ticketsOf(seat)).toEqual([]);
  });

  test('no seat is added to an order that has another event from before', async () => {
    const [first, second] = [randomUUID(), randomUUID()];
    const { body: order } = await post('/api/order', platform.request([first]));
    await platform.app.sql('UPDATE orders SET event_id = $2 WHERE order_id = $1', [order.order_id, mine.event_id]);
    const changed = await platform.app.call('PUT', `/api/order/${order.order_id}`, {
      token: organiser,
      body: { seat_ids: [first, second] },
    });
    expect(changed).toMatchObject(MISMATCH);
    expect(await ticketsOf(second)).toEqual([]);
  });

  test('nothing is sold while the catalogue cannot say whose the session is', async () => {
    const session_id = randomUUID();
    platform.seating.sessions.set(session_id, { title: 'x', eventId: 'not an id' });
    const answer = await post('/api/order', { ...platform.request(), session_id });
    expect(answer).toMatchObject({ status: 503, body: { code: 'seating_unavailable' } });
  });
});

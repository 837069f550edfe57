import { randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { operationsOf, somewhere } from '../support/api-document.ts';
import { catalogueDiscount } from '../support/fake-seating.ts';
import { movableClock } from '../support/movable-clock.ts';
import { newPerson, type People, type Person, people } from '../support/people/people.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { startReplica } from '../support/races.ts';
import { recordEvents } from '../support/recorded-events.ts';
import { until } from '../support/servers.ts';
import { type Stored, storedIn } from '../support/stored.ts';
import type { Answer } from '../support/test-app.ts';

const PAGE = 'https://tickets.example.com';
const HOLD_MS = 300_000;

const events = recordEvents();
/** The clock never goes back, so a message published later cannot appear to be published earlier. */
const clock = movableClock();
let platform: PlatformApp;
let stored: Stored;
let all: People;
let buyer: Person;
let other: Person;

beforeAll(async () => {
  platform = await startPlatformApp({ CORS_ORIGINS: PAGE }, {}, { eventLog: events.log, clock });
  stored = storedIn(platform.app);
  all = await people(platform);
  buyer = all.buyer;
  other = await newPerson(platform);
});

beforeEach(() => {
  platform.seating.query = undefined;
  platform.seating.seating = undefined;
});

const statusOf = async (orderId: string) => (await stored.state(orderId))?.status;

interface Sent {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** A request exactly as given, because fetch adds a content length and drops an empty body. */
function send(method: string, path: string, { headers, body }: Sent): Promise<{ status: number; text: string }> {
  return new Promise((done, fail) => {
    const request = httpRequest(platform.app.url + path, { method, headers, agent: false }, (response) => {
      const status = response.statusCode ?? 0;
      if (response.headers['content-type']?.includes('event-stream')) {
        response.destroy();
        return done({ status, text: '' });
      }
      let text = '';
      response.on('data', (chunk) => (text += chunk));
      response.on('end', () => done({ status, text }));
    });
    request.on('error', fail);
    request.end(body);
  });
}

const json = { 'content-type': 'application/json' };
const EMPTY: Readonly<Record<string, Sent>> = {
  'content-length 0': { headers: { ...json, 'content-length': '0' }, body: undefined },
  'no length': { headers: json, body: undefined },
  'empty chunks': { headers: { ...json, 'transfer-encoding': 'chunked' }, body: undefined },
  'only whitespace': { headers: { ...json, 'content-length': '3' }, body: ' \r\n' },
  'a charset': {
    headers: { 'content-type': 'application/json; charset=utf-8', 'content-length': '0' },
    body: undefined,
  },
  'text/plain': { headers: { 'content-type': 'text/plain;charset=UTF-8', 'content-length': '0' }, body: undefined },
};

describe('front-end: a request with an empty body', () => {
  test.each(Object.keys(EMPTY))(
    'it counts as a request without a body on every route and method, with %s',
    async (form) => {
      const operations = await operationsOf(platform.app);
      expect(operations.length).toBeGreaterThan(30);
      for (const { path, method, requestBody } of operations) {
        const { headers, body } = EMPTY[form] as Sent;
        const answer = await send(method, somewhere(path), {
          headers: { ...headers, authorization: `Bearer ${all.admin.token}` },
          body,
        });
        const what = `${form}: ${method} ${path}: ${answer.status} ${answer.text.slice(0, 200)}`;
        expect(answer.status, what).not.toBe(415);
        expect(answer.status, what).toBeLessThan(500);
        expect(answer.text, what).not.toContain('Body cannot be empty');
        if (requestBody && !path.endsWith('/refund')) {
          expect(answer.status, what).toBe(400);
          expect(JSON.parse(answer.text), what).toMatchObject({
            code: 'invalid_request',
            message: 'The request has no body. Send a JSON object in it.',
            errors: [{ field: 'body', reason: 'is missing' }],
          });
        }
      }
    },
  );

  test('an order is paid for, checked out and refunded, and another one is cancelled, as the page does it', async () => {
    const [page, admin] = [buyer.via({ headers: json }), all.admin.via({ headers: json })];
    const orderId = await buyer.place();
    expect(await page.intent(orderId)).toMatchObject({ seatLockDurationMins: 5 });
    await buyer.pay(orderId);
    expect(await page.checkOut(orderId)).toMatchObject({ Status: 'completed' });
    expect(await admin.refund(orderId)).toMatchObject({ amount: 100 });
    const next = await buyer.place();
    await page.cancel(next);
    expect(await statusOf(next)).toBe('cancelled');
  });

  test.each(['text/plain', 'text/plain;charset=UTF-8', 'application/x-www-form-urlencoded', 'text/xml'])(
    'JSON sent as %s is refused with the content type to use',
    async (type) => {
      const body = JSON.stringify(platform.request());
      const page = buyer.via({ headers: { 'content-type': type } });
      const answer = await page.call('POST', '/api/order', body);
      expect(answer).toMatchObject({ status: 415, body: { code: 'unsupported_media_type' } });
      expect(answer.body.message).toContain('Content-Type: application/json');
    },
  );
});

describe('front-end: seatLockDurationMins', () => {
  test.each([
    [HOLD_MS - 44_000, 1],
    [HOLD_MS - 60_000, 1],
    [HOLD_MS - 90_000, 2],
    [HOLD_MS - 3_000, 1],
  ])('after %i ms of a hold of five minutes it is %i', async (ms, minutes) => {
    const orderId = await buyer.place();
    clock.advance(ms);
    expect((await buyer.intent(orderId)).seatLockDurationMins).toBe(minutes);
  });

  test('once the hold has ended the order is refused, without a number', async () => {
    const orderId = await buyer.place();
    clock.advance(HOLD_MS);
    const late = await buyer.tries.intent(orderId);
    expect(late.status).toBe(409);
    expect(['hold_ended', 'order_not_pending']).toContain(late.body.code);
  });
});

describe('front-end: a free order', () => {
  const free = async () => {
    const discountId = catalogueDiscount(platform.seating, { type: 'PERCENTAGE', percentage: 100 });
    return buyer.place([randomUUID()], discountId);
  };
  const saleOf = (orderId: string) =>
    platform.app.sql("SELECT FROM outbox WHERE key = $1 AND topic = 'orderUpdated'", [orderId]);

  test('it is completed by asking for a payment, which answers where the tickets are, each time', async () => {
    const orderId = await free();
    const asked = await buyer.via({ headers: json }).tries.intent(orderId);
    expect(asked).toMatchObject({ status: 409, body: { code: 'nothing_to_pay' } });
    expect(asked.body.message).toContain('completed');
    expect(asked.body.message).toContain(`/api/order/${orderId}/tickets`);
    expect(await statusOf(orderId)).toBe('completed');
    const [ticket] = await buyer.tickets(orderId);
    expect(ticket?.qr_code).toMatch(/^iVBORw0KGgo/);
    expect((await buyer.tries.intent(orderId)).body).toEqual(asked.body);
    expect(await buyer.checkOut(orderId)).toMatchObject({ Status: 'completed', Price: 0 });
    expect(await saleOf(orderId)).toHaveLength(1);
    expect(await stored.payments(orderId)).toEqual([]);
  });

  test('it repeats the answer to the same Idempotency-Key', async () => {
    const orderId = await free();
    const { tries } = buyer.via({ headers: { 'idempotency-key': randomUUID() } });
    const [first, again] = [await tries.intent(orderId), await tries.intent(orderId)];
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(await saleOf(orderId)).toHaveLength(1);
  });

  test('it is completed or cancelled once when both are requested many times at once', async () => {
    for (let round = 0; round < 5; round += 1) {
      const orderId = await free();
      const { intent, cancel, checkOut } = buyer.tries;
      const asked = [intent, cancel, intent, checkOut, cancel];
      const answers = await Promise.all(asked.map((ask) => ask(orderId)));
      const status = await statusOf(orderId);
      const deleted = answers.filter((answer) => answer.status === 204);
      expect(deleted).toHaveLength(status === 'cancelled' ? 1 : 0);
      expect(await saleOf(orderId)).toHaveLength(status === 'completed' ? 1 : 0);
      const codes = answers.filter((answer) => answer.status === 409).map(({ body }) => body.code);
      expect(new Set(['nothing_to_pay', 'order_not_pending']).isSupersetOf(new Set(codes))).toBe(true);
    }
  });

  test('it stays ended once its hold has ended', async () => {
    const orderId = await free();
    clock.advance(HOLD_MS);
    expect((await buyer.tries.intent(orderId)).body.code).not.toBe('nothing_to_pay');
    await stored.untilStatus(orderId, 'cancelled');
    expect((await buyer.tries.intent(orderId)).body.code).toBe('order_not_pending');
    expect(await saleOf(orderId)).toEqual([]);
  });

  test('it is completed by no other caller', async () => {
    const orderId = await free();
    const asked = await other.tries.intent(orderId);
    expect([asked.status, await statusOf(orderId)]).toEqual([404, 'pending']);
  });
});

describe('front-end: refused seats have their labels', () => {
  const label = (seatId: string) => `L-${seatId.slice(0, 4)}`;
  const seatsOf = (seatIds: readonly string[]) => seatIds.map((seat_id) => ({ seat_id, label: label(seat_id) }));

  function expectTaken(answer: Answer, seatIds: readonly string[]): void {
    expect(answer, answer.text).toMatchObject({ status: 409, body: { code: 'seats_taken' } });
    expect([...answer.body.seat_ids].sort()).toEqual([...seatIds].sort());
    expect(answer.body.seats).toHaveLength(seatIds.length);
    expect(answer.body.seats).toEqual(expect.arrayContaining(seatsOf(seatIds)));
    for (const seatId of seatIds) {
      expect(answer.body.message).toContain(label(seatId));
      expect(answer.body.message).not.toContain(seatId);
    }
  }

  test('when another order holds them', async () => {
    const seatIds = [randomUUID(), randomUUID()];
    await buyer.place(seatIds);
    expectTaken(await other.tries.order([randomUUID(), ...seatIds]), seatIds);
  });

  test('when only the database knows of them, on a replica that never saw them', async () => {
    const seatIds = [randomUUID(), randomUUID()];
    await buyer.place(seatIds);
    const replica = await startReplica(platform);
    expectTaken(await other.via({ app: replica }).tries.order(seatIds), seatIds);
    expectTaken(await other.via({ app: replica }).tries.order(seatIds), seatIds);
  });

  test('when a pending order would be changed to them', async () => {
    const seatId = randomUUID();
    await buyer.place([seatId]);
    const orderId = await other.place();
    expectTaken(await other.tries.change(orderId, { seat_ids: [seatId] }), [seatId]);
  });

  test('when the box office issues a ticket for them or moves one to them', async () => {
    const seatId = randomUUID();
    await buyer.place([seatId]);
    expectTaken(await all.organiser.tries.issue({ seat_id: seatId }), [seatId]);
    const ticket = await all.organiser.issue();
    expectTaken(await all.organiser.tries.amend(ticket, { seat_id: seatId }), [seatId]);
  });

  test('when a seating service refuses them and they are sold here', async () => {
    const seatId = randomUUID();
    await buyer.place([seatId]);
    const replica = await startReplica(platform);
    platform.seating.query = { status: 400, body: { message: `Seat ${seatId} is not available` } };
    expectTaken(await other.via({ app: replica }).tries.order([seatId]), [seatId]);
  });

  test('when a seating service refuses them in its own words', async () => {
    const [known, unknown] = [randomUUID(), randomUUID()];
    const orderId = await buyer.place([known]);
    await buyer.cancel(orderId);
    platform.seating.query = { status: 400, body: { message: `Seats ${known} and ${unknown} are blocked` } };
    const refused = await other.tries.order([known, unknown]);
    expect(refused).toMatchObject({
      status: 400,
      body: {
        code: 'seats_refused',
        message: `Seats ${label(known)} and ${unknown} are blocked`,
        seat_ids: [known, unknown],
        seats: seatsOf([known]),
      },
    });
  });
});

describe('front-end: ids of orders', () => {
  test('differ in their first eight characters when placed together', async () => {
    const placed = await Promise.all(Array.from({ length: 20 }, () => buyer.place()));
    expect(new Set(placed.map((orderId) => orderId.slice(0, 8))).size).toBe(20);
  });
});

describe('front-end: every call may come from another origin', () => {
  const origin = { origin: PAGE };
  const allowed = ({ headers }: Answer) => headers.get('access-control-allow-origin');

  test('preflights of every route are answered, and answers can be read, errors included', async () => {
    const paths = (await operationsOf(platform.app)).map(({ path }) => path);
    for (const path of new Set(paths)) {
      const address = somewhere(path);
      const preflight = await platform.app.call('OPTIONS', address, {
        headers: { ...origin, 'access-control-request-method': 'POST' },
      });
      expect([path, preflight.status, allowed(preflight)]).toEqual([path, 200, PAGE]);
      const answer = await platform.app.call('GET', address, { headers: origin });
      expect([path, allowed(answer)]).toEqual([path, PAGE]);
    }
    const nowhere = await platform.app.call('GET', '/api/nowhere', { headers: origin, token: buyer.token });
    expect([nowhere.status, allowed(nowhere)]).toEqual([404, PAGE]);
  });

  test('the stand-in for Stripe answers the same origins, and no others', async () => {
    const path = '/v1/payment_intents/pi_none/confirm';
    const headers = { ...origin, 'access-control-request-method': 'POST' };
    expect((await platform.app.call('OPTIONS', path, { headers })).status).toBe(200);
    expect(allowed(await platform.app.call('POST', path, { headers: origin }))).toBe(PAGE);
    const elsewhere = await platform.app.call('POST', path, { headers: { origin: 'https://elsewhere.example' } });
    expect(allowed(elsewhere)).toBeNull();
  });

  test('an order that is shed in front of the routes is readable by the page', async () => {
    const env = { CORS_ORIGINS: PAGE, PLACING_CONCURRENCY: '1', MAX_QUEUE_MS: '0' };
    const replica = await startReplica(platform, env);
    const gate = Promise.withResolvers<void>();
    platform.seating.gate = gate.promise;
    const before = platform.seating.calls.length;
    const first = buyer.via({ app: replica }).order();
    await until('the only place is taken', () => platform.seating.calls.length > before);
    const shed = await buyer.via({ app: replica, headers: origin }).call('POST', '/api/order', '{}');
    platform.seating.gate = undefined;
    gate.resolve();
    expect([shed.status, allowed(shed)]).toEqual([503, PAGE]);
    await first;
  });
});

import { createHash, randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readQrCode } from '../../scripts/qr-reader.ts';
import { instant } from '../../src/kernel/clock.ts';
import { watchEffects } from '../support/effects.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { startReplica } from '../support/races.ts';
import { until } from '../support/servers.ts';
import { type StripeApi, stripeApi } from '../support/stripe-api.ts';

const HOUR_MS = 3_600_000;
/** Tokens outlive every jump of the clock. */
const LONG_S = 30 * 86_400;

let ahead = 0;
const failing = new Set<string>();
let platform: PlatformApp;
let stripe: StripeApi;
let buyer: string;
let admin: string;
let scanner: string;
const buyerId = randomUUID();

beforeAll(async () => {
  platform = await startPlatformApp(
    {},
    {},
    {
      clock: { now: () => instant(Date.now() + ahead) },
      watch: watchEffects({
        before(effect) {
          if (failing.has(effect)) throw new Error(`the process ends before ${effect}`);
        },
        after: () => undefined,
      }),
    },
  );
  stripe = stripeApi(platform.app.url);
  buyer = await longToken(buyerId);
  admin = await longToken(randomUUID(), { user_groups: ['/Permissions/Users/System Admins'] });
  const scannerId = randomUUID();
  platform.seating.scanners.set(scannerId, new Set([platform.sessionId]));
  scanner = await longToken(scannerId);
});

beforeEach(() => {
  failing.clear();
  platform.seating.away = false;
  platform.seating.gate = undefined;
});

const longToken = (sub: string, claims: Record<string, unknown> = {}) =>
  platform.issuer.token(sub, claims, { expiresIn: LONG_S });

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly token: string;
  readonly body?: unknown;
}

function send({ method, path, token, body }: Asked, key: string) {
  return platform.app.call(method, path, {
    token,
    headers: { 'idempotency-key': key },
    ...(body === undefined ? {} : { body }),
  });
}

const placing = (seatIds = [randomUUID()], token = buyer): Asked => ({
  method: 'POST',
  path: '/api/order',
  token,
  body: platform.request(seatIds),
});

test('what is compared is the body as it was sent, so that a kept key is known after a release, too', async () => {
  const asked = placing();
  expect((await send(asked, 'as-sent')).status).toBe(201);
  const [kept] = await platform.app.sql<{ fingerprint: string }>(
    "SELECT fingerprint FROM idempotency_keys WHERE key = 'as-sent'",
  );
  const sent = JSON.stringify([asked.method, asked.path, asked.body]);
  expect(kept?.fingerprint).toBe(createHash('sha256').update(sent).digest('base64url'));
});

async function completedOrder(): Promise<string> {
  const orderId = await platform.place(buyer, [randomUUID(), randomUUID()]);
  await platform.pay(buyer, orderId);
  const { status } = await platform.app.call('POST', `/api/order/${orderId}/checkout`, { token: buyer });
  expect(status).toBe(200);
  return orderId;
}

/** A refund of one minor unit that used up its tries, of an order of its own. */
async function stuckRefund(): Promise<string> {
  const orderId = await completedOrder();
  const refundId = randomUUID();
  await platform.app.sql(
    `WITH counted AS (
       INSERT INTO money_by_session (organization_id, event_id, session_id, currency, taken_minor, refunded_minor)
       SELECT organization_id, event_id, session_id, 'lkr', 0, 1 FROM orders WHERE order_id = $2)
     INSERT INTO refunds (refund_id, payment_intent_id, amount_minor, origin, reason, created_at, attempts, next_attempt_at)
     SELECT $1, payment_intent_id, 1, 'service', 'a test', now(), 12, now() FROM payments WHERE order_id = $2`,
    [refundId, orderId],
  );
  return refundId;
}

async function ordersOn(seatId: string): Promise<number> {
  return (await platform.app.sql('SELECT FROM tickets WHERE seat_id = $1', [seatId])).length;
}

async function announcementsOf(orderId: string): Promise<number> {
  return (await platform.app.sql('SELECT FROM outbox WHERE key = $1', [orderId])).length;
}

interface Operation extends Asked {
  readonly status: number;
  /** What it does, counted: the same after the first time and after the second. */
  readonly effect: () => Promise<unknown>;
  /** Waits for what follows by itself. */
  readonly followed?: () => Promise<unknown>;
}

const OPERATIONS: readonly [string, () => Promise<Operation>][] = [
  [
    'placing',
    async () => {
      const seatId = randomUUID();
      return { ...placing([seatId]), status: 201, effect: () => ordersOn(seatId) };
    },
  ],
  [
    'changing',
    async () => {
      const orderId = await platform.place(buyer);
      const body = { seat_ids: [randomUUID(), randomUUID()] };
      const path = `/api/order/${orderId}`;
      return { method: 'PUT', path, token: buyer, body, status: 200, effect: () => announcementsOf(orderId) };
    },
  ],
  [
    'cancelling',
    async () => {
      const orderId = await platform.place(buyer);
      const path = `/api/order/${orderId}`;
      return { method: 'DELETE', path, token: buyer, status: 204, effect: () => announcementsOf(orderId) };
    },
  ],
  [
    'asking for a PaymentIntent',
    async () => {
      const orderId = await platform.place(buyer);
      const path = `/api/order/${orderId}/create-payment-intent`;
      const effect = async () => {
        const intents = await stripe.list('payment_intents');
        return intents.filter((intent) => intent.metadata.order_id === orderId).map(({ id }) => id);
      };
      return { method: 'POST', path, token: buyer, status: 200, effect };
    },
  ],
  [
    'checking out',
    async () => {
      const seatId = randomUUID();
      platform.seating.prices.set(seatId, 0);
      const orderId = await platform.place(buyer, [seatId]);
      const path = `/api/order/${orderId}/checkout`;
      return { method: 'POST', path, token: buyer, status: 200, effect: () => announcementsOf(orderId) };
    },
  ],
  [
    'giving back',
    async () => {
      const orderId = await completedOrder();
      const path = `/api/order/${orderId}/refund`;
      const effect = () =>
        platform.app.sql(
          'SELECT refund_id FROM refunds JOIN payments USING (payment_intent_id) WHERE order_id = $1',
          [orderId],
        );
      return { method: 'POST', path, token: admin, body: { amount: 10 }, status: 200, effect };
    },
  ],
  [
    'trying a stuck refund again',
    async () => {
      const refundId = await stuckRefund();
      const path = `/api/order/admin/payments/${refundId}/retry`;
      const effect = () =>
        platform.app.sql('SELECT attempts, provider_id FROM refunds WHERE refund_id = $1', [refundId]);
      const followed = () =>
        until('it is given back', async () => {
          const [row] = await platform.app.sql('SELECT provider_id FROM refunds WHERE refund_id = $1', [
            refundId,
          ]);
          return row?.provider_id !== null;
        });
      return { method: 'POST', path, token: admin, status: 204, effect, followed };
    },
  ],
  [
    'saying that a stuck refund was paid out otherwise',
    async () => {
      const refundId = await stuckRefund();
      const path = `/api/order/admin/payments/${refundId}/settled`;
      const effect = () =>
        platform.app.sql('SELECT provider_id FROM refunds WHERE refund_id = $1', [refundId]);
      return { method: 'POST', path, token: admin, body: { reference: 'transfer 17' }, status: 204, effect };
    },
  ],
  [
    'checking in',
    async () => {
      const orderId = await completedOrder();
      const { body } = await platform.app.call('GET', `/api/order/${orderId}/tickets`, { token: buyer });
      const qr = await readQrCode(Buffer.from(body[0].qr_code, 'base64'));
      const effect = () =>
        platform.app.sql(
          'SELECT checked_in, checked_in_time, checked_in_by FROM tickets WHERE ticket_id = $1',
          [body[0].ticket_id],
        );
      const path = '/api/order/ticket/checkin';
      return { method: 'POST', path, token: scanner, body: { encrypted_qr: qr }, status: 200, effect };
    },
  ],
  [
    'undoing a check-in',
    async () => {
      const orderId = await completedOrder();
      const { body } = await platform.app.call('GET', `/api/order/${orderId}/tickets`, { token: buyer });
      const qr = await readQrCode(Buffer.from(body[0].qr_code, 'base64'));
      const scan = { token: scanner, body: { encrypted_qr: qr } };
      await platform.app.call('POST', '/api/order/ticket/checkin', scan);
      const effect = () =>
        platform.app.sql(
          'SELECT s.outcome, a.action FROM scans s LEFT JOIN audit_trail a USING (ticket_id) WHERE s.ticket_id = $1',
          [body[0].ticket_id],
        );
      const path = `/api/order/ticket/${body[0].ticket_id}/checkin`;
      return { method: 'DELETE', path, token: admin, status: 200, effect };
    },
  ],
  [
    'letting a session’s guests return',
    async () => {
      const { sessionId } = platform;
      const effect = () =>
        platform.app.sql('SELECT allows_reentry FROM session_doors WHERE session_id = $1', [sessionId]);
      const path = `/api/order/scan/sessions/${sessionId}/door`;
      return { method: 'PUT', path, token: admin, body: { allows_reentry: true }, status: 200, effect };
    },
  ],
];

describe('sent again with its key,', () => {
  test.each(OPERATIONS)('%s is answered as the first time and has one effect', async (_name, prepare) => {
    const operation = await prepare();
    const key = randomUUID();
    const before = await operation.effect();
    const first = await send(operation, key);
    expect(first.status, first.text).toBe(operation.status);
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    await operation.followed?.();
    const effect = await operation.effect();
    expect(effect).not.toEqual(before);

    for (let time = 0; time < 2; time += 1) {
      const again = await send(operation, key);
      expect({ status: again.status, text: again.text }).toEqual({ status: first.status, text: first.text });
      expect(again.headers.get('idempotent-replayed')).toBe('true');
      expect(again.headers.get('content-type')).toBe(first.headers.get('content-type'));
      expect(await operation.effect()).toEqual(effect);
    }
    expect(await platform.app.sql('SELECT status FROM idempotency_keys WHERE key = $1', [key])).toEqual([
      { status: operation.status },
    ]);
  });

  test('a request is answered by another replica, too', async () => {
    const replica = await startReplica(platform, {}, { clock: { now: () => instant(Date.now() + ahead) } });
    const asked = placing();
    const key = randomUUID();
    const first = await send(asked, key);
    const again = await replica.call('POST', '/api/order', {
      token: buyer,
      body: asked.body,
      headers: { 'idempotency-key': key },
    });
    expect({ status: again.status, text: again.text }).toEqual({ status: 201, text: first.text });
  });

  test('without it nothing is kept, and a request that comes twice is two', async () => {
    const orderId = await platform.place(buyer);
    const cancel = () => platform.app.call('DELETE', `/api/order/${orderId}`, { token: buyer });
    expect([(await cancel()).status, (await cancel()).status]).toEqual([204, 409]);
  });
});

describe('the same key', () => {
  test.each<[string, (asked: Asked, other: string) => Asked]>([
    ['another body', (asked) => ({ ...asked, body: platform.request() })],
    ['another address', (asked, other) => ({ ...asked, method: 'DELETE', path: `/api/order/${other}` })],
  ])('with %s is refused, and what it asks is not done', async (_name, change) => {
    const asked = placing();
    const key = randomUUID();
    const first = await send(asked, key);
    const other = await platform.place(buyer);
    const answer = await send(change(asked, other), key);
    expect({ status: answer.status, code: answer.body.code }).toEqual({
      status: 422,
      code: 'idempotency_key_reused',
    });
    expect(answer.headers.get('idempotent-replayed')).toBeNull();
    const { body } = await platform.app.call('GET', `/api/order/${other}`, { token: buyer });
    expect(body.Status).toBe('pending');
    // The first answer stands.
    expect((await send(asked, key)).text).toBe(first.text);
  });

  test('of another user is another key', async () => {
    const key = randomUUID();
    const first = await send(placing(), key);
    const otherId = randomUUID();
    const second = await send(placing([randomUUID()], await longToken(otherId)), key);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect([first.body.user_id, second.body.user_id]).toEqual([buyerId, otherId]);
    expect(second.headers.get('idempotent-replayed')).toBeNull();
  });

  test('twenty times at once: one order, and each answer is it or “in flight”', async () => {
    const seatId = randomUUID();
    const key = randomUUID();
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(placing([seatId]), key)));
    const orderIds = answers.filter(({ status }) => status === 201).map(({ body }) => body.order_id);
    expect(orderIds.length).toBeGreaterThan(0);
    expect(new Set(orderIds).size).toBe(1);
    for (const { status, body } of answers) {
      if (status !== 201)
        expect({ status, code: body.code }).toEqual({ status: 409, code: 'request_in_flight' });
    }
    expect(await ordersOn(seatId)).toBe(1);
  });

  test('while the first is being worked on is told so, and gets its answer afterwards', async () => {
    const gate = Promise.withResolvers<void>();
    platform.seating.gate = gate.promise;
    platform.seating.calls.length = 0;
    const asked = placing();
    const key = randomUUID();
    const first = send(asked, key);
    await until('the seating services are asked', () => platform.seating.calls.length === 2);
    const meanwhile = await send(asked, key);
    expect(meanwhile).toMatchObject({ status: 409, body: { code: 'request_in_flight' } });
    const other = await send(placing(), key);
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
    gate.resolve();
    const answered = await first;
    expect(answered.status).toBe(201);
    expect((await send(asked, key)).text).toBe(answered.text);
  });
});

describe('a refusal', () => {
  test('is repeated, although the reason is gone', async () => {
    const seatIds = [randomUUID()];
    const orderId = await platform.place(await longToken(randomUUID()), seatIds);
    const key = randomUUID();
    const first = await send(placing(seatIds), key);
    expect(first).toMatchObject({ status: 409, body: { code: 'seats_taken', seat_ids: seatIds } });
    await platform.app.call('DELETE', `/api/order/${orderId}`, { token: admin });
    const again = await send(placing(seatIds), key);
    expect({ status: again.status, text: again.text }).toEqual({ status: 409, text: first.text });
    expect(again.headers.get('content-type')).toBe(first.headers.get('content-type'));
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect((await send(placing(seatIds), randomUUID())).status).toBe(201);
  });

  test('that says “try again” is not kept', async () => {
    const asked = placing();
    const key = randomUUID();
    platform.seating.away = true;
    const refused = await send(asked, key);
    expect(refused).toMatchObject({ status: 503, body: { code: 'seating_unavailable' } });
    expect(await platform.app.sql('SELECT FROM idempotency_keys WHERE key = $1', [key])).toEqual([]);
    platform.seating.away = false;
    const placed = await until('the seating service is asked again', async () => {
      const answer = await send(asked, key);
      return answer.status === 201 && answer;
    });
    expect(placed.headers.get('idempotent-replayed')).toBeNull();
    expect((await send(asked, key)).text).toBe(placed.text);
  });

  test('of something that went wrong on our side is not kept', async () => {
    const asked = placing();
    const key = randomUUID();
    failing.add('database order-insert');
    expect((await send(asked, key)).status).toBe(500);
    failing.clear();
    expect((await send(asked, key)).status).toBe(201);
  });
});

describe('a worker that is gone', () => {
  test('is followed when its claim ends, and not before', async () => {
    const seatId = randomUUID();
    const asked = placing([seatId]);
    const key = randomUUID();
    // As a killed process: neither the order nor the end of its work is written.
    failing.add('database order-insert');
    failing.add('database idempotency-let-go');
    await send(asked, key);
    failing.clear();
    expect(await send(asked, key)).toMatchObject({ status: 409, body: { code: 'request_in_flight' } });
    ahead += 20_000;
    const followed = await send(asked, key);
    expect(followed.status).toBe(201);
    expect(await ordersOn(seatId)).toBe(1);
    expect((await send(asked, key)).text).toBe(followed.text);
  });

  test('and was only slow commits nothing beside the one who followed', async () => {
    const seatId = randomUUID();
    const asked = placing([seatId]);
    const key = randomUUID();
    const gate = Promise.withResolvers<void>();
    platform.seating.gate = gate.promise;
    platform.seating.calls.length = 0;
    const slow = send(asked, key);
    await until('the seating services are asked', () => platform.seating.calls.length === 2);
    platform.seating.gate = undefined;
    ahead += 20_000;
    const followed = await send(asked, key);
    expect(followed.status).toBe(201);
    gate.resolve();
    expect((await slow).status).toBe(409);
    expect(await ordersOn(seatId)).toBe(1);
    expect((await send(asked, key)).text).toBe(followed.text);
  });
});

describe('a key’s life', () => {
  test('is 24 hours from the first time: then it is a new one', async () => {
    const orderId = await completedOrder();
    const asked: Asked = {
      method: 'POST',
      path: `/api/order/${orderId}/refund`,
      token: admin,
      body: { amount: 1 },
    };
    const key = randomUUID();
    const first = await send(asked, key);
    ahead += 24 * HOUR_MS - 60_000;
    expect((await send(asked, key)).text).toBe(first.text);
    ahead += 60_000;
    const later = await send(asked, key);
    expect(later.status).toBe(200);
    expect(later.headers.get('idempotent-replayed')).toBeNull();
    expect(later.body.refund_id).not.toBe(first.body.refund_id);
    // Whatever it was used for before.
    ahead += 24 * HOUR_MS;
    expect((await send({ ...asked, body: { amount: 2 } }, key)).status).toBe(200);
  });

  test('ends with its removal; younger ones stay', async () => {
    const [old, young] = [randomUUID(), randomUUID()];
    await send(placing(), old);
    ahead += 24 * HOUR_MS;
    await send(placing(), young);
    expect(await platform.app.app.turn('keyForgetting')).toBe(false);
    expect(
      await platform.app.sql('SELECT key FROM idempotency_keys WHERE key = ANY($1)', [[old, young]]),
    ).toEqual([{ key: young }]);
  });
});

describe('what a key may be', () => {
  test.each([
    ['empty', ''],
    ['of 256 characters', 'x'.repeat(256)],
    ['not ASCII', 'clé'],
    ['with a space in it', 'a b'],
    ['with a control character', 'a\tb'],
  ])('%s: refused, and nothing is done', async (_name, key) => {
    const seatId = randomUUID();
    const answer = await send(placing([seatId]), key);
    expect({ status: answer.status, code: answer.body.code }).toEqual({
      status: 400,
      code: 'invalid_request',
    });
    expect(answer.body.errors).toMatchObject([{ field: expect.stringContaining('idempotency-key') }]);
    expect(await ordersOn(seatId)).toBe(0);
  });

  test.each([
    ['of one character', '~'],
    ['of 255 characters', '"'.repeat(255)],
  ])('%s: taken', async (_name, key) => {
    expect((await send(placing(), key)).status).toBe(201);
  });
});

interface Parameter {
  readonly in: string;
  readonly name: string;
}

test('every operation that changes something says that it takes the key', async () => {
  const { body: document } = await platform.app.call('GET', '/openapi.json');
  const changing = Object.entries<Record<string, { parameters?: Parameter[] }>>(document.paths).flatMap(
    ([path, methods]) =>
      Object.entries(methods)
        .filter(([method]) => ['post', 'put', 'delete', 'patch'].includes(method))
        .map(([method, { parameters = [] }]) => ({ name: `${method} ${path}`, parameters })),
  );
  const taking = changing.filter(({ parameters }) =>
    parameters.some((each) => each.in === 'header' && each.name.toLowerCase() === 'idempotency-key'),
  );
  expect(taking.length).toBeGreaterThanOrEqual(OPERATIONS.length);
  expect(changing.filter((each) => !taking.includes(each)).map(({ name }) => name)).toEqual([
    // These two only read; a body is where their ids have room.
    'post /api/order/analytics/events/batch',
    'post /api/order/analytics/events/batch/individual',
    // Each scan has a key of its own, its nonce.
    'post /api/order/scan/batch',
    'post /api/webhook/stripe',
    'post /api/order/webhook/stripe',
  ]);
});

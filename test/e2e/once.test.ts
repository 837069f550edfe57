import { createHash, randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { operationsOf } from '../support/api-document.ts';
import { failingEffects } from '../support/failing-effects.ts';
import { seatsAt } from '../support/fake-seating.ts';
import { movableClock } from '../support/movable-clock.ts';
import { newPerson, type Person, people, type Ticket } from '../support/people/people.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { qrTextOf } from '../support/qr-texts.ts';
import { startReplica } from '../support/races.ts';
import { until } from '../support/servers.ts';
import { insertStuckRefund, type Stored, storedIn } from '../support/stored.ts';
import { type StripeApi, stripeApi } from '../support/stripe-api.ts';

const HOUR_MS = 3_600_000;

const PROCESS_ENDS = new Error('the process ends');
const clock = movableClock();
const effects = failingEffects();
let platform: PlatformApp;
let stripe: StripeApi;
let stored: Stored;
let buyer: Person;
let admin: Person;
let scanner: Person;

beforeAll(async () => {
  platform = await startPlatformApp({}, {}, { clock, watch: effects.watch });
  stripe = stripeApi(platform.app.url);
  stored = storedIn(platform.app);
  ({ buyer, admin, scanner } = await people(platform));
});

beforeEach(() => {
  effects.clear();
  platform.seating.isUnavailable = false;
  platform.seating.gate = undefined;
});

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly who: Person;
  readonly body?: unknown;
}

const send = ({ method, path, who, body }: Asked, key: string) =>
  who.via({ headers: { 'idempotency-key': key } }).call(method, path, body);

const placing = (seatIds = [randomUUID()], who = buyer): Asked => ({
  method: 'POST',
  path: '/api/order',
  who,
  body: platform.request(seatIds),
});

/** The hash by which replicas of the release before recognise a request. */
const fingerprintOfBefore = ({ method, path, body }: Asked) =>
  createHash('sha256')
    .update(JSON.stringify([method, path, body]))
    .digest('base64url');

/** The same request with the members of its JSON in another order. */
function reordered(asked: Asked): Asked {
  const body = Object.fromEntries(Object.entries(asked.body ?? {}).toReversed());
  expect(JSON.stringify(body)).not.toBe(JSON.stringify(asked.body));
  return { ...asked, body };
}

describe('a key that the release before stored, which compared bodies as they were sent,', () => {
  const asOfBefore = (asked: Asked, key: string) =>
    platform.app.sql('UPDATE idempotency_keys SET fingerprint = $1, fingerprint_in_order = NULL WHERE key = $2', [
      fingerprintOfBefore(asked),
      key,
    ]);

  test('is still recognised', async () => {
    const asked = placing();
    const first = await send(asked, 'as-sent');
    await asOfBefore(asked, 'as-sent');
    const again = await send(asked, 'as-sent');
    expect({ status: again.status, text: again.text }).toEqual({ status: 201, text: first.text });
  });

  test('is taken over when its worker crashed', async () => {
    const asked = placing();
    effects.fail('database order-insert', PROCESS_ENDS);
    effects.fail('database idempotency-let-go', PROCESS_ENDS);
    await send(asked, 'crashed-before');
    effects.clear();
    await asOfBefore(asked, 'crashed-before');
    clock.advance(20_000);
    expect((await send(asked, 'crashed-before')).status).toBe(201);
  });
});

test('a replica of the release before recognises each request by what is stored, in whatever order its members come', async () => {
  const asked = placing();
  for (const [key, each] of Object.entries({ forwards: asked, backwards: reordered(asked) })) {
    await send(each, key);
    const rows = await platform.app.sql('SELECT fingerprint FROM idempotency_keys WHERE key = $1', [key]);
    expect(rows).toEqual([{ fingerprint: fingerprintOfBefore(each) }]);
  }
});

describe('near miss: the same JSON with its members in another order', () => {
  test('is the same request', async () => {
    const asked = placing();
    const first = await send(asked, 'another-order');
    const again = await send(reordered(asked), 'another-order');
    expect({ status: again.status, text: again.text }).toEqual({ status: 201, text: first.text });
    const other = reordered({ ...asked, body: { ...(asked.body as object), seat_ids: [randomUUID()] } });
    expect(await send(other, 'another-order')).toMatchObject({ body: { code: 'idempotency_key_reused' } });
  });

  test('takes over the key of a worker that crashed', async () => {
    const asked = placing();
    effects.fail('database order-insert', PROCESS_ENDS);
    effects.fail('database idempotency-let-go', PROCESS_ENDS);
    await send(asked, 'crashed-in-another-order');
    effects.clear();
    clock.advance(20_000);
    expect((await send(reordered(asked), 'crashed-in-another-order')).status).toBe(201);
  });
});

describe('idempotency-rows: a user’s stored answers', () => {
  const rowsOf = (who: Person) =>
    platform.app.sql<{ key: string; status: number; body: string | null }>(
      'SELECT key, status, body FROM idempotency_keys WHERE user_id = $1 ORDER BY key',
      [who.id],
    );
  const refused = (who: Person): Asked => ({ method: 'POST', path: `/api/order/${randomUUID()}/checkout`, who });

  test('are at most 50 refusals, the last ones, however many are caused', async () => {
    const who = await newPerson(platform);
    const placed = await send(placing([randomUUID()], who), 'a-success');
    expect(placed.status).toBe(201);
    for (let batch = 0; batch < 30; batch += 1)
      await Promise.all(
        Array.from({ length: 10 }, (_, at) =>
          send(refused(who), `refusal-${String(batch * 10 + at).padStart(3, '0')}`),
        ),
      );
    await send(refused(who), 'refusal-last');
    const rows = await rowsOf(who);
    expect(rows.map(({ key }) => key)).toEqual(expect.arrayContaining(['a-success', 'refusal-last']));
    expect(rows).toHaveLength(51);
    const left = rows.filter(({ key }) => /^refusal-2[0-4]/.test(key));
    expect(left).toEqual([]);
  });

  test('are at most 1,000 successes', async () => {
    const who = await newPerson(platform);
    await platform.app.sql(
      `INSERT INTO idempotency_keys (user_id, key, fingerprint, created_at, claim, claimed_until, status)
       SELECT $1, 'older-' || n, 'f', now() - interval '1 hour' + n * interval '1 second', gen_random_uuid(), now(), 200
         FROM generate_series(1, 1200) n`,
      [who.id],
    );
    expect((await send(placing([randomUUID()], who), 'newest')).status).toBe(201);
    const keys = (await rowsOf(who)).map(({ key }) => key);
    expect(keys).toHaveLength(1_000);
    expect(keys).toEqual(expect.arrayContaining(['newest', 'older-1200', 'older-202']));
    expect(keys).not.toContain('older-201');
  });

  test('contain no client secret: a repeated request reads it at Stripe, also when the order is over', async () => {
    const who = await newPerson(platform);
    const orderId = await who.place();
    const asked: Asked = { method: 'POST', path: `/api/order/${orderId}/create-payment-intent`, who };
    const first = await send(asked, 'payment');
    expect(first.body.clientSecret).toMatch(/_secret_/);
    const [row] = await rowsOf(who);
    expect(row?.body).toContain(orderId);
    expect(row?.body).not.toContain('_secret_');
    await who.cancel(orderId);
    const again = await send(asked, 'payment');
    expect({ status: again.status, text: again.text }).toEqual({ status: 200, text: first.text });
    expect(again.headers.get('idempotent-replayed')).toBe('true');
  });
});

const completedOrder = () => buyer.buy([randomUUID(), randomUUID()]);

/** A refund of one minor unit that used up its attempts, of an order of its own. */
async function stuckRefund(): Promise<string> {
  const { orderId } = await completedOrder();
  return insertStuckRefund(platform.app, orderId, 1);
}

async function ordersOn(seatId: string): Promise<number> {
  return (await platform.app.sql('SELECT FROM tickets WHERE seat_id = $1', [seatId])).length;
}

async function announcementsOf(orderId: string): Promise<number> {
  return (await platform.app.sql('SELECT FROM outbox WHERE key = $1', [orderId])).length;
}

interface Operation extends Asked {
  readonly status: number;
  /** The effect, counted: the same after the first request and after the second. */
  readonly effect: () => Promise<unknown>;
  /** Waits for what the service does after its answer. */
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
      const orderId = await buyer.place();
      const body = { seat_ids: [randomUUID(), randomUUID()] };
      const path = `/api/order/${orderId}`;
      return { method: 'PUT', path, who: buyer, body, status: 200, effect: () => announcementsOf(orderId) };
    },
  ],
  [
    'cancelling',
    async () => {
      const orderId = await buyer.place();
      const path = `/api/order/${orderId}`;
      return { method: 'DELETE', path, who: buyer, status: 204, effect: () => announcementsOf(orderId) };
    },
  ],
  [
    'asking for a PaymentIntent',
    async () => {
      const orderId = await buyer.place();
      const path = `/api/order/${orderId}/create-payment-intent`;
      const effect = async () => {
        const intents = await stripe.list('payment_intents');
        return intents.filter((intent) => intent.metadata.order_id === orderId).map(({ id }) => id);
      };
      return { method: 'POST', path, who: buyer, status: 200, effect };
    },
  ],
  [
    'checking out',
    async () => {
      const orderId = await buyer.place(seatsAt(platform.seating, 0));
      const path = `/api/order/${orderId}/checkout`;
      return { method: 'POST', path, who: buyer, status: 200, effect: () => announcementsOf(orderId) };
    },
  ],
  [
    'refunding',
    async () => {
      const { orderId } = await completedOrder();
      const path = `/api/order/${orderId}/refund`;
      const effect = async () => (await stored.refunds(orderId)).length;
      return { method: 'POST', path, who: admin, body: { amount: 10 }, status: 200, effect };
    },
  ],
  [
    'retrying a stuck refund',
    async () => {
      const refundId = await stuckRefund();
      const path = `/api/order/admin/payments/${refundId}/retry`;
      const effect = () =>
        platform.app.sql('SELECT attempts, provider_id FROM refunds WHERE refund_id = $1', [refundId]);
      const followed = () =>
        until('it is refunded', async () => {
          const [row] = await platform.app.sql('SELECT provider_id FROM refunds WHERE refund_id = $1', [refundId]);
          return row?.provider_id !== null;
        });
      return { method: 'POST', path, who: admin, status: 204, effect, followed };
    },
  ],
  [
    'marking a stuck refund as paid by other means',
    async () => {
      const refundId = await stuckRefund();
      const path = `/api/order/admin/payments/${refundId}/settled`;
      const effect = () => platform.app.sql('SELECT provider_id FROM refunds WHERE refund_id = $1', [refundId]);
      return { method: 'POST', path, who: admin, body: { reference: 'transfer 17' }, status: 204, effect };
    },
  ],
  [
    'checking in',
    async () => {
      const [ticket] = await buyer.tickets(await completedOrder());
      const qr = await qrTextOf(ticket as Ticket);
      const effect = () =>
        platform.app.sql('SELECT checked_in, checked_in_time, checked_in_by FROM tickets WHERE ticket_id = $1', [
          ticket?.ticket_id,
        ]);
      const path = '/api/order/ticket/checkin';
      return { method: 'POST', path, who: scanner, body: { encrypted_qr: qr }, status: 200, effect };
    },
  ],
  [
    'undoing a check-in',
    async () => {
      const [ticket] = await buyer.tickets(await completedOrder());
      await scanner.checkIn(await qrTextOf(ticket as Ticket));
      const effect = () =>
        platform.app.sql(
          'SELECT s.outcome, a.action FROM scans s LEFT JOIN audit_trail a USING (ticket_id) WHERE s.ticket_id = $1',
          [ticket?.ticket_id],
        );
      const path = `/api/order/ticket/${ticket?.ticket_id}/checkin`;
      return { method: 'DELETE', path, who: admin, status: 200, effect };
    },
  ],
  [
    'allowing re-entry to a session',
    async () => {
      const { sessionId } = platform;
      const effect = () =>
        platform.app.sql('SELECT allows_reentry FROM session_doors WHERE session_id = $1', [sessionId]);
      const path = `/api/order/scan/sessions/${sessionId}/door`;
      return { method: 'PUT', path, who: admin, body: { allows_reentry: true }, status: 200, effect };
    },
  ],
];

describe('sent again with the same Idempotency-Key,', () => {
  test.each(OPERATIONS)('%s gets the first answer again and has one effect', async (_name, prepare) => {
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

  test('a request gets its answer from another replica, too', async () => {
    const replica = await startReplica(platform, {}, { clock });
    const asked = placing();
    const key = randomUUID();
    const first = await send(asked, key);
    const again = await send({ ...asked, who: buyer.via({ app: replica }) }, key);
    expect({ status: again.status, text: again.text }).toEqual({ status: 201, text: first.text });
  });

  test('without a key nothing is stored, and a request that is sent twice has two effects', async () => {
    const orderId = await buyer.place();
    await buyer.cancel(orderId);
    expect((await buyer.tries.cancel(orderId)).status).toBe(409);
  });
});

describe('the same key', () => {
  test.each<[string, (asked: Asked, other: string) => Asked]>([
    ['another body', (asked) => ({ ...asked, body: platform.request() })],
    ['another path', (asked, other) => ({ ...asked, method: 'DELETE', path: `/api/order/${other}` })],
  ])('with %s is refused without any effect', async (_name, change) => {
    const asked = placing();
    const key = randomUUID();
    const first = await send(asked, key);
    const other = await buyer.place();
    const answer = await send(change(asked, other), key);
    expect({ status: answer.status, code: answer.body.code }).toEqual({ status: 422, code: 'idempotency_key_reused' });
    expect(answer.headers.get('idempotent-replayed')).toBeNull();
    expect((await buyer.read(other)).Status).toBe('pending');
    // The first answer is still the answer.
    expect((await send(asked, key)).text).toBe(first.text);
  });

  test('of another user is another key', async () => {
    const key = randomUUID();
    const first = await send(placing(), key);
    const other = await newPerson(platform);
    const second = await send(placing([randomUUID()], other), key);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect([first.body.user_id, second.body.user_id]).toEqual([buyer.id, other.id]);
    expect(second.headers.get('idempotent-replayed')).toBeNull();
  });

  test('sent twenty times at once places one order, and each answer is that order or “in flight”', async () => {
    const seatId = randomUUID();
    const key = randomUUID();
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(placing([seatId]), key)));
    const orderIds = answers.filter(({ status }) => status === 201).map(({ body }) => body.order_id);
    expect(orderIds.length).toBeGreaterThan(0);
    expect(new Set(orderIds).size).toBe(1);
    for (const { status, body } of answers) {
      if (status !== 201) expect({ status, code: body.code }).toEqual({ status: 409, code: 'request_in_flight' });
    }
    expect(await ordersOn(seatId)).toBe(1);
  });

  test('is answered “in flight” while the first request runs, and gets its answer afterwards', async () => {
    const gate = Promise.withResolvers<void>();
    platform.seating.gate = gate.promise;
    platform.seating.calls.length = 0;
    const asked = placing();
    const key = randomUUID();
    const first = send(asked, key);
    await until('the seating services are asked', () => platform.seating.calls.length === 2);
    const inFlight = await send(asked, key);
    expect(inFlight).toMatchObject({ status: 409, body: { code: 'request_in_flight' } });
    const other = await send(placing(), key);
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
    gate.resolve();
    const answered = await first;
    expect(answered.status).toBe(201);
    expect((await send(asked, key)).text).toBe(answered.text);
  });
});

describe('a refusal', () => {
  test('is repeated, although its reason no longer applies', async () => {
    const seatIds = [randomUUID()];
    const orderId = await (await newPerson(platform)).place(seatIds);
    const key = randomUUID();
    const first = await send(placing(seatIds), key);
    expect(first).toMatchObject({ status: 409, body: { code: 'seats_taken', seat_ids: seatIds } });
    await admin.cancel(orderId);
    const again = await send(placing(seatIds), key);
    expect({ status: again.status, text: again.text }).toEqual({ status: 409, text: first.text });
    expect(again.headers.get('content-type')).toBe(first.headers.get('content-type'));
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect((await send(placing(seatIds), randomUUID())).status).toBe(201);
  });

  test('that asks for a retry is not stored', async () => {
    const asked = placing();
    const key = randomUUID();
    platform.seating.isUnavailable = true;
    const refused = await send(asked, key);
    expect(refused).toMatchObject({ status: 503, body: { code: 'seating_unavailable' } });
    expect(await platform.app.sql('SELECT FROM idempotency_keys WHERE key = $1', [key])).toEqual([]);
    platform.seating.isUnavailable = false;
    const placed = await until('the seating service is asked again', async () => {
      const answer = await send(asked, key);
      return answer.status === 201 && answer;
    });
    expect(placed.headers.get('idempotent-replayed')).toBeNull();
    expect((await send(asked, key)).text).toBe(placed.text);
  });

  test('caused by a fault of the service is not stored', async () => {
    const asked = placing();
    const key = randomUUID();
    effects.fail('database order-insert', PROCESS_ENDS);
    expect((await send(asked, key)).status).toBe(500);
    effects.clear();
    expect((await send(asked, key)).status).toBe(201);
  });
});

describe('a worker that seems to have crashed', () => {
  test('is replaced when its claim expires, and not before', async () => {
    const seatId = randomUUID();
    const asked = placing([seatId]);
    const key = randomUUID();
    // This is what a killed process leaves: neither the order nor the end of its work is written.
    effects.fail('database order-insert', PROCESS_ENDS);
    effects.fail('database idempotency-let-go', PROCESS_ENDS);
    await send(asked, key);
    effects.clear();
    expect(await send(asked, key)).toMatchObject({ status: 409, body: { code: 'request_in_flight' } });
    clock.advance(20_000);
    const followed = await send(asked, key);
    expect(followed.status).toBe(201);
    expect(await ordersOn(seatId)).toBe(1);
    expect((await send(asked, key)).text).toBe(followed.text);
  });

  test('that was only slow commits nothing beside its replacement', async () => {
    const seatId = randomUUID();
    const asked = placing([seatId]);
    const key = randomUUID();
    const gate = Promise.withResolvers<void>();
    platform.seating.gate = gate.promise;
    platform.seating.calls.length = 0;
    const slow = send(asked, key);
    await until('the seating services are asked', () => platform.seating.calls.length === 2);
    platform.seating.gate = undefined;
    clock.advance(20_000);
    const followed = await send(asked, key);
    expect(followed.status).toBe(201);
    gate.resolve();
    expect((await slow).status).toBe(409);
    expect(await ordersOn(seatId)).toBe(1);
    expect((await send(asked, key)).text).toBe(followed.text);
  });
});

describe('a stored Idempotency-Key', () => {
  test('is valid for 24 hours after its first use, and is a new key after that', async () => {
    const { orderId } = await completedOrder();
    const asked: Asked = { method: 'POST', path: `/api/order/${orderId}/refund`, who: admin, body: { amount: 1 } };
    const key = randomUUID();
    const first = await send(asked, key);
    clock.advance(24 * HOUR_MS - 60_000);
    expect((await send(asked, key)).text).toBe(first.text);
    clock.advance(60_000);
    const later = await send(asked, key);
    expect(later.status).toBe(200);
    expect(later.headers.get('idempotent-replayed')).toBeNull();
    expect(later.body.refund_id).not.toBe(first.body.refund_id);
    // Any other request may use it then.
    clock.advance(24 * HOUR_MS);
    expect((await send({ ...asked, body: { amount: 2 } }, key)).status).toBe(200);
  });

  test('is removed after that time, and younger keys stay', async () => {
    const [old, young] = [randomUUID(), randomUUID()];
    await send(placing(), old);
    clock.advance(24 * HOUR_MS);
    await send(placing(), young);
    expect(await platform.app.app.turn('keyForgetting')).toBe(false);
    expect(await platform.app.sql('SELECT key FROM idempotency_keys WHERE key = ANY($1)', [[old, young]])).toEqual([
      { key: young },
    ]);
  });
});

describe('an Idempotency-Key', () => {
  test.each([
    ['that is empty', ''],
    ['of 256 characters', 'x'.repeat(256)],
    ['that is not ASCII', 'clé'],
    ['with a space in it', 'a b'],
    ['with a control character', 'a\tb'],
  ])('%s is refused without any effect', async (_name, key) => {
    const seatId = randomUUID();
    const answer = await send(placing([seatId]), key);
    expect({ status: answer.status, code: answer.body.code }).toEqual({ status: 400, code: 'invalid_request' });
    expect(answer.body.errors).toMatchObject([{ field: expect.stringContaining('idempotency-key') }]);
    expect(await ordersOn(seatId)).toBe(0);
  });

  test.each([
    ['of one character', '~'],
    ['of 255 characters', '"'.repeat(255)],
  ])('%s is accepted', async (_name, key) => {
    expect((await send(placing(), key)).status).toBe(201);
  });
});

test('every operation that changes something documents the key', async () => {
  const changing = (await operationsOf(platform.app)).filter(({ method }) => method !== 'GET');
  const taking = changing.filter(({ parameters = [] }) =>
    parameters.some((each) => each.in === 'header' && each.name.toLowerCase() === 'idempotency-key'),
  );
  const others = changing.filter((each) => !taking.includes(each));
  expect(taking.length).toBeGreaterThanOrEqual(OPERATIONS.length);
  expect(new Set(others.map(({ method, path }) => `${method} ${path}`))).toEqual(
    new Set([
      // These two only read; they have a body because their ids do not fit into a path.
      'POST /api/order/analytics/events/batch',
      'POST /api/order/analytics/events/batch/individual',
      // Each scan has a key of its own, its nonce.
      'POST /api/order/scan/batch',
      'POST /api/webhook/stripe',
      'POST /api/order/webhook/stripe',
    ]),
  );
});

import { execFile } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { TOPICS } from '../support/announced.ts';
import { sql } from '../support/databases.ts';
import { goldenOrder, goldenSeats, shapeOf } from '../support/golden-messages.ts';
import { openOnlooker } from '../support/kafka-onlooker.ts';
import { sendToTopic } from '../support/kafka-sender.ts';
import { until } from '../support/servers.ts';
import { openHall } from '../support/stack/buyers.ts';
import type { Stack } from '../support/stack/stack.ts';
import { call } from '../support/test-app.ts';

const run = promisify(execFile);
const WAIT_MS = 30_000;
const ASK_EVERY_MS = 250;
const VIP_PRICE = 12_500;
const [CREATED, UPDATED, , CANCELED, SEATS] = TOPICS;
const SUCCEEDED = 'payment_succefully';
const FAILED = 'payment_unseecuufull';

/** The checks of a sound stack. */
export function replicasSuite(stackOf: () => Stack): void {
  const ask = (method: string, path: string, token?: string, body?: unknown) =>
    call(stackOf().url, method, path, { ...(token ? { token } : {}), body });
  const signIn = (name: string) => stackOf().servers.keycloak.signIn(name);

  /** An event’s hall by its title, with the fields of an order for it. */
  async function concert() {
    const [event] = (await ask('GET', '/api/event-query/v1/events/trending?limit=1')).body;
    const sessions = await ask('GET', `/api/event-query/v1/events/${event.id}/sessions`);
    const session = sessions.body.content[1];
    const map = await ask('GET', `/api/event-query/v1/sessions/${session.id}/seating-map`);
    const front = map.body.layout.blocks.find(({ name }: { name: string }) => name === 'Front');
    const seats: string[] = front.rows[2].seats.map(({ id }: { id: string }) => id);
    const where = { event_id: event.id, session_id: session.id, organization_id: event.organizationId };
    return { seats, request: (seat_ids: readonly string[]) => ({ ...where, seat_ids }) };
  }

  async function pay(token: string, orderId: string): Promise<string> {
    const { body } = await ask('POST', `/api/order/${orderId}/create-payment-intent`, token);
    await fetch(`${stackOf().url}/v1/payment_intents/${body.paymentIntentId}/confirm`, {
      method: 'POST',
      headers: { authorization: 'Bearer pk_test_embedded' },
      body: new URLSearchParams({ payment_method: 'pm_card_visa', client_secret: body.clientSecret }),
    });
    return body.paymentIntentId;
  }

  const statusOf = async (orderId: string, token: string) =>
    (await ask('GET', `/api/order/${orderId}`, token)).body.Status;

  test('each replica reports that all its servers are up and none is embedded', async () => {
    for (const { url } of stackOf().replicas) {
      const { body } = await call(url, 'GET', '/api/order/health');
      const there = { status: 'UP', embedded: false };
      expect(body).toMatchObject({ status: 'UP', database: there, redis: there, kafka: there });
    }
  });

  test('the demo runs unchanged', async () => {
    const env = { ...process.env, DEMO_URL: stackOf().url };
    const { stdout } = await run(process.execPath, ['scripts/demo.ts'], { env }).catch(
      (error: { stdout: string }) => error,
    );
    expect(stdout).toMatch(/All \d+ steps succeeded\./);
  });

  test('buyers on both replicas race for the same seats: no order is partial, and nothing is sold twice', async () => {
    const { seatIds, ...where } = await openHall(stackOf().url);
    const seats = seatIds.slice(0, 12);
    const tokens = await Promise.all(['buyer', 'buyer2'].map(signIn));
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, at) => {
        const { url } = stackOf().replicas[at % 2] as { url: string };
        const seat_ids = seats.slice(at % 11, (at % 11) + 2);
        if (at % 3 === 0) seat_ids.reverse();
        return call(url, 'POST', '/api/order', { token: tokens[at % 2] ?? '', body: { ...where, seat_ids } });
      }),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201, 409]));
    const won = answers.filter(({ status }) => status === 201).map(({ body }) => body);
    expect(won.length).toBeGreaterThan(1);
    for (const { seat_ids } of won) expect(seat_ids).toHaveLength(2);
    const sold = won.flatMap(({ seat_ids }) => seat_ids);
    expect(new Set(sold).size).toBe(sold.length);
    const live = await sql<{ seat_id: string }>(
      stackOf().servers.directDsn(),
      'SELECT seat_id FROM tickets WHERE voided_at IS NULL AND seat_id = ANY ($1)',
      [seats],
    );
    expect(live.map(({ seat_id }) => seat_id).toSorted()).toEqual(sold.toSorted());
  });

  test('the messages of the earlier service are on the topics, byte by byte, under their keys, with one header', async () => {
    const token = await signIn('buyer');
    const { seats, request } = await concert();
    const body = request(seats.slice(0, 2));
    const dropped = (await ask('POST', '/api/order', token, body)).body.order_id;
    expect((await ask('DELETE', `/api/order/${dropped}`, token)).status).toBe(204);
    const kept = await until(
      'the venue has them back',
      async () => (await ask('POST', '/api/order', token, body)).body?.order_id,
    );
    const intent = await pay(token, kept);
    await until('it is completed', async () => (await statusOf(kept, token)) === 'completed', WAIT_MS);

    const onlooker = await openOnlooker(stackOf().servers.links.kafka.address, TOPICS);
    const of = (topic: string, key: string) =>
      onlooker.seen.filter((record) => record.topic === topic && record.key === key);
    const shapes = (topic: string, key: string) => of(topic, key).map(({ value }) => shapeOf(value));
    await until('the end is seen', () => of(UPDATED, kept).some(({ value }) => value.includes('completed')), WAIT_MS);
    await until('the seats are seen, too', () => of(SEATS, body.session_id).length === 4, WAIT_MS);
    await onlooker.close();
    expect(shapes(CREATED, dropped)).toEqual([goldenOrder('pending', '', VIP_PRICE)]);
    const freed = ',"seat_ids":["<uuid>","<uuid>"]';
    expect(shapes(CANCELED, dropped)).toEqual([goldenOrder('cancelled', '', VIP_PRICE, freed)]);
    expect(shapes(CREATED, kept)).toEqual([goldenOrder('pending', '', VIP_PRICE)]);
    expect(shapes(UPDATED, kept).at(-1)).toBe(goldenOrder('completed', intent, VIP_PRICE));
    expect(shapes(SEATS, body.session_id)).toEqual(['LOCKED', 'AVAILABLE', 'LOCKED', 'BOOKED'].map(goldenSeats));
    for (const { headers } of onlooker.seen) expect(Object.keys(headers)).toEqual(['event-id']);
  });

  test('a message on each payment topic takes effect', async () => {
    const token = await signIn('buyer');
    const { seats, request } = await concert();
    const place = async (seat: string | undefined) =>
      (await ask('POST', '/api/order', token, request([seat ?? '']))).body.order_id;
    const [paid, failed] = [await place(seats[4]), await place(seats[5])];
    const broker = stackOf().servers.links.kafka.address;
    const message = (key: string, value: unknown) => ({ key, value: JSON.stringify(value) });
    await sendToTopic(broker, FAILED, [message(failed, { order_id: failed }), message(failed, 'no order')]);
    await sendToTopic(broker, SUCCEEDED, [message(paid, { order_id: paid, amount: VIP_PRICE })]);
    await until('it is completed', async () => (await statusOf(paid, token)) === 'completed', WAIT_MS);
    // After the other on its partition: when it is set aside, the other was read.
    const dead = await openOnlooker(broker, [`${FAILED}.dead`]);
    await until('the invalid one is set aside', () => dead.seen.length > 0, WAIT_MS);
    await dead.close();
    expect(dead.seen[0]?.key).toBe(failed);
    expect(await statusOf(failed, token)).toBe('pending');
  });

  test('the replicas share one token of the service, and one of them fetches the next before it ends', async () => {
    const { keycloak, redis } = stackOf().servers;
    const { seatIds, ...where } = await openHall(stackOf().url);
    const seats = seatIds.slice(-400);
    await keycloak.asAdmin('PUT', '/events/config', { eventsEnabled: true, enabledEventTypes: ['CLIENT_LOGIN'] });
    const fetched = async () => (await keycloak.asAdmin('GET', '/events?type=CLIENT_LOGIN')).length;
    const kept = async (): Promise<{ token: string; expires_at: string }> =>
      JSON.parse((await redis[0]?.cli('-c', 'get', 'm2m_token')) ?? '{}');
    const token = await signIn('buyer2');
    const everyReplicaAsks = () =>
      Promise.all(
        stackOf().replicas.map(({ url }) =>
          call(url, 'POST', '/api/order', { token, body: { ...where, seat_ids: [seats.pop()] } }),
        ),
      );
    /** Reads until another token is stored; returns when that one ends, and how many were fetched. */
    const next = async () => {
      const [{ token: old, expires_at: end }, before] = [await kept(), await fetched()];
      await until(
        'there is another',
        async () => {
          for (const { status } of await everyReplicaAsks()) expect(status).toBe(201);
          await setTimeout(ASK_EVERY_MS);
          return (await kept()).token !== old;
        },
        WAIT_MS,
      );
      expect(Date.now()).toBeLessThan(Date.parse(end));
      for (const { status } of await everyReplicaAsks()) expect(status).toBe(201);
      return (await fetched()) - before;
    };
    await next();
    expect(await next()).toBe(1);
  });
}

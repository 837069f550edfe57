import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { beforeEach, describe, expect, test } from 'vitest';
import { Currency } from '../../src/kernel/money.ts';
import { atEnd } from '../support/at-end.ts';
import { sql } from '../support/databases.ts';
import { type FakeIssuer, startFakeIssuer } from '../support/fake-issuer.ts';
import { type FakeSeating, seatQuestions, startFakeSeating } from '../support/fake-seating.ts';
import { testDatabase } from '../support/own-database.ts';
import { close, listen, until } from '../support/servers.ts';
import { type ReadProcess, startServiceProcess } from '../support/service-process.ts';
import { insist, productionVariables } from '../support/stop-process.ts';
import { call, findingsIn } from '../support/test-app.ts';

interface Service extends ReadProcess {
  readonly at: string;
  readonly dsn: string;
}

let issuer: FakeIssuer;
let seating: FakeSeating;
let service: Service;

/** The process as production runs it: every server but Redis and Kafka is another. */
async function start(variables: Record<string, string> = {}): Promise<Service> {
  const dsn = await testDatabase();
  const env = { ...productionVariables({ issuer, seating }, dsn), LOG_LEVEL: 'info', ...variables };
  const started = await startServiceProcess(env);
  return { ...started, at: await started.url(), dsn };
}

beforeEach(async () => {
  [issuer, seating] = await Promise.all([startFakeIssuer(), startFakeSeating()]);
  service = await start();
});

/** Each connection is a new one, and a refused one says that nobody listens. */
const notListening = () =>
  until('it takes no more connections', async () => {
    const refused = await fetch(`${service.at}/healthz`, { headers: { connection: 'close' } }).then(
      () => false,
      ({ cause }) => cause.code === 'ECONNREFUSED',
    );
    return refused;
  });

const orderFor = (token: string, signal: AbortSignal | null = null) => {
  const [session_id, event_id, organization_id] = [randomUUID(), randomUUID(), randomUUID()];
  const body = { session_id, event_id, organization_id, seat_ids: [randomUUID()] };
  return call(service.at, 'POST', '/api/order', { token, body, signal });
};

// A stop that its time limit cuts short ends with 1: each 0 here says that it was in time.
describe('SIGTERM', () => {
  // What it does while the delay lasts is in drain.test.ts.
  test('it answers requests under way, ends streams, publishes all messages and closes every connection', async () => {
    const [buyer, organiser, eventId] = [randomUUID(), randomUUID(), randomUUID()];
    const token = await issuer.token(buyer);
    seating.owners.set(eventId, organiser);
    const stream = await fetch(`${service.at}/api/order/sse/checkouts/event/${eventId}`, {
      headers: { authorization: `Bearer ${await issuer.token(organiser)}` },
    });
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toContain('event: connected');

    const gate = Promise.withResolvers<void>();
    seating.gate = gate.promise;
    const underWay = Array.from({ length: 8 }, () => orderFor(token));
    // Each asks both services.
    await until(
      'all of them wait for the seating services',
      () => seatQuestions(seating).length === 2 * underWay.length,
    );

    service.child.kill('SIGTERM');
    while (!(await reader?.read())?.done);
    await notListening();
    expect(service.child.exitCode).toBeNull();

    gate.resolve();
    expect((await Promise.all(underWay)).map(({ status }) => status)).toEqual(Array(8).fill(201));
    expect(await service.ended).toBe(0);
    const steps = service.output().match(/told to stop|not ready any more|requests under way have ended|"stopped"/g);
    expect(steps).toEqual(['told to stop', 'not ready any more', 'requests under way have ended', '"stopped"']);

    const [left] = await sql<{ orders: string; waiting: string; connections: string }>(
      service.dsn,
      `SELECT (SELECT count(*) FROM orders) AS orders,
              (SELECT count(*) FROM outbox WHERE published_at IS NULL) AS waiting,
              (SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name LIKE 'ms-ticketing%') AS connections`,
    );
    expect(left).toEqual({ orders: '8', waiting: '0', connections: '0' });
    expect(await findingsIn(service.dsn, new Currency('lkr'))).toEqual([]);
  });

  test('it finishes orders whose buyers have disconnected before it closes the database', async () => {
    // More than go into the statements under way, and so that each can ask both services at once.
    const count = 30;
    const gate = Promise.withResolvers<void>();
    seating.gate = gate.promise;
    const gone = new AbortController();
    const token = await issuer.token(randomUUID());
    const underWay = Array.from({ length: count }, () => orderFor(token, gone.signal).catch(() => 'gone'));
    await until('all of them wait for the seating services', () => seatQuestions(seating).length === 2 * count);
    gone.abort();
    expect(await Promise.all(underWay)).toEqual(Array(count).fill('gone'));
    service.child.kill('SIGTERM');
    await notListening();
    gate.resolve();
    expect(await service.ended).toBe(0);
    expect(service.output()).not.toContain('request failed');
    expect(await sql(service.dsn, 'SELECT FROM orders')).toHaveLength(count);
    expect(await findingsIn(service.dsn, new Currency('lkr'))).toEqual([]);
  });

  test('a request that never ends does not delay it', async () => {
    const socket = connect(Number(new URL(service.at).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.on('error', () => undefined);
    socket.write(
      `POST /api/order HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${await issuer.token(randomUUID())}\r\n` +
        'content-type: application/json\r\ncontent-length: 100\r\n\r\n{',
    );
    // A second one behind it shows that the first has been read.
    expect((await call(service.at, 'GET', '/healthz')).status).toBe(200);
    service.child.kill('SIGTERM');
    expect(await service.ended).toBe(0);
    socket.destroy();
  });

  test('a comparison with a silent Stripe does not delay it', async () => {
    let asked = 0;
    const silent = createServer(() => {
      asked += 1;
    });
    const STRIPE_API_BASE = await listen(silent);
    atEnd(() => close(silent));
    const comparing = await start({ STRIPE_API_BASE, RECONCILE_DAYS: '3' });
    await until('Stripe is asked', () => asked > 0);
    comparing.child.kill('SIGTERM');
    expect(await comparing.ended).toBe(0);
  });

  test('a signal that npm and the terminal both send counts once', async () => {
    const gate = Promise.withResolvers<void>();
    seating.gate = gate.promise;
    const placed = orderFor(await issuer.token(randomUUID()));
    await until('it waits for the seating service', () => seating.calls.length > 0);
    service.child.kill('SIGTERM');
    service.child.kill('SIGTERM');
    await notListening();
    gate.resolve();
    expect((await placed).status).toBe(201);
    expect(await service.ended).toBe(0);
  });

  test('a second signal ends it at once', async () => {
    const gate = Promise.withResolvers<void>();
    seating.gate = gate.promise;
    const cut = orderFor(await issuer.token(randomUUID())).catch(() => 'cut');
    await until('it waits for the seating service', () => seating.calls.length > 0);
    service.child.kill('SIGTERM');
    await notListening();
    await insist(service.child);
    expect(await service.ended).toBe(130);
    expect(await cut).toBe('cut');
    gate.resolve();
  });
});

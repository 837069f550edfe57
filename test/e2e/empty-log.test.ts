import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Watch } from '../../src/app.ts';
import { emptyDatabase } from '../support/own-database.ts';
import { startPlatformApp } from '../support/platform-app.ts';
import { until } from '../support/servers.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

const ERROR = 50;
const DEBUG = 20;

const linesOf = ({ log }: Pick<TestApp, 'log'>) => log.map((line) => JSON.parse(line));
const words = (app: TestApp) => linesOf(app).map(({ msg }) => String(msg));

/** A database on which every statement fails while the switch is on. */
function breakable(): { readonly watch: Watch; isBroken: boolean } {
  const state = {
    isBroken: false,
    watch: ((name, port) => {
      if (name !== 'database') return port;
      return new Proxy(port, {
        get(target, property, receiver) {
          const value: unknown = Reflect.get(target, property, receiver);
          const isQuiet = ['use', 'close', 'ping'].includes(String(property));
          if (typeof value !== 'function' || isQuiet) return value;
          return (...values: unknown[]) =>
            state.isBroken ? Promise.reject(new Error('it broke')) : Reflect.apply(value, target, values);
        },
      });
    }) as Watch,
  };
  return state;
}

describe('empty-log: what the log says at info', () => {
  test('it records a start and a stop, and nothing of a sale', async () => {
    const platform = await startPlatformApp({ LOG_LEVEL: 'info' });
    const { app } = platform;
    await until('it leads and has compared', () =>
      ['leadership of the relay won', 'payments compared with Stripe'].every((each) => words(app).includes(each)),
    );
    const token = await platform.token(randomUUID());
    const orderId = await platform.place(token);
    await platform.pay(token, orderId);
    expect((await app.call('POST', `/api/order/${orderId}/checkout`, { token })).body.Status).toBe('completed');
    const other = await platform.place(token);
    expect((await app.call('DELETE', `/api/order/${other}`, { token })).status).toBe(204);
    expect((await app.call('GET', `/api/order/${randomUUID()}`, { token })).status).toBe(404);
    const started = linesOf(app);
    expect(words(app).toSorted()).toEqual([
      'leadership of the relay won',
      expect.stringMatching(/^ms-ticketing is up: http:\/\/localhost:\d+ after \d+ ms$/),
      'ms-ticketing starts',
      'pages of these origins may call the API',
      'payments compared with Stripe',
    ]);
    expect(started[0]).toMatchObject({
      version: '0.1.0',
      node: process.versions.node,
      workers: 1,
      real: ['PostgreSQL', 'Identity', 'Venue'],
      embedded: ['Stripe', 'Redis', 'Kafka'],
    });
    expect(started.find(({ port }) => port !== undefined)).toMatchObject({
      port: Number(new URL(app.url).port),
      ms: expect.any(Number),
    });

    await app.app.close();
    expect(words(app).slice(started.length)).toEqual([
      'not ready any more, and serving until the delay has passed',
      'requests under way have ended',
      'leadership of the relay given up',
    ]);
    expect(linesOf(app).find(({ cut }) => cut !== undefined)).toMatchObject({ cut: 0 });
  });

  test('it names each migration that is applied', async () => {
    const app = await startTestApp({ POSTGRES_DSN: await emptyDatabase(), LOG_LEVEL: 'info' });
    const applied = linesOf(app).flatMap(({ msg, migration }) => (msg === 'migration applied' ? [migration] : []));
    const files = readdirSync('migrations').filter((name) => name.endsWith('.up.sql'));
    expect(applied).toEqual(files.toSorted().map((name) => name.replace(/\.up\.sql$/, '')));
  });

  test('it names each background job that fails', async () => {
    const database = breakable();
    database.isBroken = true;
    const app = await startTestApp({ LOG_LEVEL: 'info' }, { watch: database.watch });
    const failures = () => linesOf(app).filter(({ msg }) => msg === 'background work failed');
    const jobs = [
      'relay',
      'webhooks',
      'refunds',
      'expiry',
      'conclusion',
      'decision',
      'keyForgetting',
      'webhookForgetting',
      'reconciliation',
      'folding',
      'saleNumbering',
      'saleForgetting',
    ];
    await until('all of them have failed', () => {
      const named = new Set(failures().map(({ job }) => job));
      return jobs.every((job) => named.has(job));
    });
    database.isBroken = false;
    for (const failure of failures())
      expect(failure).toMatchObject({ level: ERROR, job: expect.any(String), err: { message: 'it broke' } });
  });
});

describe('empty-log: a request', () => {
  test('is one line at error with its ids when the service fails, and one at debug otherwise', async () => {
    const database = breakable();
    const platform = await startPlatformApp({ LOG_LEVEL: 'debug' }, {}, { watch: database.watch });
    const { app } = platform;
    const buyer = randomUUID();
    const token = await platform.token(buyer);
    const orderId = await platform.place(token);
    const about = async (answer: { headers: Headers }) => {
      const id = answer.headers.get('x-request-id');
      await until('it is logged', () => linesOf(app).some(({ reqId }) => reqId === id));
      return linesOf(app).filter(({ reqId }) => reqId === id);
    };
    const line = { method: 'GET', route: '/api/order/:orderId', userId: buyer, orderId, ms: expect.any(Number) };

    const good = await app.call('GET', `/api/order/${orderId}`, { token });
    expect(good.status).toBe(200);
    expect(await about(good)).toEqual([
      expect.objectContaining({ ...line, level: DEBUG, status: 200, msg: 'request' }),
    ]);

    database.isBroken = true;
    const failed = await app.call('GET', `/api/order/${orderId}`, { token });
    const asked = await app.call('GET', `/api/order/ticket?orderId=${orderId}`, { token });
    database.isBroken = false;
    expect(failed.status).toBe(500);
    expect(await about(failed)).toEqual([
      expect.objectContaining({
        ...line,
        level: ERROR,
        status: 500,
        msg: 'request failed',
        err: expect.objectContaining({ message: 'it broke' }),
      }),
    ]);
    expect(await about(asked)).toEqual([
      expect.objectContaining({ level: ERROR, orderId, route: '/api/order/ticket' }),
    ]);
  });
});

import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { instant, later } from '../../src/kernel/clock.ts';
import { samplesOf } from '../support/metrics.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { deliverPayment, startReplica } from '../support/races.ts';
import { until } from '../support/servers.ts';
import type { TestApp } from '../support/test-app.ts';

const MS_PER_MINUTE = 60_000;
/** Orders placed while the replica with the wrong clock sweeps. */
const ORDERS = 20;

/** The clock of a machine, which a test sets while the service runs. */
function settableClock() {
  let aheadMs = 0;
  return {
    now: () => later(instant(Date.now()), aheadMs),
    setAhead(minutes: number) {
      aheadMs = minutes * MS_PER_MINUTE;
    },
  };
}

describe('clock-ahead', () => {
  const processClock = settableClock();
  let platform: PlatformApp;
  let replica: TestApp;
  let buyer: string;

  beforeAll(async () => {
    platform = await startPlatformApp({ SWEEP_INTERVAL_SECONDS: '3600' });
    processClock.setAhead(10);
    // Its background work runs, too: it sweeps twenty times a second.
    replica = await startReplica(platform, {}, { processClock }, { background: true });
    buyer = await platform.token(randomUUID());
  });

  const health = () => replica.call('GET', '/api/order/health');
  const linesOf = (words: string) => replica.log.filter((line) => line.includes(words));
  const difference = async () => (await samplesOf(replica)).ticketing_clock_difference_seconds ?? Number.NaN;

  test('a replica whose clock is ahead cancels no order whose hold has not ended', async () => {
    const orderIds = await Promise.all(Array.from({ length: ORDERS }, () => platform.place(buyer)));
    const ended = orderIds.pop() ?? '';
    await platform.app.sql("UPDATE orders SET expires_at = now() - interval '1 second' WHERE order_id = $1", [ended]);
    // Only the replica sweeps, so once it has ended this order it has looked at the others.
    const statusOf = async (ids: readonly string[]) =>
      (await platform.app.sql<{ status: string }>('SELECT status FROM orders WHERE order_id = ANY ($1)', [ids])).map(
        ({ status }) => status,
      );
    await until('the sweeper ends the hold that is over', async () => (await statusOf([ended])).includes('cancelled'));
    expect(new Set(await statusOf(orderIds))).toEqual(new Set(['pending']));
  });

  test('a replica whose clock is ahead holds seats as long as the database says', async () => {
    const { body } = await replica.call('POST', '/api/order', { token: buyer, body: platform.request() });
    const [order] = await platform.app.sql<{ ahead: number }>(
      'SELECT EXTRACT(epoch FROM expires_at - now())::float AS ahead FROM orders WHERE order_id = $1',
      [body.order_id],
    );
    expect(order?.ahead).toBeGreaterThan(240);
    expect(order?.ahead).toBeLessThanOrEqual(301);
  });

  test('a replica whose clock is ahead accepts webhooks and tokens that are valid now', async () => {
    const orderId = await platform.place(buyer);
    const { body } = await platform.app.call('POST', `/api/order/${orderId}/create-payment-intent`, { token: buyer });
    const answer = await deliverPayment({ app: replica } as Pick<PlatformApp, 'app'>, orderId, body.paymentIntentId);
    expect(answer.status, answer.text).toBe(200);
    const shortLived = await platform.issuer.token(randomUUID(), {}, { expiresIn: 120 });
    expect((await replica.call('GET', '/api/order/user/orders', { token: shortLived })).status).toBe(200);
  });

  test('a replica whose clock is ahead is not ready, and says so in its health, a metric and one error line', async () => {
    expect(await health()).toMatchObject({
      status: 503,
      body: { status: 'DOWN', database: { status: 'UP' }, clock: { status: 'DOWN' } },
    });
    expect((await health()).body.clock.difference_seconds).toBeCloseTo(600, -1);
    expect(await difference()).toBeCloseTo(600, -1);
    expect((await platform.app.call('GET', '/api/order/health')).body).toMatchObject({
      status: 'UP',
      clock: { status: 'UP' },
    });
    expect(linesOf('clock and the database’s differ')).toHaveLength(1);
    expect(linesOf('clock and the database’s differ')[0]).toContain('"level":50');
  });

  test('a clock that is corrected while the service runs makes the replica ready again, and is logged once', async () => {
    processClock.setAhead(0);
    expect(await health()).toMatchObject({ status: 200, body: { clock: { status: 'UP' } } });
    await until('it says so', () => linesOf('agree again').length === 1, 20_000);
    expect(Math.abs(await difference())).toBeLessThan(5);
  });

  test('a clock that is set back while the service runs ends no hold later than the database says', async () => {
    processClock.setAhead(-10);
    expect(await health()).toMatchObject({ status: 503, body: { clock: { status: 'DOWN' } } });
    const { body } = await replica.call('POST', '/api/order', { token: buyer, body: platform.request() });
    await platform.app.sql("UPDATE orders SET expires_at = now() - interval '1 second' WHERE order_id = $1", [
      body.order_id,
    ]);
    await until('the sweeper ends the hold', async () => {
      const [order] = await platform.app.sql<{ status: string }>('SELECT status FROM orders WHERE order_id = $1', [
        body.order_id,
      ]);
      return order?.status === 'cancelled';
    });
    processClock.setAhead(0);
  });
});

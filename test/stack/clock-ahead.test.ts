import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { sql } from '../support/databases.ts';
import { DEMO_SEATS_SEARCH, ordersOfOneSeat } from '../support/demo-orders.ts';
import { testDatabase } from '../support/own-database.ts';
import { until } from '../support/servers.ts';
import { startServiceProcess } from '../support/service-process.ts';
import { call, signIn } from '../support/test-app.ts';

const ORDERS = 40;

/**
 * The environment of a process whose machine’s clock is ten minutes ahead: `faketime` loads its library
 * before the C library, and sets the environment of the process that it starts for that.
 */
function tenMinutesAhead(): Record<string, string> {
  const library = '/usr/$LIB/faketime/libfaketime.so.1';
  return { LD_PRELOAD: library, FAKETIME: '+10m', FAKETIME_DONT_FAKE_MONOTONIC: '1' };
}

describe('clock-ahead: two processes on one database', () => {
  test('the one whose clock is ten minutes ahead cancels none of the other’s orders, and is not ready', async () => {
    const dsn = await testDatabase();
    const right = await startServiceProcess({ POSTGRES_DSN: dsn, SWEEP_INTERVAL_SECONDS: '3600' });
    const url = await right.url();
    const token = await signIn(url, 'buyer');
    const bodies = await ordersOfOneSeat(url, DEMO_SEATS_SEARCH, ORDERS);
    const orderIds = await Promise.all(
      bodies.map(async (body) => {
        const answer = await call(url, 'POST', '/api/order', { token, body });
        expect(answer.status, answer.text).toBe(201);
        return answer.body.order_id as string;
      }),
    );
    const [ended = '', ...held] = orderIds;
    await sql(dsn, "UPDATE orders SET expires_at = now() - interval '1 second' WHERE order_id = $1", [ended]);

    const ahead = await startServiceProcess({
      ...tenMinutesAhead(),
      POSTGRES_DSN: dsn,
      SWEEP_INTERVAL_SECONDS: '0.05',
    });
    const aheadUrl = await ahead.url();
    expect(readFileSync(`/proc/${ahead.child.pid}/maps`, 'utf8')).toContain('libfaketime');
    const statusOf = async (ids: readonly string[]) => {
      const rows = await sql<{ status: string }>(dsn, 'SELECT status FROM orders WHERE order_id = ANY ($1)', [ids]);
      return new Set(rows.map(({ status }) => status));
    };
    await until('it ends the hold that is over', async () => (await statusOf([ended])).has('cancelled'), 60_000);
    expect(await statusOf(held)).toEqual(new Set(['pending']));
    expect(await call(aheadUrl, 'GET', '/api/order/health')).toMatchObject({
      status: 503,
      body: { clock: { status: 'DOWN' }, database: { status: 'UP' } },
    });
    const { text } = await call(aheadUrl, 'GET', '/metrics');
    expect(Number(/^ticketing_clock_difference_seconds (\S+)$/m.exec(text)?.[1])).toBeCloseTo(600, -1);
    expect(ahead.output().split('clock and the database’s differ')).toHaveLength(2);
    expect((await call(url, 'GET', '/api/order/health')).status).toBe(200);
  });
});

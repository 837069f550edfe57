import { execFileSync } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DEMO_SEATS_SEARCH, ordersOfOneSeat } from '../support/demo-orders.ts';
import { confirmIntent } from '../support/platform-app.ts';
import { until } from '../support/servers.ts';
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts';
import { call, signIn } from '../support/test-app.ts';

/** Room for a few changes: the disk fills up between a change and the delivery of its event. */
const ROOM_BYTES = 4_096;

/** The kernel lets the process alone write no file beyond so many bytes, as a disk without room does. */
function limitFiles({ child }: ServiceProcess, bytes: number | 'unlimited'): void {
  execFileSync('prlimit', ['--pid', String(child.pid), `--fsize=${bytes}:unlimited`]);
}

describe('disk-full-embedded', () => {
  test('it refuses payments while the stand-ins have no room, logs that once, and accepts them again when there is room', async () => {
    const service = await startServiceProcess({ LOG_LEVEL: 'info', SWEEP_INTERVAL_SECONDS: '0.05' });
    const url = await service.url();
    const token = await signIn(url, 'buyer');
    const bodies = await ordersOfOneSeat(url, DEMO_SEATS_SEARCH, 60);
    const place = async () => {
      const { status, body } = await call(url, 'POST', '/api/order', { token, body: bodies.pop() });
      expect(status, JSON.stringify(body)).toBe(201);
      return body.order_id as string;
    };
    const offer = async (orderId: string) =>
      call(url, 'POST', `/api/order/${orderId}/create-payment-intent`, { token });

    const paidOrder = await place();
    const paid = (await offer(paidOrder)).body;
    const { size } = await stat(join(service.dataDir, 'stripe', 'stripe.jsonl'));
    limitFiles(service, size + ROOM_BYTES);
    const refused = await until('a payment is refused for want of room', async () => {
      const answer = await offer(await place());
      return answer.status !== 200 && answer;
    });
    expect(refused).toMatchObject({ status: 503, body: { code: 'payments_unavailable' } });
    expect(refused.headers.get('retry-after')).not.toBeNull();
    expect(await confirmIntent(url, paid.paymentIntentId, paid.clientSecret, 'pm_card_visa')).toBe(503);
    expect((await call(url, 'GET', '/healthz')).text).toBe('OK');
    const complaints = service.output().match(/a stand-in cannot write what it keeps/g) ?? [];
    // The venue keeps a file of its own.
    expect([1, 2]).toContain(complaints.length);
    expect(service.output()).toContain('Make room on its disk');

    limitFiles(service, 'unlimited');
    await until(
      'the payment goes through',
      async () => (await confirmIntent(url, paid.paymentIntentId, paid.clientSecret, 'pm_card_visa')) === 200,
    );
    const orderOf = (orderId: string) => call(url, 'GET', `/api/order/${orderId}`, { token });
    await until('its webhook completes the order', async () =>
      JSON.stringify((await orderOf(paidOrder)).body).includes('"completed"'),
    );
    expect((await offer(await place())).status).toBe(200);
    expect(service.output()).toContain('a stand-in writes what it keeps again');
    service.child.kill('SIGTERM');
    expect(await service.ended).toBe(0);
  });
});

import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';

const ADMIN = { user_groups: ['/Permissions/Users/System Admins'] };
const [adminId, organiserId] = [randomUUID(), randomUUID()];
let platform: PlatformApp;
let buyer: string;
let admin: string;
let organiser: string;

beforeAll(async () => {
  platform = await startPlatformApp({ RECONCILE_DAYS: '0' });
  platform.seating.owners.set(platform.eventId, organiserId);
  buyer = await platform.token(randomUUID());
  admin = await platform.issuer.token(adminId, ADMIN);
  organiser = await platform.token(organiserId);
});

const trail = (query = '', token = organiser) =>
  platform.app.call('GET', `/api/order/audit/events/${platform.eventId}${query}`, { token });

/** What the trail says of an order, newest first. */
async function deedsOn(orderId: string) {
  const { status, body } = await trail('?limit=500');
  expect(status).toBe(200);
  return body
    .filter((entry: { order_id: string }) => entry.order_id === orderId)
    .map(({ action, before, after }: Record<string, unknown>) => ({ action, before, after }));
}

async function completed(): Promise<string> {
  const orderId = await platform.place(buyer);
  await platform.pay(buyer, orderId);
  const { status } = await platform.app.call('POST', `/api/order/${orderId}/checkout`, { token: buyer });
  expect(status).toBe(200);
  return orderId;
}

const cancel = (orderId: string, token: string) =>
  platform.app.call('DELETE', `/api/order/${orderId}`, { token });

describe('the trail has', () => {
  test('an order that an administrator cancels, with who and when', async () => {
    const orderId = await completed();
    const from = Date.now();
    expect((await cancel(orderId, admin)).status).toBe(204);
    const [entry] = (await trail('?limit=1')).body;
    expect(entry).toEqual({
      entry_id: expect.any(Number),
      at: expect.any(String),
      actor: adminId,
      action: 'order.cancelled',
      event_id: platform.eventId,
      session_id: platform.sessionId,
      order_id: orderId,
      ticket_id: '',
      before: { status: 'completed' },
      after: { status: 'cancelled' },
    });
    expect(Date.parse(entry.at)).toBeGreaterThanOrEqual(from);
    expect(Date.parse(entry.at)).toBeLessThanOrEqual(Date.now());
  });

  test('money that is given back, part after part', async () => {
    const orderId = await completed();
    for (const amount of [30.5, 69.5]) {
      const options = { token: admin, body: { amount, reason: 'for Nimal, 077 123' } };
      expect((await platform.app.call('POST', `/api/order/${orderId}/refund`, options)).status).toBe(200);
    }
    const refund_id = expect.any(String);
    expect(await deedsOn(orderId)).toEqual([
      {
        action: 'order.refunded',
        before: { status: 'completed', left: 69.5 },
        after: { status: 'cancelled', left: 0, refund_id },
      },
      {
        action: 'order.refunded',
        before: { status: 'completed', left: 100 },
        after: { status: 'completed', left: 69.5, refund_id },
      },
    ]);
    expect((await trail('?limit=500')).text).not.toContain('Nimal');
  });

  test('a refund that was paid out in another way', async () => {
    const orderId = await completed();
    const refundId = randomUUID();
    await platform.app.sql(
      `WITH counted AS (
         INSERT INTO money_by_session (organization_id, event_id, session_id, currency, taken_minor, refunded_minor)
         SELECT organization_id, event_id, session_id, 'lkr', 0, 150 FROM orders WHERE order_id = $2)
       INSERT INTO refunds (refund_id, payment_intent_id, amount_minor, origin, reason, created_at, attempts, next_attempt_at)
       SELECT $1, payment_intent_id, 150, 'service', 'a test', now(), 12, now() FROM payments WHERE order_id = $2`,
      [refundId, orderId],
    );
    const options = { token: admin, body: { reference: 'bank transfer of Nimal' } };
    const path = `/api/order/admin/payments/${refundId}/settled`;
    expect((await platform.app.call('POST', path, options)).status).toBe(204);
    expect((await platform.app.call('POST', path, options)).status).toBe(404);
    expect(await deedsOn(orderId)).toEqual([
      {
        action: 'refund.settled',
        before: { refund_id: refundId, is_paid_out: false },
        after: { refund_id: refundId, is_paid_out: true, amount: 1.5 },
      },
    ]);
  });
});

test('what a buyer does, and what is refused, is no deed', async () => {
  const [pending, other] = [await platform.place(buyer), await completed()];
  await cancel(pending, buyer);
  expect((await cancel(pending, admin)).status).toBe(409);
  const refund = { token: admin, body: { amount: 1_000 } };
  expect((await platform.app.call('POST', `/api/order/${other}/refund`, refund)).status).toBe(409);
  expect([await deedsOn(pending), await deedsOn(other)]).toEqual([[], []]);
});

test('pages follow each other, newest first, also while entries are added', async () => {
  for (let count = 0; count < 5; count += 1) await cancel(await platform.place(buyer), admin);
  const all = (await trail('?limit=500')).body.map(({ entry_id }: { entry_id: number }) => entry_id);
  expect(all).toEqual(all.toSorted((a: number, b: number) => b - a));
  const seen: number[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const page = await trail(`?limit=2${cursor && `&cursor=${cursor}`}`);
    expect(page.body.length).toBeLessThanOrEqual(2);
    seen.push(...page.body.map(({ entry_id }: { entry_id: number }) => entry_id));
    cursor = page.headers.get('x-next-cursor');
    if (seen.length === 2) await cancel(await platform.place(buyer), admin);
  }
  expect(seen).toEqual(all);
});

test.each(['?limit=0', '?limit=501', '?limit=x', '?cursor=0', '?cursor=-', '?cursor=1e300'])(
  'a page %s is refused',
  async (query) => {
    expect(await trail(query)).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  },
);

test('nobody can change what is written, the service included', async () => {
  await cancel(await platform.place(buyer), admin);
  for (const statement of [`UPDATE audit_trail SET action = 'ticket.issued'`, 'DELETE FROM audit_trail']) {
    await expect(platform.app.sql(statement)).rejects.toThrow('only added to');
  }
});

import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Person, people } from '../support/people/people.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { insertStuckRefund } from '../support/stored.ts';

let platform: PlatformApp;
let buyer: Person;
let admin: Person;
let organiser: Person;

beforeAll(async () => {
  platform = await startPlatformApp({ RECONCILE_DAYS: '0' });
  ({ buyer, admin, organiser } = await people(platform));
});

/** The entries of the trail about an order, newest first. */
async function entriesOf(orderId: string) {
  const entries = (await organiser.audit()).filter((entry) => entry.order_id === orderId);
  return entries.map(({ action, before, after }) => ({ action, before, after }));
}

const completed = async () => (await buyer.buy([randomUUID()])).orderId;

describe('the audit trail', () => {
  test('records the cancellation of an order by an administrator, with who and when', async () => {
    const orderId = await completed();
    const from = Date.now();
    await admin.cancel(orderId);
    const [entry] = await organiser.audit('?limit=1');
    expect(entry).toEqual({
      entry_id: expect.any(Number),
      at: expect.any(String),
      actor: admin.id,
      action: 'order.cancelled',
      event_id: platform.eventId,
      session_id: platform.sessionId,
      order_id: orderId,
      ticket_id: '',
      before: { status: 'completed' },
      after: { status: 'cancelled' },
    });
    expect(Date.parse(String(entry?.at))).toBeGreaterThanOrEqual(from);
    expect(Date.parse(String(entry?.at))).toBeLessThanOrEqual(Date.now());
  });

  test('records each partial refund', async () => {
    const orderId = await completed();
    for (const amount of [30.5, 69.5]) await admin.refund(orderId, { amount, reason: 'for Nimal, 077 123' });
    const refund_id = expect.any(String);
    expect(await entriesOf(orderId)).toEqual([
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
    expect((await organiser.tries.audit()).text).not.toContain('Nimal');
  });

  test('records that a refund was paid by other means', async () => {
    const orderId = await completed();
    const refundId = await insertStuckRefund(platform.app, orderId, 150);
    await admin.settlePayment(refundId, 'bank transfer of Nimal');
    expect((await admin.tries.settlePayment(refundId, 'bank transfer of Nimal')).status).toBe(404);
    expect(await entriesOf(orderId)).toEqual([
      {
        action: 'refund.settled',
        before: { refund_id: refundId, is_paid_out: false },
        after: { refund_id: refundId, is_paid_out: true, amount: 1.5 },
      },
    ]);
  });
});

test('records neither the actions of a buyer nor refused requests', async () => {
  const [pending, other] = [await buyer.place(), await completed()];
  await buyer.cancel(pending);
  expect((await admin.tries.cancel(pending)).status).toBe(409);
  expect((await admin.tries.refund(other, 1_000)).status).toBe(409);
  expect([await entriesOf(pending), await entriesOf(other)]).toEqual([[], []]);
});

test('lists its pages newest first without gaps or repeats, also while entries are added', async () => {
  for (let count = 0; count < 5; count += 1) await admin.cancel(await buyer.place());
  const all = (await organiser.audit()).map(({ entry_id }) => entry_id);
  expect(all).toEqual(all.toSorted((a, b) => b - a));
  const seen: number[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const page = await organiser.tries.audit(`?limit=2${cursor && `&cursor=${cursor}`}`);
    expect(page.body.length).toBeLessThanOrEqual(2);
    seen.push(...page.body.map(({ entry_id }: { entry_id: number }) => entry_id));
    cursor = page.headers.get('x-next-cursor');
    if (seen.length === 2) await admin.cancel(await buyer.place());
  }
  expect(seen).toEqual(all);
});

test.each(['?limit=0', '?limit=501', '?limit=x', '?cursor=0', '?cursor=-', '?cursor=1e300'])(
  'refuses the page %s',
  async (query) => {
    expect(await organiser.tries.audit(query)).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  },
);

test('cannot be changed by anyone, including the service', async () => {
  await admin.cancel(await buyer.place());
  for (const statement of [`UPDATE audit_trail SET action = 'ticket.issued'`, 'DELETE FROM audit_trail']) {
    await expect(platform.app.sql(statement)).rejects.toThrow('only added to');
  }
});

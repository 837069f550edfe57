import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { Overrides } from '../../src/app.ts';
import { DOORS_ALWAYS_OPEN, type PlatformApp } from './platform-app.ts';
import { startTestApp, type TestApp, type TestAppOptions } from './test-app.ts';
import { deliver, paidIntent, stripeEvent } from './webhooks.ts';

/** Another replica on the same servers with a memory of its own: it does not know the holds of the first one. */
export function startReplica(
  { app, issuer, seating }: PlatformApp,
  env: Record<string, string> = {},
  overrides: Overrides = {},
  options: TestAppOptions = { background: false },
): Promise<TestApp> {
  const same = {
    POSTGRES_DSN: app.dsn,
    OIDC_ISSUER: issuer.issuer,
    TICKET_CLIENT_SECRET: 'another-replica',
    EVENT_QUERY_SERVICE_URL: `${seating.url}/query`,
    EVENT_SEATING_SERVICE_URL: `${seating.url}/seating`,
    STRIPE_WEBHOOK_SECRET: 'whsec_test',
    ...DOORS_ALWAYS_OPEN,
  };
  return startTestApp({ ...same, ...env }, overrides, options);
}

/** Twenty times, buyers on two replicas order overlapping seats at once: each gets all of theirs or is refused. */
export async function raceForSeats(platform: PlatformApp, replica: TestApp): Promise<void> {
  const token = await platform.token(randomUUID());
  for (let round = 0; round < 20; round += 1) {
    const [a = '', b = '', c = ''] = [randomUUID(), randomUUID(), randomUUID()];
    const sets = [
      [a, b],
      [b, a],
      [b, c],
      [c, a],
      [a, b, c],
      [c, b, a],
    ];
    const place = (seatIds: readonly string[], app: TestApp) =>
      app.call('POST', '/api/order', { token, body: platform.request(seatIds) });
    const answers = await Promise.all(sets.flatMap((set) => [place(set, platform.app), place(set, replica)]));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201, 409]));
  }
}

/** Two scanners of the platform's session. */
export async function twoScanners(platform: PlatformApp): Promise<string[]> {
  const ids = [randomUUID(), randomUUID()];
  for (const id of ids) platform.seating.scanners.set(id, new Set([platform.sessionId]));
  return Promise.all(ids.map((id) => platform.issuer.token(id, {}, { expiresIn: 3_600 })));
}

/** Delivers a signed webhook that reports a payment of an order's price, with a new event id when none is given. */
export function deliverPayment(
  platform: Pick<PlatformApp, 'app'>,
  orderId: string,
  intentId: string,
  amount = 10_000,
  { eventId, headers = {} }: { eventId?: string | undefined; headers?: Record<string, string> } = {},
) {
  const intent = paidIntent(orderId, { id: intentId, amount, amount_received: amount });
  const event = stripeEvent('payment_intent.succeeded', intent, eventId === undefined ? {} : { id: eventId });
  return deliver(platform.app, event, { headers });
}

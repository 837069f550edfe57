import { randomUUID } from 'node:crypto';
import Stripe from 'stripe';
import { readQrCode } from '../../scripts/qr-reader.ts';
import type { Overrides } from '../../src/app.ts';
import type { PlatformApp } from './platform-app.ts';
import { startTestApp, type TestApp } from './test-app.ts';

/**
 * Another replica on the same servers with a memory of its own: what the first one holds it does not know. Its background
 * work does not run, unless the test starts it.
 */
export function startReplica(
  { app, issuer, seating }: PlatformApp,
  env: Record<string, string> = {},
  overrides: Overrides = {},
): Promise<TestApp> {
  const servers = {
    POSTGRES_DSN: app.dsn,
    OIDC_ISSUER: issuer.issuer,
    TICKET_CLIENT_SECRET: 'another-replica',
    EVENT_QUERY_SERVICE_URL: `${seating.url}/query`,
    EVENT_SEATING_SERVICE_URL: `${seating.url}/seating`,
  };
  return startTestApp({ ...servers, ...env }, overrides, { background: false });
}

/** Many want overlapping sets of three seats, in every order, on two replicas at once; the statuses answered. */
export async function raceForSeats(
  platform: PlatformApp,
  replica: TestApp,
  buyers: number,
): Promise<number[]> {
  const [a = '', b = '', c = ''] = [randomUUID(), randomUUID(), randomUUID()];
  const wishes = [
    [a, b],
    [b, a],
    [b, c],
    [c, a],
    [a, b, c],
    [c, b, a],
  ];
  const token = await platform.token(randomUUID());
  const answers = await Promise.all(
    Array.from({ length: buyers }, (_, at) => {
      const body = platform.request(wishes[at % wishes.length] ?? []);
      return (at % 2 === 0 ? platform.app : replica).call('POST', '/api/order', { token, body });
    }),
  );
  return answers.map(({ status }) => status);
}

/** QR texts of so many tickets of completed orders. */
export async function soldTickets(platform: PlatformApp, count: number): Promise<string[]> {
  const token = await platform.token(randomUUID());
  const texts: string[] = [];
  while (texts.length < count) {
    const orderId = await platform.place(
      token,
      Array.from({ length: 10 }, () => randomUUID()),
    );
    await platform.pay(token, orderId);
    await platform.app.call('POST', `/api/order/${orderId}/checkout`, { token });
    const { body } = await platform.app.call('GET', `/api/order/${orderId}/tickets`, { token });
    for (const { qr_code } of body) texts.push(await readQrCode(Buffer.from(qr_code, 'base64')));
  }
  return texts.slice(0, count);
}

/** Two scanners at the same ticket at the same moment; how many of them were told to admit. */
export async function raceForTheDoor(
  platform: PlatformApp,
  qrText: string,
  scanners: readonly string[],
): Promise<number> {
  const answers = await Promise.all(
    scanners.map((token) =>
      platform.app.call('POST', '/api/order/ticket/checkin', { token, body: { encrypted_qr: qrText } }),
    ),
  );
  return answers.filter(({ status }) => status === 200).length;
}

/** Two scanners of the platform's session. */
export async function twoScanners(platform: PlatformApp): Promise<string[]> {
  const ids = [randomUUID(), randomUUID()];
  for (const id of ids) platform.seating.scanners.set(id, new Set([platform.sessionId]));
  return Promise.all(ids.map((id) => platform.token(id)));
}

/** A signed webhook that says an order's price came, with an event id of its own each time. */
export function moneyCame(platform: PlatformApp, orderId: string, intentId: string, amount = 10_000) {
  const payload = JSON.stringify({
    id: `evt_${randomUUID()}`,
    object: 'event',
    livemode: false,
    type: 'payment_intent.succeeded',
    data: {
      object: {
        id: intentId,
        object: 'payment_intent',
        amount,
        amount_received: amount,
        currency: 'lkr',
        status: 'succeeded',
        client_secret: 'x',
        last_payment_error: null,
        metadata: { order_id: orderId },
      },
    },
  });
  const signature = new Stripe('sk_test_any').webhooks.generateTestHeaderString({
    payload,
    secret: 'whsec_test',
  });
  return platform.app.call('POST', '/api/webhook/stripe', {
    body: payload,
    headers: { 'stripe-signature': signature },
  });
}

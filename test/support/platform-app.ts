import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { Overrides } from '../../src/app.ts';
import { type FakeIssuer, startFakeIssuer } from './fake-issuer.ts';
import { type FakeSeating, startFakeSeating } from './fake-seating.ts';
import { onSaleAt } from './people/requests.ts';
import { startTestApp, type TestApp, type TestAppOptions } from './test-app.ts';

/** The service beside an issuer and seating services that the test controls; Stripe is the embedded one. */
export interface PlatformApp {
  readonly app: TestApp;
  readonly issuer: FakeIssuer;
  readonly seating: FakeSeating;
  readonly eventId: string;
  readonly sessionId: string;
  readonly organizationId: string;
  /** A valid token of a user. */
  token(sub: string): Promise<string>;
  /** The body of an order for seats; new ones when none are named. */
  request(seatIds?: readonly string[], discountId?: string): Record<string, unknown>;
  /** Places an order that must succeed and returns its id. */
  place(token: string, seatIds?: readonly string[], discountId?: string): Promise<string>;
  /** Pays with a card that works, as a page does. */
  pay(token: string, orderId: string): Promise<string>;
}

export const CLIENT_SECRET = 'secret-of-the-ticket-service-client';

/** Sessions of the catalogue have dates, and tests run on any day. */
export const DOORS_ALWAYS_OPEN = { DOORS_OPEN_HOURS: '100000', DOORS_CLOSE_HOURS: '100000' };

export async function startPlatformApp(
  env: Record<string, string> = {},
  options: TestAppOptions = {},
  overrides: Overrides = {},
): Promise<PlatformApp> {
  const [issuer, seating] = await Promise.all([startFakeIssuer(), startFakeSeating()]);
  const app = await startTestApp(
    {
      OIDC_ISSUER: issuer.issuer,
      TICKET_CLIENT_SECRET: CLIENT_SECRET,
      EVENT_QUERY_SERVICE_URL: `${seating.url}/query`,
      EVENT_SEATING_SERVICE_URL: `${seating.url}/seating`,
      STRIPE_WEBHOOK_SECRET: 'whsec_test',
      ...DOORS_ALWAYS_OPEN,
      ...env,
    },
    overrides,
    options,
  );
  const [eventId, sessionId, organizationId] = [randomUUID(), randomUUID(), randomUUID()];
  seating.sessions.set(sessionId, {
    title: 'Tides of Light',
    id: sessionId,
    eventId,
    organizationId,
    startTime: '2026-12-15T19:30:00Z',
    endTime: '2026-12-15T22:00:00Z',
    status: 'ON_SALE',
    sessionType: 'PHYSICAL',
    venueDetails: { name: 'Harbour Hall', address: '1 Quay Street, Colombo' },
  });
  const { request } = onSaleAt({ session_id: sessionId, event_id: eventId, organization_id: organizationId });
  return {
    app,
    issuer,
    seating,
    eventId,
    sessionId,
    organizationId,
    token: (sub) => issuer.token(sub),
    request,
    async place(token, seatIds, discountId) {
      const { status, body } = await app.call('POST', '/api/order', { token, body: request(seatIds, discountId) });
      expect(status, JSON.stringify(body)).toBe(201);
      return body.order_id;
    },
    async pay(token, orderId) {
      const { body } = await app.call('POST', `/api/order/${orderId}/create-payment-intent`, { token });
      const confirmed = await confirmIntent(app.url, body.paymentIntentId, body.clientSecret, 'pm_card_visa');
      expect(confirmed).toBe(200);
      return body.paymentIntentId;
    },
  };
}

/** Confirms as a page does, with the publishable key; returns the status of the answer. */
export async function confirmIntent(url: string, id: string, clientSecret: string, card: string): Promise<number> {
  const response = await fetch(`${url}/v1/payment_intents/${id}/confirm`, {
    method: 'POST',
    headers: { authorization: 'Bearer pk_test_embedded' },
    body: new URLSearchParams({ payment_method: card, client_secret: clientSecret }),
  });
  return response.status;
}

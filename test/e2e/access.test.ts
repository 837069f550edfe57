import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { openStream } from '../support/event-reader.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import type { Answer } from '../support/test-app.ts';

/** Every route against every kind of caller: who is let through, and how everybody else is refused. */
const CALLERS = [
  'anonymous',
  'expired',
  'forged',
  'otherBuyer',
  'buyer',
  'otherOrganiser',
  'organiser',
  'scanner',
  'admin',
] as const;
type Caller = (typeof CALLERS)[number];

const IDS = {
  buyer: randomUUID(),
  otherBuyer: randomUUID(),
  organiser: randomUUID(),
  otherOrganiser: randomUUID(),
  scanner: randomUUID(),
  admin: randomUUID(),
};

const NO_REFUND = randomUUID();

interface Route {
  readonly method: string;
  /** The path with the ids of a fresh order and ticket of the buyer. */
  readonly path: (ids: { orderId: string; ticketId: string }) => string;
  readonly body?: (ids: { qrText: string }) => unknown;
  /** Signed-in callers let through; the others get 403. */
  readonly allowed: readonly Caller[];
  readonly isPublic?: true;
  /** What those let through get. */
  readonly answer: number;
  readonly paid?: true;
  /** It answers without an end. */
  readonly isStream?: true;
}

const PEOPLE = ['otherBuyer', 'buyer', 'otherOrganiser', 'organiser', 'scanner', 'admin'] as const;
const READERS = ['buyer', 'organiser', 'admin'] as const;

let platform: PlatformApp;

/** A path of analytics about the platform's event; before there is one, as the description of the API spells it. */
function withIds(path: string): string {
  return path
    .replace(':event', platform?.eventId ?? '{eventId}')
    .replace(':session', platform?.sessionId ?? '{sessionId}')
    .replace(':organization', platform?.organizationId ?? '{organizationId}');
}

const ROUTES: readonly Route[] = [
  { method: 'POST', path: () => '/api/order', body: () => platform.request(), allowed: PEOPLE, answer: 201 },
  { method: 'POST', path: () => '/api/order/', body: () => platform.request(), allowed: PEOPLE, answer: 201 },
  { method: 'GET', path: ({ orderId }) => `/api/order/${orderId}`, allowed: READERS, answer: 200 },
  { method: 'GET', path: ({ orderId }) => `/api/order/${orderId}/tickets`, allowed: READERS, answer: 200 },
  {
    method: 'GET',
    path: ({ orderId }) => `/api/order/ticket?orderId=${orderId}`,
    allowed: READERS,
    answer: 200,
  },
  {
    method: 'PUT',
    path: ({ orderId }) => `/api/order/${orderId}`,
    body: () => ({ seat_ids: [randomUUID()] }),
    allowed: ['buyer'],
    answer: 200,
  },
  {
    method: 'DELETE',
    path: ({ orderId }) => `/api/order/${orderId}`,
    allowed: ['buyer', 'admin'],
    answer: 204,
  },
  {
    method: 'POST',
    path: ({ orderId }) => `/api/order/${orderId}/refund`,
    body: () => ({ amount: 1 }),
    allowed: ['organiser', 'admin'],
    answer: 200,
    paid: true,
  },
  {
    method: 'POST',
    path: ({ orderId }) => `/api/order/${orderId}/create-payment-intent`,
    allowed: ['buyer'],
    answer: 200,
  },
  {
    method: 'POST',
    path: ({ orderId }) => `/api/order/${orderId}/checkout`,
    allowed: ['buyer'],
    answer: 200,
    paid: true,
  },
  { method: 'GET', path: () => `/api/order/user/${IDS.buyer}`, allowed: ['buyer', 'admin'], answer: 200 },
  { method: 'GET', path: () => '/api/order/user/orders', allowed: PEOPLE, answer: 200 },
  {
    method: 'GET',
    path: ({ ticketId }) => `/api/order/ticket/${ticketId}`,
    allowed: ['buyer', 'organiser', 'scanner', 'admin'],
    answer: 200,
  },
  {
    method: 'GET',
    path: ({ orderId }) => `/api/order/${orderId}/tickets.pdf`,
    allowed: READERS,
    answer: 200,
    paid: true,
  },
  {
    method: 'GET',
    path: ({ orderId }) => `/api/order/${orderId}/tickets.ics`,
    allowed: READERS,
    answer: 200,
    paid: true,
  },
  {
    method: 'GET',
    path: ({ ticketId }) => `/api/order/ticket/${ticketId}.pdf`,
    allowed: READERS,
    answer: 200,
    paid: true,
  },
  {
    method: 'POST',
    path: () => '/api/order/ticket',
    body: () => ({
      event_id: platform.eventId,
      session_id: platform.sessionId,
      seat_id: randomUUID(),
      price: 0,
    }),
    allowed: ['organiser', 'admin'],
    answer: 201,
  },
  {
    method: 'PUT',
    path: ({ ticketId }) => `/api/order/ticket/${ticketId}`,
    body: () => ({ note: 'by the door' }),
    allowed: ['organiser', 'admin'],
    answer: 200,
    paid: true,
  },
  {
    method: 'DELETE',
    path: ({ ticketId }) => `/api/order/ticket/${ticketId}?refund=true`,
    allowed: ['organiser', 'admin'],
    answer: 204,
    paid: true,
  },
  {
    method: 'POST',
    path: () => '/api/order/ticket/checkin',
    body: ({ qrText }) => ({ encrypted_qr: qrText }),
    allowed: ['scanner'],
    answer: 200,
    paid: true,
  },
  {
    method: 'DELETE',
    path: ({ ticketId }) => `/api/order/ticket/${ticketId}/checkin`,
    allowed: ['organiser', 'admin'],
    answer: 409,
    paid: true,
  },
  {
    method: 'POST',
    path: () => '/api/order/scan/batch',
    // Whoever sends it; each scan is judged by itself.
    body: ({ qrText }) => ({
      scans: [{ encrypted_qr: qrText, nonce: randomUUID(), scanned_at: new Date().toISOString() }],
    }),
    allowed: PEOPLE,
    answer: 200,
    paid: true,
  },
  {
    method: 'GET',
    path: () => `/api/order/scan/sessions/${platform?.sessionId}/bundle`,
    allowed: ['scanner'],
    answer: 200,
  },
  {
    method: 'GET',
    path: () => `/api/order/scan/sessions/${platform?.sessionId}/conflicts`,
    allowed: ['organiser', 'admin'],
    answer: 200,
  },
  {
    method: 'PUT',
    path: () => `/api/order/scan/sessions/${platform?.sessionId}/door`,
    body: () => ({ allows_reentry: false }),
    allowed: ['organiser', 'admin'],
    answer: 200,
  },
  { method: 'GET', path: () => '/api/order/admin/payments?state=stuck', allowed: ['admin'], answer: 200 },
  { method: 'POST', path: () => '/api/order/admin/payments/pi_none/retry', allowed: ['admin'], answer: 404 },
  {
    method: 'POST',
    path: () => `/api/order/admin/payments/${NO_REFUND}/settled`,
    body: () => ({ reference: 'bank transfer' }),
    allowed: ['admin'],
    answer: 404,
  },
  {
    method: 'GET',
    path: () => `/api/order/sse/checkouts/event/${platform?.eventId}`,
    allowed: ['organiser', 'admin'],
    answer: 200,
    isStream: true,
  },
  {
    method: 'GET',
    path: () => `/api/order/sse/checkouts/organization/${platform?.organizationId}`,
    allowed: ['organiser', 'admin'],
    answer: 200,
    isStream: true,
  },
  ...[
    `events/:event`,
    `events/:event/discounts`,
    `events/:event/sessions`,
    `events/:event/sessions/:session`,
    `events/:event/orders`,
    `events/:event/export?format=csv&what=orders`,
    `sessions/:session/tickets`,
    `organizations/:organization`,
  ].map((path) => ({
    method: 'GET',
    path: () => `/api/order/analytics/${withIds(path)}`,
    allowed: ['organiser', 'admin'] as const,
    answer: 200,
  })),
  ...['events/batch', 'events/batch/individual'].map((path) => ({
    method: 'POST',
    path: () => `/api/order/analytics/${path}`,
    body: () => ({ eventIds: [platform.eventId] }),
    allowed: ['organiser', 'admin'] as const,
    answer: 200,
  })),
  {
    method: 'GET',
    path: () => `/api/order/audit/events/${platform?.eventId}`,
    allowed: ['organiser', 'admin'],
    answer: 200,
  },
  { method: 'GET', path: () => '/api/secure', allowed: PEOPLE, answer: 200 },
  { method: 'GET', path: () => '/api/order/tickets/count', allowed: PEOPLE, answer: 200, isPublic: true },
  { method: 'GET', path: () => '/api/order/health', allowed: PEOPLE, answer: 200, isPublic: true },
  { method: 'GET', path: () => '/metrics', allowed: PEOPLE, answer: 200, isPublic: true },
  { method: 'GET', path: () => '/healthz', allowed: PEOPLE, answer: 200, isPublic: true },
];

beforeAll(async () => {
  platform = await startPlatformApp();
  for (const id of [platform.eventId, platform.sessionId, platform.organizationId]) {
    platform.seating.owners.set(id, IDS.organiser);
  }
  platform.seating.owners.set(randomUUID(), IDS.otherOrganiser);
  platform.seating.scanners.set(IDS.scanner, new Set([platform.sessionId]));
});

async function tokenOf(caller: Caller): Promise<string | undefined> {
  const { issuer } = platform;
  switch (caller) {
    case 'anonymous':
      return undefined;
    case 'expired':
      return issuer.token(IDS.buyer, {}, { expiresIn: -3_600 });
    case 'forged':
      return issuer.token(IDS.buyer, {}, { forged: true });
    case 'admin':
      return issuer.token(IDS.admin, { user_groups: ['/Permissions/Users/System Admins'] });
    default:
      return issuer.token(IDS[caller]);
  }
}

/** A fresh order of the buyer, paid for when the route needs it. */
async function prepare(route: Route): Promise<{ orderId: string; ticketId: string; qrText: string }> {
  const buyer = await platform.token(IDS.buyer);
  const orderId = await platform.place(buyer);
  if (route.paid) {
    await platform.pay(buyer, orderId);
    await platform.app.call('POST', `/api/order/${orderId}/checkout`, { token: buyer });
  }
  const { body: tickets } = await platform.app.call('GET', `/api/order/${orderId}/tickets`, { token: buyer });
  const { readQrCode } = await import('../../scripts/qr-reader.ts');
  const png = tickets[0].qr_code;
  return {
    orderId,
    ticketId: tickets[0].ticket_id,
    qrText: png ? await readQrCode(Buffer.from(png, 'base64')) : '',
  };
}

/** What a stream answers, without reading it to an end that it does not have. */
async function statusOfStream(path: string, token: string | undefined): Promise<Answer> {
  const { status, headers, text } = await openStream(platform.app.url, path, token ? { token } : {});
  const known = Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]);
  return { status, headers: new Headers(known), text, body: status === 200 ? undefined : JSON.parse(text) };
}

function expected(route: Route, caller: Caller): number {
  if (route.isPublic) return route.answer;
  if (caller === 'anonymous' || caller === 'expired' || caller === 'forged') return 401;
  return route.allowed.includes(caller) ? route.answer : 403;
}

describe.each(
  ROUTES.map((route) => ({
    name: `${route.method} ${route.path({ orderId: ':orderId', ticketId: ':ticketId' })}`,
    route,
  })),
)('$name', ({ route }) => {
  test.each(CALLERS)('as %s', async (caller) => {
    const ids = await prepare(route);
    const before = await platform.app.sql('SELECT status FROM orders WHERE order_id = $1', [ids.orderId]);
    const token = await tokenOf(caller);
    const options = { ...(token ? { token } : {}), ...(route.body ? { body: route.body(ids) } : {}) };
    const answer = route.isStream
      ? await statusOfStream(route.path(ids), token)
      : await platform.app.call(route.method, route.path(ids), options);
    expect(answer.status, answer.text).toBe(expected(route, caller));
    if (answer.status === 401) expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    if (answer.status === 401 || answer.status === 403) {
      expect(answer.body.message).toBe(answer.body.detail);
      expect(await platform.app.sql('SELECT status FROM orders WHERE order_id = $1', [ids.orderId])).toEqual(
        before,
      );
    }
  });
});

test('the table has every route of the API but the webhooks', async () => {
  const { body } = await platform.app.call('GET', '/openapi.json');
  const documented = Object.entries<Record<string, unknown>>(body.paths).flatMap(([path, methods]) =>
    // The contract writes the same parameter in two ways.
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace('ID}', 'Id}')}`),
  );
  const generic = (path: string) =>
    path
      .split('?')[0]
      ?.replace(/\/$/, '')
      .replace(IDS.buyer, '{userId}')
      .replace(platform.eventId, '{eventId}')
      .replace(platform.sessionId, '{sessionId}')
      .replace(platform.organizationId, '{organizationId}')
      .replace('pi_none', '{id}')
      .replace(NO_REFUND, '{id}');
  const listed = ROUTES.map(
    ({ method, path }) => `${method} ${generic(path({ orderId: '{orderId}', ticketId: '{ticketId}' }))}`,
  );
  // Parameters are spelt `eventID` in one place and `eventId` in another, as the contract has them.
  const asSet = (routes: readonly string[]) => new Set(routes.map((route) => route.toLowerCase()));
  expect(asSet(documented.filter((route) => !route.includes('webhook')))).toEqual(asSet(listed));
});

test('a scanner sees a ticket but not its QR code', async () => {
  const route = ROUTES.find(({ paid }) => paid);
  if (!route) throw new Error('no paid route');
  const { ticketId, qrText } = await prepare(route);
  expect(qrText).not.toBe('');
  const scanner = await platform.app.call('GET', `/api/order/ticket/${ticketId}`, {
    token: (await tokenOf('scanner')) ?? '',
  });
  expect(scanner.status).toBe(200);
  expect(scanner.body).not.toHaveProperty('qr_code');
});

describe('an authority that is away is no open door', () => {
  test('the seating service', async () => {
    const buyer = await platform.token(IDS.buyer);
    const orderId = await platform.place(buyer);
    platform.seating.away = true;
    try {
      const { status, headers, body } = await platform.app.call('GET', `/api/order/${orderId}`, {
        token: await platform.token(IDS.otherBuyer),
      });
      expect({ status, code: body.code }).toEqual({ status: 503, code: 'seating_unavailable' });
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      expect((await platform.app.call('GET', `/api/order/${orderId}`, { token: buyer })).status).toBe(200);
    } finally {
      platform.seating.away = false;
    }
  });
});

import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { HAS_BROWSER, type Pages, servePages } from '../support/browser.ts';
import { startTestApp, type TestApp } from '../support/test-app.ts';

/**
 * The platform's front end as its pages call the API: the headers of every call, from another origin, in Chromium.
 * Nothing is intercepted, so the browser sends its preflights itself and hides from the page what it may not read.
 */
const CALLS = `
  const open = (path, token, init = {}) =>
    fetch(given.api + path, {
      credentials: 'same-origin',
      ...init,
      headers: { 'Content-Type': 'application/json', Authorization: 'Bearer ' + token, ...init.headers },
    });
  const call = async (method, path, token, body, headers) => {
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const response = await open(path, token, init);
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json');
    return {
      status: response.status,
      type: response.type,
      requestId: response.headers.get('x-request-id'),
      body: isJson ? JSON.parse(text) : text,
    };
  };
  const { buyer, buyer2, organiser, admin } = given.tokens;
`;

let app: TestApp;
let page: Pages;
let given: Record<string, unknown>;

beforeAll(async () => {
  if (!HAS_BROWSER) return;
  page = await servePages();
  app = await startTestApp({ CORS_ORIGINS: page.origin });
  const names = ['buyer', 'buyer2', 'organiser', 'admin'];
  const tokens = await Promise.all(names.map((name) => app.signIn(name)));
  const event = (await app.call('GET', '/api/event-query/v1/events/trending')).body[0];
  const sessions = await app.call('GET', `/api/event-query/v1/events/${event.id}/sessions`);
  const session = sessions.body.content[0];
  const codes = `/api/event-query/v1/events/${event.id}/sessions/${session.id}/discounts/code`;
  given = {
    api: app.url,
    tokens: Object.fromEntries(names.map((name, at) => [name, tokens[at]])),
    sub: subOf(tokens[0] ?? ''),
    unknown: randomUUID(),
    event: { id: event.id, organizationId: event.organizationId },
    session: session.id,
    free: (await app.call('GET', `${codes}/GUEST`)).body.id,
  };
});

function subOf(token: string): string {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).sub;
}

/** Orders the given seats of the session, as the page does. */
const ORDERS = `
  const map = await call('GET', '/api/event-query/v1/sessions/' + given.session + '/seating-map', buyer);
  const seats = map.body.layout.blocks
    .flatMap((block) => [...(block.rows ?? []).flatMap((row) => row.seats), ...(block.seats ?? [])])
    .filter((seat) => seat.status === 'AVAILABLE');
  const order = (chosen, token, discount = null) =>
    call('POST', '/api/order', token, {
      event_id: given.event.id,
      session_id: given.session,
      organization_id: given.event.organizationId,
      seat_ids: chosen.map((seat) => seat.id),
      discount_id: discount,
    });
  const pay = async (intent) => {
    const confirmed = await fetch(given.api + '/v1/payment_intents/' + intent.paymentIntentId + '/confirm', {
      method: 'POST',
      headers: { Authorization: 'Bearer ' + intent.publishableKey },
      body: new URLSearchParams({ payment_method: 'pm_card_visa', client_secret: intent.clientSecret }),
    });
    return confirmed.status;
  };
`;

interface Called {
  readonly status: number;
  readonly type: string;
  readonly requestId: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any;
}

// CHROMIUM_PATH names a browser on other kinds of machine.
describe.runIf(HAS_BROWSER)('front-end: the pages of another origin, in a browser', () => {
  test('they order, see which seats are taken, pay without a body, check out, cancel, refund and list', async () => {
    const said = (await page.run(
      `${CALLS} ${ORDERS}
      const [first, second, third, fourth] = seats;
      const said = { labels: [first.label, second.label] };
      said.placed = await order([first, second], buyer);
      said.taken = await order([first, second, third], buyer2);
      const id = said.placed.body.order_id;
      said.intent = await call('POST', '/api/order/' + id + '/create-payment-intent', buyer);
      said.card = await pay(said.intent.body);
      said.done = await call('POST', '/api/order/' + id + '/checkout', buyer);
      said.dropped = await order([third], buyer);
      said.deleted = await call('DELETE', '/api/order/' + said.dropped.body.order_id, buyer);
      said.refund = await call('POST', '/api/order/' + id + '/refund', admin);
      said.gift = await order([fourth], buyer, given.free);
      said.free = await call('POST', '/api/order/' + said.gift.body.order_id + '/create-payment-intent', buyer);
      said.mine = await call('GET', '/api/order/user/' + given.sub, buyer);
      said.none = await call('GET', '/api/order/user/orders', admin);
      return said;`,
      given,
    )) as Record<string, Called> & { labels: string[]; card: number };
    const { placed, taken, intent, done, dropped, deleted, refund, gift, free, mine, none } = said;
    expect(placed).toMatchObject({ status: 201, type: 'cors' });
    expect(placed?.requestId).not.toBeNull();
    expect(taken).toMatchObject({
      status: 409,
      type: 'cors',
      body: { code: 'seats_taken', message: `Already taken: ${said.labels.join(', ')}. Choose other seats.` },
    });
    expect(intent).toMatchObject({ status: 200, body: { seatLockDurationMins: 5 } });
    expect(said.card).toBe(200);
    expect(done).toMatchObject({ status: 200, body: { Status: 'completed' } });
    expect(deleted).toMatchObject({ status: 204 });
    expect(refund).toMatchObject({ status: 200 });
    expect(free).toMatchObject({ status: 409, body: { code: 'nothing_to_pay' } });
    const known = [gift, dropped, placed].map((each) => each?.body.order_id);
    const listed = mine?.body.filter(({ OrderID }: { OrderID: string }) => known.includes(OrderID));
    expect(listed).toMatchObject([
      { OrderID: known[0], Status: 'completed' },
      { OrderID: known[1], Status: 'cancelled' },
      { OrderID: known[2], Status: 'cancelled' },
    ]);
    expect(none).toMatchObject({ status: 200, body: [] });
  });

  test('an organiser’s pages read their figures, and receive sales on both streams', async () => {
    const said = (await page.run(
      `${CALLS} ${ORDERS}
      const hear = async (path) => {
        const response = await open(path, organiser, { headers: { Accept: 'text/event-stream' } });
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        let text = '';
        const until = async (word) => {
          while (!text.includes(word)) {
            const { done, value } = await reader.read();
            if (done) throw new Error('the stream ended: ' + text);
            text += value;
          }
          return text;
        };
        await until('event: connected');
        return { status: response.status, type: response.type, until, stop: () => reader.cancel() };
      };
      const { id, organizationId } = given.event;
      const streams = await Promise.all(
        ['event/' + id, 'organization/' + organizationId].map((whose) => hear('/api/order/sse/checkouts/' + whose)),
      );
      const placed = await order([seats[4]], buyer);
      const orderId = placed.body.order_id;
      const intent = await call('POST', '/api/order/' + orderId + '/create-payment-intent', buyer);
      await pay(intent.body);
      await call('POST', '/api/order/' + orderId + '/checkout', buyer);
      const heard = await Promise.all(streams.map((stream) => stream.until(orderId)));
      streams.forEach((stream) => stream.stop());
      const figures = '/api/order/analytics/events/' + id;
      const calls = [
        ['GET', figures],
        ['GET', figures + '/discounts'],
        ['GET', figures + '/sessions'],
        ['GET', figures + '/sessions/' + given.session],
        ['GET', figures + '/orders?sort=created_at&order=desc&limit=20&offset=0'],
        ['POST', '/api/order/analytics/events/batch', { eventIds: [id] }],
        ['POST', '/api/order/analytics/events/batch/individual', { eventIds: [id] }],
        ['GET', '/api/order/analytics/organizations/' + organizationId],
      ];
      const answers = [];
      for (const [method, path, body] of calls) answers.push(await call(method, path, organiser, body));
      const types = streams.map(({ status, type }) => status + ' ' + type);
      return { types, heard: heard.map((text) => text.includes('event: checkout')), answers };`,
      given,
    )) as { types: string[]; heard: boolean[]; answers: Called[] };
    expect(said.types).toEqual(['200 cors', '200 cors']);
    expect(said.heard).toEqual([true, true]);
    expect(said.answers.map(({ status, type }) => `${status} ${type}`)).toEqual(Array(8).fill('200 cors'));
  });

  test('they can read refusals', async () => {
    const said = (await page.run(
      `${CALLS}
      const order = '/api/order/' + given.unknown;
      return {
        stranger: await call('GET', '/api/order/user/orders', 'not-a-token'),
        nothing: await call('GET', order, buyer),
        empty: await call('POST', '/api/order', buyer),
        wrong: await call('PUT', '/api/order/user/orders', buyer, {}),
        nowhere: await call('GET', '/api/nowhere', buyer),
        forbidden: await call('GET', '/api/order/analytics/events/' + given.event.id, buyer),
        stream: await call('GET', '/api/order/sse/checkouts/event/' + given.event.id, buyer),
        keyed: await call('POST', order + '/checkout', buyer, undefined, { 'Idempotency-Key': given.unknown }),
      };`,
      given,
    )) as Record<string, Called>;
    expect(Object.values(said).map(({ type }) => type)).toEqual(Array(8).fill('cors'));
    expect(Object.fromEntries(Object.entries(said).map(([name, { status }]) => [name, status]))).toEqual({
      stranger: 401,
      nothing: 404,
      empty: 400,
      wrong: 405,
      nowhere: 404,
      forbidden: 403,
      stream: 403,
      keyed: 404,
    });
    for (const { body } of Object.values(said)) expect(body.message).toBe(body.detail);
  });

  test('pages of an origin that is not listed can neither order nor read, and nothing is ordered', async () => {
    const elsewhere = await servePages();
    const before = await app.sql('SELECT count(*) FROM orders');
    const said = await elsewhere.run(
      `${CALLS}
      const outcome = (asked) => asked.then(() => 'answered', (error) => error.name);
      const request = { event_id: given.event.id, session_id: given.session, organization_id: given.event.organizationId };
      return {
        order: await outcome(call('POST', '/api/order', buyer, { ...request, seat_ids: ['A1'], discount_id: null })),
        list: await outcome(call('GET', '/api/order/user/orders', buyer)),
        stream: await outcome(open('/api/order/sse/checkouts/event/' + given.event.id, organiser)),
        catalogue: await outcome(fetch(given.api + '/api/event-query/v1/events/trending')),
        count: await outcome(fetch(given.api + '/api/order/tickets/count')),
      };`,
      given,
    );
    expect(said).toEqual({
      order: 'TypeError',
      list: 'TypeError',
      stream: 'TypeError',
      catalogue: 'TypeError',
      count: 'TypeError',
    });
    expect(await app.sql('SELECT count(*) FROM orders')).toEqual(before);
  });
});

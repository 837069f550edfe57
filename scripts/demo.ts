/**
 * Plays the life of a ticket, from order to check-in, against a running service over HTTP only. Exit code 0 means that every
 * step succeeded.
 */
import { writeFile } from 'node:fs/promises';
import { readQrCode } from './qr-reader.ts';

const BASE = process.env.DEMO_URL ?? `http://localhost:${process.env.PORT ?? '8084'}`;
const PNG_PATH = 'demo-ticket.png';
const TIMEOUT_MS = 10_000;
const FREE_AGAIN_MS = 5_000;
const FAILED = 1;

interface Reply {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the demo reads answers of every shape, and checks what it uses
  readonly body: any;
}

let steps = 0;

/** Runs one step and prints its result; a step that throws ends the demo. */
async function step<Result>(title: string, work: () => Promise<readonly [Result, string]>): Promise<Result> {
  steps += 1;
  process.stdout.write(`${String(steps).padStart(2)}. ${title.padEnd(46)} `);
  const [result, shown] = await work();
  console.log(shown);
  return result;
}

function expect(isAsSaid: boolean, otherwise: string): void {
  if (!isAsSaid) throw new Error(otherwise);
}

async function send(method: string, path: string, token?: string, body?: unknown): Promise<Reply> {
  const response = await fetch(BASE + path, {
    method,
    headers: {
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  return { status: response.status, body: isJson && text !== '' ? JSON.parse(text) : text };
}

async function requireStatus(
  status: number,
  method: string,
  path: string,
  token?: string,
  body?: unknown,
): Promise<Reply> {
  const reply = await send(method, path, token, body);
  expect(
    reply.status === status,
    `${method} ${path} answered ${reply.status}, not ${status}: ${JSON.stringify(reply.body)}`,
  );
  return reply;
}

async function signIn(username: string): Promise<string> {
  const response = await fetch(`${BASE}/realms/event-ticketing/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'password',
      client_id: 'login-testing',
      username,
      password: 'demo',
      scope: 'openid',
    }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const answer = (await response.json()) as { access_token?: string };
  expect(typeof answer.access_token === 'string', `${username} could not sign in`);
  return answer.access_token ?? '';
}

/** Confirms a payment with the publishable key and the client secret, as a page does with Stripe.js. */
async function payWith(card: string, intent: { paymentIntentId: string; clientSecret: string }): Promise<Reply> {
  const response = await fetch(`${BASE}/v1/payment_intents/${intent.paymentIntentId}/confirm`, {
    method: 'POST',
    headers: { authorization: 'Bearer pk_test_embedded' },
    body: new URLSearchParams({ payment_method: card, client_secret: intent.clientSecret }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  return { status: response.status, body: await response.json() };
}

interface Seat {
  readonly id: string;
  readonly label: string;
  readonly status: string;
  readonly tier: { readonly name: string; readonly price: number };
}

async function seatsOf(sessionId: string): Promise<Seat[]> {
  const { body } = await requireStatus(200, 'GET', `/api/event-query/v1/sessions/${sessionId}/seating-map`);
  const blocks = body.layout.blocks as { rows?: { seats: Seat[] }[]; seats?: Seat[] }[];
  return blocks.flatMap((block) => [...(block.rows ?? []).flatMap((row) => row.seats), ...(block.seats ?? [])]);
}

async function waitUntilFree(sessionId: string, seatId: string): Promise<void> {
  const deadline = Date.now() + FREE_AGAIN_MS;
  for (;;) {
    const seat = (await seatsOf(sessionId)).find(({ id }) => id === seatId);
    if (seat?.status === 'AVAILABLE') return;
    expect(Date.now() < deadline, 'the seat did not become free');
  }
}

interface Sale {
  readonly buyer: string;
  readonly session: { readonly id: string };
  readonly request: (chosen: readonly Seat[]) => unknown;
  readonly seats: readonly Seat[];
}

async function play(): Promise<void> {
  const sale = await chooseSeats();
  const orderId = await buy(sale);
  await goToTheDoor(sale.buyer, orderId);
  await changeOnesMind(sale);
}

async function chooseSeats(): Promise<Sale> {
  const buyer = await step('A buyer signs in', async () => [await signIn('buyer'), 'as buyer']);
  const event = await step('The buyer finds the event', async () => {
    const { body } = await requireStatus(200, 'GET', '/api/event-query/v1/events/trending?limit=1');
    return [body[0], `${body[0].title}, from ${body[0].startingPrice}`];
  });
  const session = await step('and a night that is on sale', async () => {
    const { body } = await requireStatus(200, 'GET', `/api/event-query/v1/events/${event.id}/sessions`);
    const onSale = body.content.find(({ status }: { status: string }) => status === 'ON_SALE');
    expect(onSale !== undefined, 'nothing is on sale');
    return [onSale, `${onSale.startTime.slice(0, 10)}, ${onSale.venueDetails.name}`];
  });
  const seats = await step('and seats on the map', async () => {
    const free = (await seatsOf(session.id)).filter(({ status }) => status === 'AVAILABLE');
    const chosen = free.slice(0, 2);
    expect(chosen.length === 2, 'fewer than two seats are free');
    return [chosen, `${chosen.map(({ label }) => label).join(' and ')} of ${free.length} free`];
  });

  const request = (chosen: readonly Seat[]) => ({
    session_id: session.id,
    event_id: event.id,
    organization_id: event.organizationId,
    seat_ids: chosen.map(({ id }) => id),
  });
  return { buyer, session, request, seats };
}

async function buy({ buyer, seats, request }: Sale): Promise<string> {
  const order = await step('They order both', async () => {
    const { body } = await requireStatus(201, 'POST', '/api/order', buyer, request(seats));
    return [body, `order ${body.order_id}`];
  });
  await step('Another buyer orders the same seats', async () => {
    const { body } = await requireStatus(409, 'POST', '/api/order', await signIn('buyer2'), request(seats));
    expect(body.seat_ids.length === 2, 'the taken seats were not named');
    return [undefined, `409 ${body.code}`];
  });
  const intent = await step('They are asked to pay', async () => {
    const { body } = await requireStatus(200, 'POST', `/api/order/${order.order_id}/create-payment-intent`, buyer);
    return [body, `${body.order.Price}, within ${body.seatLockDurationMins} minutes`];
  });
  await step('The first card is declined', async () => {
    const { status, body } = await payWith('pm_card_chargeDeclined', intent);
    expect(status === 402, `the declined card was answered with ${status}`);
    const { body: still } = await requireStatus(200, 'GET', `/api/order/${order.order_id}`, buyer);
    expect(still.Status === 'pending', `the order is ${still.Status}`);
    return [undefined, `"${body.error.message}" The order is still pending`];
  });
  await step('The second card works', async () => {
    const { status, body } = await payWith('pm_card_visa', intent);
    expect(status === 200 && body.status === 'succeeded', 'the payment did not succeed');
    return [undefined, `${body.status}, ${body.amount} ${body.currency} in minor units`];
  });
  await step('The order completes', async () => {
    const { body } = await requireStatus(200, 'POST', `/api/order/${order.order_id}/checkout`, buyer);
    expect(body.Status === 'completed', `the order is ${body.Status}`);
    return [undefined, `${body.tickets.length} tickets`];
  });
  return order.order_id;
}

async function goToTheDoor(buyer: string, orderId: string): Promise<void> {
  const scanner = await step('A scanner signs in', async () => [await signIn('scanner'), 'as scanner']);
  const qrText = await step('A ticket with its QR code', async () => {
    const { body: tickets } = await requireStatus(200, 'GET', `/api/order/${orderId}/tickets`, buyer);
    const { body: ticket } = await requireStatus(200, 'GET', `/api/order/ticket/${tickets[0].ticket_id}`, buyer);
    const png = Buffer.from(ticket.qr_code, 'base64');
    // It admits: nobody else on this machine may read it.
    await writeFile(PNG_PATH, png, { mode: 0o600 });
    const text = await readQrCode(png);
    return [text, `${PNG_PATH}, read back: ${text.length} characters`];
  });
  await step('The buyer is let in at the door', async () => {
    const { body } = await requireStatus(200, 'POST', '/api/order/ticket/checkin', scanner, { encrypted_qr: qrText });
    return [undefined, body.message];
  });
  await step('but not a second time', async () => {
    const { body } = await requireStatus(409, 'POST', '/api/order/ticket/checkin', scanner, { encrypted_qr: qrText });
    expect(body.code === 'already_checked_in', `refused with ${body.code}`);
    return [undefined, `409 ${body.code}`];
  });
}

async function changeOnesMind({ buyer, session, seats, request }: Sale): Promise<void> {
  const other = await step('Another order, for one more seat', async () => {
    const seat = (await seatsOf(session.id)).find(
      ({ status, id }) => status === 'AVAILABLE' && seats.every((mine) => mine.id !== id),
    );
    if (!seat) throw new Error('no seat is free');
    const { body } = await requireStatus(201, 'POST', '/api/order', buyer, request([seat]));
    return [{ orderId: body.order_id, seat }, `seat ${seat.label}`];
  });
  await step('is cancelled, and its seat is free again', async () => {
    await requireStatus(204, 'DELETE', `/api/order/${other.orderId}`, buyer);
    await waitUntilFree(session.id, other.seat.id);
    return [undefined, `seat ${other.seat.label} is AVAILABLE`];
  });
}

try {
  await play();
  console.log(`\nAll ${steps} steps succeeded.`);
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  const isUnreachable = error instanceof TypeError && reason === 'fetch failed';
  console.log(
    `\nThe demo stopped at step ${steps}: ${isUnreachable ? `${BASE} does not answer; run \`npm start\` first.` : reason}`,
  );
  process.exitCode = FAILED;
}

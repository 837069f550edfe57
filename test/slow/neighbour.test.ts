import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { beforeAll, describe, expect, test } from 'vitest';
import { atEnd } from '../support/at-end.ts';
import { openStream } from '../support/event-reader.ts';
import { seatsAt } from '../support/fake-seating.ts';
import { newPerson, onSaleAt, type Person } from '../support/people/people.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { qrTextOf } from '../support/qr-texts.ts';
import { until } from '../support/servers.ts';
import { insertSold, type SaleIds } from '../support/sold.ts';

/** Orders of the neighbour's event: their lists and exports are more than what the buffers of a connection take. */
const NEIGHBOURS_ORDERS = 20_000;
const ANALYTICS = '/api/order/analytics';

/** An event with its people. No person of one tenant has a part in the other's event. */
interface Tenant {
  readonly ids: SaleIds;
  readonly buyer: Person;
  readonly organiser: Person;
  readonly scanner: Person;
}

/** What a neighbour goes on doing until it is stopped, and the statuses of the answers so far. */
interface Nuisance {
  readonly statuses: number[];
  stop(): Promise<void>;
}

let platform: PlatformApp;
let quiet: Tenant;
let neighbour: Tenant;
/** A completed order of ten tickets of the neighbour. */
let ofTen: string;

beforeAll(async () => {
  platform = await startPlatformApp({ MAX_EXPORTS: '2', MAX_STREAMS_PER_USER: '3' });
  [quiet, neighbour] = await Promise.all([newTenant(), newTenant()]);
  await insertSold(platform.app, neighbour.ids, { orders: NEIGHBOURS_ORDERS, buyer: neighbour.buyer.id });
  ({ orderId: ofTen } = await neighbour.buyer.buy(Array.from({ length: 10 }, () => randomUUID())));
});

async function newTenant(): Promise<Tenant> {
  const ids = { event_id: randomUUID(), session_id: randomUUID(), organization_id: randomUUID() };
  const { seating } = platform;
  seating.sessions.set(ids.session_id, {
    title: 'Tides of Light',
    ...seating.sessions.get(platform.sessionId),
    id: ids.session_id,
    eventId: ids.event_id,
    organizationId: ids.organization_id,
  });
  const [buyer, organiser, scanner] = await Promise.all([1, 2, 3].map(() => newPerson(platform)));
  if (!buyer || !organiser || !scanner) throw new Error('a tenant lacks a person');
  for (const id of Object.values(ids)) seating.owners.set(id, organiser.id);
  seating.scanners.set(scanner.id, new Set([ids.session_id]));
  const onSale = onSaleAt(ids);
  return { ids, buyer: buyer.via({ onSale }), organiser: organiser.via({ onSale }), scanner: scanner.via({ onSale }) };
}

/** Sends requests one after the other in each of so many places at once, until it is stopped. */
function keepAsking(places: number, ask: (count: number) => Promise<{ readonly status: number }>): Nuisance {
  const statuses: number[] = [];
  let isStopped = false;
  const asking = Array.from({ length: places }, async () => {
    while (!isStopped) statuses.push((await ask(statuses.length)).status);
  });
  return {
    statuses,
    async stop() {
      isStopped = true;
      await Promise.all(asking);
    },
  };
}

/** Sends a request and never reads its answer. */
async function askWithoutReading(path: string, { token }: Person): Promise<void> {
  const { hostname, port } = new URL(platform.app.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined).pause();
  atEnd(() => socket.destroy());
  await once(socket, 'connect');
  socket.write(`GET ${path} HTTP/1.1\r\nhost: here\r\nauthorization: Bearer ${token}\r\n\r\n`);
}

const exportOf = ({ ids }: Tenant, what: string) =>
  `${ANALYTICS}/events/${ids.event_id}/export?format=csv&what=${what}`;
const streamOf = (eventId: string) => `/api/order/sse/checkouts/event/${eventId}`;

/** The neighbour's worst, by what is shared with others. */
const WORST: Readonly<Record<string, () => Promise<Nuisance>>> = {
  async 'opens streams of other events and of ids that are none, and does not read its own'() {
    const own = await openStream(platform.app.url, streamOf(neighbour.ids.event_id), {
      token: neighbour.organiser.token,
    });
    own.stall();
    const wrong = [`urn:uuid:${randomUUID()}`, randomUUID(), quiet.ids.event_id, '%00'];
    return keepAsking(3, (count) =>
      openStream(platform.app.url, streamOf(wrong[count % wrong.length] ?? ''), { token: neighbour.buyer.token }),
    );
  },

  async 'reads none of its exports and long lists'() {
    const paths = [exportOf(neighbour, 'tickets'), `${ANALYTICS}/sessions/${neighbour.ids.session_id}/tickets`];
    for (const path of [...paths, ...paths]) await askWithoutReading(path, neighbour.organiser);
    return keepAsking(3, () => neighbour.organiser.call('GET', exportOf(neighbour, 'orders')));
  },

  async 'prints an order of ten tickets forty times at once'() {
    return keepAsking(40, () => neighbour.buyer.call('GET', `/api/order/${ofTen}/tickets.pdf`));
  },

  async 'reads lists of thousands of orders and QR codes'() {
    const paths = [
      `${ANALYTICS}/events/${neighbour.ids.event_id}/orders?limit=500&offset=15000`,
      exportOf(neighbour, 'tickets'),
    ];
    return keepAsking(4, (count) =>
      count % 2 === 0
        ? neighbour.buyer.tries.ownOrders()
        : neighbour.organiser.call('GET', paths[count % paths.length] ?? ''),
    );
  },

  async 'asks forty times at once how many tickets there are'() {
    return keepAsking(40, () => platform.app.call('GET', '/api/order/tickets/count'));
  },

  async 'orders seats that the seating services refuse or fail on'() {
    const answers = [404, 422, 500].map((status) => ({ status, body: { message: 'There is no such seat.' } }));
    return keepAsking(10, (count) => {
      const seatId = randomUUID();
      platform.seating.answerFor.set(seatId, answers[count % answers.length] ?? { status: 500, body: {} });
      return neighbour.buyer.tries.order([seatId]);
    });
  },

  async 'watches the sale of tickets at the largest price'() {
    await openStream(platform.app.url, streamOf(neighbour.ids.event_id), { token: neighbour.organiser.token });
    return keepAsking(2, () => neighbour.organiser.tries.issue({ price: 90_071_992_547_409.91 }));
  },
};

/** Everything that matters to a tenant on the evening of a sale, each asked for once. */
async function expectAnEveningAsUsual({ ids, buyer, organiser, scanner }: Tenant): Promise<void> {
  const before = await organiser.figures();
  const stream = await openStream(platform.app.url, streamOf(ids.event_id), { token: organiser.token });
  expect(stream.status).toBe(200);
  const { orderId, tickets } = await buyer.buy(seatsAt(platform.seating, 150, 99.5));
  await stream.untilThereAre(1, 'checkout');
  expect(stream.dataOf('checkout').map(({ OrderID }) => OrderID)).toEqual([orderId]);
  const file = await organiser.call('GET', exportOf(quiet, 'orders'));
  expect({ status: file.status, lines: file.text.trimEnd().split('\r\n').length }).toEqual({
    status: 200,
    lines: 2 + before.total_orders,
  });
  expect(file.text).toContain(orderId);
  const pdf = await buyer.call('GET', `/api/order/${orderId}/tickets.pdf`);
  expect({ status: pdf.status, type: pdf.headers.get('content-type') }).toEqual({
    status: 200,
    type: 'application/pdf',
  });
  const qrText = await qrTextOf(await buyer.ticket(tickets[0]));
  await scanner.checkIn(qrText);
  expect((await scanner.tries.checkIn(qrText)).body.code).toBe('already_checked_in');
  const after = await organiser.figures();
  expect(after.total_orders).toBe(before.total_orders + 1);
  await stream.untilThereAre(1, 'stats');
  stream.close();
}

describe('a neighbour is not disturbed by one who', () => {
  test.each(Object.entries(WORST))('%s', async (_what, begin) => {
    const nuisance = await begin();
    await until('it is under way', () => nuisance.statuses.length > 0);
    await expectAnEveningAsUsual(quiet).finally(() => nuisance.stop());
    expect(nuisance.statuses.filter((status) => status === 500)).toEqual([]);
  });

  test('does all of it at once', async () => {
    const all = await Promise.all(Object.values(WORST).map((begin) => begin()));
    const isUnderWay = () => all.every(({ statuses }) => statuses.length > 0);
    await until('all of it is under way', isUnderWay);
    await expectAnEveningAsUsual(quiet).finally(() => Promise.all(all.map((each) => each.stop())));
  });
});

test('a PDF waits for few of another user’s, however many of those came before it', async () => {
  const { orderId } = await quiet.buyer.buy([randomUUID()]);
  const nuisance = await WORST['prints an order of ten tickets forty times at once']?.();
  if (!nuisance) throw new Error('it is gone');
  await until('the first of them is printed', () => nuisance.statuses.includes(200));
  const before = nuisance.statuses.filter((status) => status === 200).length;
  expect((await quiet.buyer.call('GET', `/api/order/${orderId}/tickets.pdf`)).status).toBe(200);
  const meanwhile = nuisance.statuses.filter((status) => status === 200).length - before;
  await nuisance.stop();
  expect(meanwhile).toBeLessThanOrEqual(2);
});

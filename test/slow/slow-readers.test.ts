import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { beforeAll, describe, expect, test } from 'vitest';
import { atEnd } from '../support/at-end.ts';
import { newPerson, type Person, people } from '../support/people/people.ts';
import { type PlatformApp, startPlatformApp } from '../support/platform-app.ts';
import { until } from '../support/servers.ts';
import { insertSold } from '../support/sold.ts';

/** Requests sent at once on a connection: together their answers are more than its buffers take. */
const MANY = 300;
const SOME = 20;
/** Longer than an answer may wait for its reader, and than a connection stays open without a request. */
const CUT_WITHIN_MS = 150_000;
/** What all unread answers of a process may keep in its memory. */
const MAX_WAITING_BYTES = 100_000_000;
/** Orders of an event whose lists and exports are more than what the buffers of a connection take. */
const ORDERS = 20_000;

let platform: PlatformApp;
let buyer: Person;
let organiser: Person;
let admin: Person;
let scanner: Person;
const atServer: Socket[] = [];

beforeAll(async () => {
  platform = await startPlatformApp();
  platform.app.app.http.server.on('connection', (socket: Socket) => atServer.push(socket));
  ({ buyer, organiser, admin, scanner } = await people(platform));
  const ids = { event_id: platform.eventId, session_id: platform.sessionId, organization_id: platform.organizationId };
  await insertSold(platform.app, ids, { orders: ORDERS, buyer: buyer.id });
});

/** Sends requests on a connection of their own and never reads; returns the server's end of the connection. */
async function ask(path: string, times: number, { token }: { token?: string } = {}): Promise<Socket> {
  const { hostname, port } = new URL(platform.app.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined).pause();
  atEnd(() => socket.destroy());
  await once(socket, 'connect');
  const authorization = token === undefined ? '' : `authorization: Bearer ${token}\r\n`;
  socket.write(`GET ${path} HTTP/1.1\r\nhost: here\r\n${authorization}\r\n`.repeat(times));
  const { localPort } = socket;
  return until('it is connected', () => atServer.find(({ remotePort }) => remotePort === localPort));
}

describe('answers that nobody reads', () => {
  test('are cut within their time, are bounded in memory, hold nothing, and disturb nobody', async () => {
    const { orderId } = await buyer.buy(Array.from({ length: 10 }, () => randomUUID()));
    const analytics = '/api/order/analytics';
    const ofEvent = `${analytics}/events/${platform.eventId}`;
    const asked: [path: string, times: number, who?: Person][] = [
      ['/openapi.json', MANY],
      ['/docs/static/swagger-ui-bundle.js', SOME],
      ['/metrics', MANY],
      ['/api/order/health', MANY],
      ['/api/order/tickets/count', MANY],
      ['/api/nothing', MANY],
      ['/api/order/user/orders', SOME, buyer],
      [`/api/order/${orderId}/tickets`, SOME, buyer],
      [`/api/order/${orderId}/tickets.pdf`, SOME, buyer],
      [`/api/order/${orderId}/tickets.ics`, MANY, buyer],
      [`${ofEvent}/orders?limit=500`, SOME, organiser],
      [`${ofEvent}`, MANY, organiser],
      [`${ofEvent}/export?format=csv&what=tickets`, 1, organiser],
      [`${ofEvent}/export?format=xlsx&what=tickets`, 1, admin],
      [`${analytics}/sessions/${platform.sessionId}/tickets`, 1, admin],
      [`/api/order/audit/events/${platform.eventId}?limit=500`, SOME, organiser],
      [`/api/order/scan/sessions/${platform.sessionId}/bundle`, SOME, scanner],
      [`/api/order/sse/checkouts/event/${platform.eventId}`, 1, organiser],
    ];
    const unread = await Promise.all(asked.map(([path, times, who]) => ask(path, times, who ?? {})));

    // Others are served meanwhile.
    const other = await newPerson(platform);
    await other.buy([randomUUID(), randomUUID()]);
    expect((await other.ownOrders()).length).toBe(1);

    let mostBytes = 0;
    const stream = unread.pop();
    await until(
      'every connection is cut',
      () => {
        mostBytes = Math.max(mostBytes, waitingBytes());
        return unread.every(({ destroyed }) => destroyed);
      },
      CUT_WITHIN_MS,
    ).catch((error: Error) => {
      const left = asked.filter((_, at) => unread[at]?.destroyed === false).map(([path]) => path);
      throw new Error(`${error.message}: ${left.join(' ')}`);
    });
    expect(mostBytes).toBeLessThan(MAX_WAITING_BYTES);
    // A stream without news has nothing to be read.
    expect(stream?.destroyed).toBe(false);
    await platform.app.untilRows(
      'no statement and no transaction is left',
      0,
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
          AND (state LIKE 'idle in transaction%' OR (state = 'active' AND query LIKE 'FETCH%'))`,
    );
    expect((await organiser.call('GET', `${ofEvent}/export?format=csv&what=discounts`)).status).toBe(200);
  });
});

function waitingBytes(): number {
  return atServer.reduce((sum, { destroyed, writableLength }) => sum + (destroyed ? 0 : writableLength), 0);
}

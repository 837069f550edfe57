import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll } from 'vitest';
import { close, listen } from './servers.ts';

export interface SeatingCall {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

/** What the fake answers in place of itself, once set. */
export interface CannedAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** The platform's two seating services, as a test wants them. */
export interface FakeSeating {
  readonly url: string;
  readonly calls: SeatingCall[];
  /** Price of each seat by id, in major units; others cost 100. */
  readonly prices: Map<string, number>;
  readonly tierOf: Map<string, string>;
  discount: unknown;
  /** Ids of events, sessions and organisations with the user id that owns each. */
  readonly owners: Map<string, string>;
  /** Session ids that this user id scans for. */
  readonly scanners: Map<string, Set<string>>;
  query: CannedAnswer | undefined;
  seating: CannedAnswer | undefined;
  away: boolean;
  /** Held answers wait for it. */
  gate: Promise<unknown> | undefined;
}

export const TIER = '33333333-3333-3333-3333-333333333333';

export async function startFakeSeating(): Promise<FakeSeating> {
  const fake: Omit<FakeSeating, 'url'> = {
    calls: [],
    prices: new Map(),
    tierOf: new Map(),
    discount: undefined,
    owners: new Map(),
    scanners: new Map(),
    query: undefined,
    seating: undefined,
    away: false,
    gate: undefined,
  };
  const server = createServer(async (request, response) => {
    if (fake.away) return void request.socket.destroy();
    const url = new URL(request.url ?? '/', 'http://fake');
    const sent = await text(request);
    const body: unknown = sent === '' ? undefined : JSON.parse(sent);
    fake.calls.push({ path: url.pathname, authorization: request.headers.authorization, body });
    if (fake.gate) await fake.gate;
    const answer = answerOf(fake, url, body);
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(answer.body === undefined ? '' : JSON.stringify(answer.body));
  });
  const url = await listen(server);
  afterAll(() => close(server));
  return Object.assign(fake, { url });
}

function answerOf(fake: Omit<FakeSeating, 'url'>, url: URL, body: unknown): CannedAnswer {
  const parameter = (name: string) => url.searchParams.get(name) ?? '';
  if (url.pathname.startsWith('/query')) {
    return (
      fake.query ?? { status: 200, body: quoteOf(fake, body as { seat_ids: string[]; discount_id?: string }) }
    );
  }
  if (url.pathname.endsWith('/validate-pre-order')) return fake.seating ?? { status: 200, body: undefined };
  if (url.pathname.endsWith('/verify-role')) {
    const sessions = fake.scanners.get(parameter('userId'));
    return {
      status: 200,
      body: parameter('role') === 'SCANNER' && (sessions?.has(parameter('sessionId')) ?? false),
    };
  }
  if (url.pathname.endsWith('/verify-batch-ownership')) {
    const { eventIds, userId } = body as { eventIds: string[]; userId: string };
    const ownsAll = eventIds.every((eventId) => fake.owners.get(eventId) === userId);
    return ownsAll
      ? { status: 200, body: undefined }
      : { status: 403, body: { message: 'Not all of them.' } };
  }
  const what = ['eventId', 'sessionId', 'organizationId'].find((name) => url.searchParams.has(name)) ?? '';
  return { status: 200, body: fake.owners.get(parameter(what)) === parameter('userId') };
}

function quoteOf(
  fake: Omit<FakeSeating, 'url'>,
  request: { seat_ids: string[]; discount_id?: string },
): unknown {
  const seats = request.seat_ids.map((seatId) => ({
    seatId,
    label: `L-${seatId.slice(0, 4)}`,
    tier: {
      id: fake.tierOf.get(seatId) ?? TIER,
      name: 'VIP',
      price: fake.prices.get(seatId) ?? 100,
      color: '#FFD700',
    },
  }));
  return { seats, discount: request.discount_id ? (fake.discount ?? null) : null };
}

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { atEnd } from './at-end.ts';
import { close, listen } from './servers.ts';

export interface SeatingCall {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
  readonly traceparent: string | undefined;
}

/** The answer of the fake in place of its own, once set. */
export interface CannedAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** The platform's two seating services, controlled by a test. */
export interface FakeSeating {
  readonly url: string;
  readonly calls: SeatingCall[];
  /** The answer to an order that names this seat, in place of its own. */
  readonly answerFor: Map<string, CannedAnswer>;
  /** Price of each seat by id, in major units; others cost 100. */
  readonly prices: Map<string, number>;
  readonly tierOf: Map<string, string>;
  /** Discounts of the catalogue by id, as `catalogueDiscount` makes them. */
  readonly discounts: Map<string, CatalogueDiscount>;
  /** The user id that owns an event, a session or an organisation, by its id. */
  readonly owners: Map<string, string>;
  /** Session ids for which this user id scans. */
  readonly scanners: Map<string, Set<string>>;
  /** Sessions of the catalogue by id, as the contract's section 9 spells them, with the title of their event. */
  readonly sessions: Map<string, { readonly title: string; readonly [field: string]: unknown }>;
  query: CannedAnswer | undefined;
  seating: CannedAnswer | undefined;
  isUnavailable: boolean;
  /** Answers wait for this promise. */
  gate: Promise<unknown> | undefined;
}

/** The calls that ask whether an order's seats may be sold; each order calls both services once. */
export function seatQuestions(fake: Pick<FakeSeating, 'calls'>): SeatingCall[] {
  return fake.calls.filter(({ path }) => path.endsWith('/validate-pre-order'));
}

/** New seats at the given prices, in major units. */
export function seatsAt<Prices extends readonly number[]>(
  fake: Pick<FakeSeating, 'prices'>,
  ...prices: Prices
): { [At in keyof Prices]: string } {
  const seatIds = prices.map((price) => {
    const seatId = randomUUID();
    fake.prices.set(seatId, price);
    return seatId;
  });
  return seatIds as { [At in keyof Prices]: string };
}

/** A discount as the platform spells it (contract section 4). */
export interface CatalogueDiscount {
  readonly id: string;
  readonly code: string;
  readonly public: boolean;
  readonly [field: string]: unknown;
}

/** Adds a discount to the catalogue, valid for everything except for `changes`; returns its id. */
export function catalogueDiscount(
  fake: Pick<FakeSeating, 'discounts'>,
  parameters: Record<string, unknown>,
  changes: Record<string, unknown> = {},
): string {
  const id = randomUUID();
  fake.discounts.set(id, {
    id,
    code: `CODE-${id.slice(0, 8)}`,
    parameters,
    activeFrom: null,
    expiresAt: null,
    maxUsage: null,
    currentUsage: 0,
    applicableTiers: [],
    applicableSessionIds: [],
    active: true,
    public: true,
    ...changes,
  });
  return id;
}

export const TIER = '33333333-3333-3333-3333-333333333333';

export async function startFakeSeating(): Promise<FakeSeating> {
  const fake: Omit<FakeSeating, 'url'> = {
    calls: [],
    answerFor: new Map(),
    prices: new Map(),
    tierOf: new Map(),
    discounts: new Map(),
    owners: new Map(),
    scanners: new Map(),
    sessions: new Map(),
    query: undefined,
    seating: undefined,
    isUnavailable: false,
    gate: undefined,
  };
  const server = createServer(async (request, response) => {
    if (fake.isUnavailable) return void request.socket.destroy();
    const url = new URL(request.url ?? '/', 'http://fake');
    const sent = await text(request);
    const body: unknown = sent === '' ? undefined : JSON.parse(sent);
    const { authorization, traceparent } = request.headers;
    fake.calls.push({ path: url.pathname, authorization, body, traceparent: traceparent?.toString() });
    if (fake.gate) await fake.gate;
    const answer = answerForSeats(fake, body) ?? answerOf(fake, url, body);
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(answer.body === undefined ? '' : JSON.stringify(answer.body));
  });
  const url = await listen(server);
  atEnd(() => close(server));
  return Object.assign(fake, { url });
}

function answerForSeats({ answerFor }: Omit<FakeSeating, 'url'>, body: unknown): CannedAnswer | undefined {
  const { seat_ids: seatIds = [] } = (body ?? {}) as Partial<AskedOrder>;
  return seatIds.map((seatId) => answerFor.get(seatId)).find((answer) => answer !== undefined);
}

function answerOf(fake: Omit<FakeSeating, 'url'>, url: URL, body: unknown): CannedAnswer {
  const parameter = (name: string) => url.searchParams.get(name) ?? '';
  const [, listed] = /^\/query\/v1\/events\/[^/]+\/sessions\/[^/]+\/discounts\/(.+)$/.exec(url.pathname) ?? [];
  if (listed !== undefined) return fake.query ?? catalogueOf(fake, listed);
  const [, kind, id = ''] = /^\/query\/v1\/(sessions|events)\/([^/]+)\/basic-info$/.exec(url.pathname) ?? [];
  if (kind !== undefined) return fake.query ?? infoOf(fake, kind, id);
  if (url.pathname.startsWith('/query')) {
    if (body === undefined) return { status: 404, body: { message: 'There is nothing here.' } };
    return fake.query ?? { status: 200, body: quoteOf(fake, body as AskedOrder) };
  }
  if (url.pathname.endsWith('/validate-pre-order')) return fake.seating ?? { status: 200, body: undefined };
  if (url.pathname.endsWith('/verify-role')) {
    const sessions = fake.scanners.get(parameter('userId'));
    return { status: 200, body: parameter('role') === 'SCANNER' && (sessions?.has(parameter('sessionId')) ?? false) };
  }
  if (url.pathname.endsWith('/verify-batch-ownership')) {
    const { eventIds, userId } = body as { eventIds: string[]; userId: string };
    const ownsAll = eventIds.every((eventId) => fake.owners.get(eventId) === userId);
    return ownsAll ? { status: 200, body: undefined } : { status: 403, body: { message: 'Not all of them.' } };
  }
  const owned = parameter('eventId') || parameter('sessionId') || parameter('organizationId');
  return { status: 200, body: fake.owners.get(owned) === parameter('userId') };
}

/** A session of the catalogue, or the event of one. */
function infoOf({ sessions }: Omit<FakeSeating, 'url'>, kind: string, id: string): CannedAnswer {
  const session = kind === 'sessions' ? sessions.get(id) : [...sessions.values()].find(({ eventId }) => eventId === id);
  if (!session) return { status: 404, body: { message: 'There is no such thing.' } };
  return { status: 200, body: kind === 'sessions' ? session : { id, title: session.title } };
}

/** The catalogue that pages read (contract section 9): `public`, or `code/` and a code. */
function catalogueOf({ discounts }: Omit<FakeSeating, 'url'>, asked: string): CannedAnswer {
  const all = [...discounts.values()];
  if (asked === 'public') return { status: 200, body: all.filter((each) => each.public) };
  const found = all.find(({ code }) => asked === `code/${encodeURIComponent(code)}`);
  return found ? { status: 200, body: found } : { status: 404, body: { message: 'No such discount.' } };
}

interface AskedOrder {
  readonly seat_ids: readonly string[];
  readonly discount_id?: string;
}

/** It compares neither event nor organisation with the session: the service must do that itself. */
function quoteOf(fake: Omit<FakeSeating, 'url'>, request: AskedOrder): unknown {
  const seats = request.seat_ids.map((seatId) => ({
    seatId,
    label: `L-${seatId.slice(0, 4)}`,
    tier: { id: fake.tierOf.get(seatId) ?? TIER, name: 'VIP', price: fake.prices.get(seatId) ?? 100, color: '#FFD700' },
  }));
  const { discount_id: discountId } = request;
  return { seats, discount: discountId ? (fake.discounts.get(discountId) ?? null) : null };
}

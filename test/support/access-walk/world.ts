import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { expect } from 'vitest';
import { readQrCode } from '../../../scripts/qr-reader.ts';
import { atEnd } from '../at-end.ts';
import { type PlatformApp, startPlatformApp } from '../platform-app.ts';

/** Every caller, by their relation to the event, session, organisation, order and ticket that a request concerns. */
export const CALLERS = [
  'anonymous',
  'forged',
  'expired',
  'idToken',
  'otherClient',
  'otherAudience',
  'logoutToken',
  'refreshToken',
  'stranger',
  'owner',
  'otherOrganiser',
  'organiser',
  'scanner',
  'otherScanner',
  'admin',
  'service',
] as const;
export type Caller = (typeof CALLERS)[number];

/** One event with everything that belongs to it. No person of one side has a part in the other. */
export interface Side {
  readonly eventId: string;
  readonly sessionId: string;
  readonly organizationId: string;
  readonly tierId: string;
  /** The price of each of its seats, in major units; no other figure looks like it. */
  readonly price: number;
  readonly buyer: string;
  readonly organiser: string;
  readonly scanner: string;
}

/** The stage of an order. `free` is pending and costs nothing, `at the door` comes with its QR text, and `inside` is checked in. */
export const STAGES = ['pending', 'free', 'completed', 'at the door', 'inside', 'refunded'] as const;
export type Stage = (typeof STAGES)[number];

/** An order of one ticket. */
export interface Sale {
  readonly side: Side;
  readonly orderId: string;
  readonly ticketId: string;
  /** Set for a ticket at the door, else empty. */
  readonly qrText: string;
  /** Texts that only an answer to a caller with access to the order has. */
  readonly secrets: readonly string[];
  /** Texts that an answer about the sales of its event has. */
  readonly marks: readonly string[];
}

/** The service with two events of different organisers. */
export interface World {
  readonly platform: PlatformApp;
  readonly tokens: ReadonlyMap<Caller, string>;
  /** An order of each stage, of the event that requests concern. */
  readonly sales: Readonly<Record<Stage, Sale>>;
  /** A completed order of the other event, with the secrets of the other event's orders of every stage. */
  readonly there: Sale;
  /** Places a new order for the event that requests concern. */
  sale(stage: Stage): Promise<Sale>;
  /** Returns the world with new orders, because the existing ones were used up. */
  renewed(): Promise<World>;
  /** Every row of every table, as text, by table. */
  rows(): Promise<ReadonlyMap<string, string>>;
}

const TOKEN_LIFE_S = 3_600;
const ADMIN = { user_groups: ['/Permissions/Users/System Admins'] };
const PRICES = { here: 4_242.75, there: 3_131.25 };

export async function openWorld(): Promise<World> {
  // No background work runs, so rows change by requests alone.
  const platform = await startPlatformApp(
    { QR_SECRET_KEY: Buffer.alloc(32, 7).toString('base64') },
    { background: false, verified: true },
  );
  const [here, there] = [ownSide(platform, PRICES.here), otherSide(platform, PRICES.there)];
  const tokens = await tokensOf(platform, here, there);
  const sell = createSelling(platform, tokens.get('admin') ?? '');
  const rows = await openRows(platform.app.dsn);
  const [sales, ofThere] = await Promise.all([ofEachStage(sell, here), ofEachStage(sell, there)]);
  const world: World = {
    platform,
    tokens,
    sales,
    there: { ...ofThere.completed, secrets: Object.values(ofThere).flatMap(({ secrets }) => secrets) },
    sale: (stage) => sell(here, stage),
    renewed: async () => ({ ...world, sales: await ofEachStage(sell, here) }),
    rows,
  };
  return world;
}

async function ofEachStage(sell: Sell, side: Side): Promise<Record<Stage, Sale>> {
  const sales = STAGES.map(async (stage) => [stage, await sell(side, stage)] as const);
  return Object.fromEntries(await Promise.all(sales)) as Record<Stage, Sale>;
}

function ownSide(platform: PlatformApp, price: number): Side {
  const { eventId, sessionId, organizationId } = platform;
  return withPeople(platform, { eventId, sessionId, organizationId }, price);
}

function otherSide(platform: PlatformApp, price: number): Side {
  const [eventId, sessionId, organizationId] = [randomUUID(), randomUUID(), randomUUID()];
  const own = platform.seating.sessions.get(platform.sessionId);
  platform.seating.sessions.set(sessionId, { ...own, title: 'Another event', id: sessionId, eventId, organizationId });
  return withPeople(platform, { eventId, sessionId, organizationId }, price);
}

function withPeople(
  { seating }: PlatformApp,
  ids: Pick<Side, 'eventId' | 'sessionId' | 'organizationId'>,
  price: number,
): Side {
  const [buyer, organiser, scanner] = [randomUUID(), randomUUID(), randomUUID()];
  for (const id of Object.values(ids)) seating.owners.set(id, organiser);
  seating.scanners.set(scanner, new Set([ids.sessionId]));
  return { ...ids, tierId: randomUUID(), price, buyer, organiser, scanner };
}

async function tokensOf({ issuer }: PlatformApp, here: Side, there: Side): Promise<Map<Caller, string>> {
  const good = (sub: string, claims = {}) => issuer.token(sub, claims, { expiresIn: TOKEN_LIFE_S });
  const tokens: Record<Exclude<Caller, 'anonymous'>, Promise<string>> = {
    forged: issuer.token(here.organiser, ADMIN, { forged: true }),
    idToken: good(here.organiser, { ...ADMIN, typ: undefined, aud: 'web-frontend', azp: 'web-frontend', nonce: 'n' }),
    otherClient: good(here.organiser, { ...ADMIN, azp: 'payroll' }),
    otherAudience: good(here.organiser, { ...ADMIN, azp: 'web-frontend', aud: 'payroll' }),
    logoutToken: good(here.organiser, { ...ADMIN, typ: 'Logout', azp: 'web-frontend' }),
    refreshToken: good(here.organiser, { ...ADMIN, typ: 'Refresh', azp: 'web-frontend', aud: issuer.issuer }),
    expired: issuer.token(here.organiser, ADMIN, { expiresIn: -TOKEN_LIFE_S }),
    stranger: good(there.buyer),
    owner: good(here.buyer),
    otherOrganiser: good(there.organiser),
    organiser: good(here.organiser),
    scanner: good(here.scanner),
    otherScanner: good(there.scanner),
    admin: good(randomUUID(), ADMIN),
    service: good(randomUUID(), { scope: 'internal-api', azp: 'ticket-service-client' }),
  };
  const entries = Object.entries(tokens).map(async ([caller, token]) => [caller, await token] as const);
  return new Map((await Promise.all(entries)) as [Caller, string][]);
}

type Sell = (side: Side, stage: Stage) => Promise<Sale>;

function createSelling(platform: PlatformApp, admin: string): Sell {
  const { app, seating } = platform;

  async function succeed(method: string, path: string, token: string, body?: unknown) {
    const answer = await app.call(method, path, { token, ...(body === undefined ? {} : { body }) });
    expect(answer.status, `${method} ${path}: ${answer.text}`).toBeLessThan(300);
    return answer.body;
  }

  return async (side, stage) => {
    const [buyer, organiser, scanner] = await Promise.all(
      [side.buyer, side.organiser, side.scanner].map((sub) => platform.token(sub)),
    );
    if (!buyer || !organiser || !scanner) throw new Error('a side lacks a person');
    const seatId = seatOf(platform, side);
    if (stage === 'free') seating.prices.set(seatId, 0);
    const { order_id: orderId } = await succeed('POST', '/api/order', buyer, orderOf(side, seatId));
    const isPaid = stage !== 'pending' && stage !== 'free';
    const intentId = isPaid ? await platform.pay(buyer, orderId) : undefined;
    if (isPaid) await succeed('POST', `/api/order/${orderId}/checkout`, buyer);
    const [ticket] = await succeed('GET', `/api/order/${orderId}/tickets`, buyer);
    const ticketId: string = ticket.ticket_id;
    const note = `Note about ${ticketId}`;
    if (isPaid) await succeed('PUT', `/api/order/ticket/${ticketId}`, organiser, { note });
    const isScanned = stage === 'at the door' || stage === 'inside';
    const qrText = isScanned ? await readQrCode(Buffer.from(ticket.qr_code, 'base64')) : '';
    if (stage === 'inside') await succeed('POST', '/api/order/ticket/checkin', scanner, { encrypted_qr: qrText });
    if (stage === 'refunded') await succeed('POST', `/api/order/${orderId}/refund`, admin, {});
    const secrets = [orderId, ticketId, seatId, note, side.buyer, qrText, intentId ?? ''];
    return {
      side,
      orderId,
      ticketId,
      qrText,
      secrets: secrets.filter((text) => text !== ''),
      marks: [side.tierId, String(side.price)],
    };
  };
}

/** A new seat of a side. */
export function seatOf({ seating }: PlatformApp, side: Side): string {
  const seatId = randomUUID();
  seating.prices.set(seatId, side.price);
  seating.tierOf.set(seatId, side.tierId);
  return seatId;
}

/** The body that orders a seat. */
export function orderOf({ sessionId, eventId, organizationId }: Side, seatId: string) {
  return { session_id: sessionId, event_id: eventId, organization_id: organizationId, seat_ids: [seatId] };
}

/** Reads the whole database over one connection, because it is read before and after each route. */
async function openRows(dsn: string): Promise<World['rows']> {
  const client = new pg.Client({ connectionString: dsn });
  await client.connect();
  atEnd(() => client.end());
  const { rows } = await client.query<{ name: string }>(
    `SELECT quote_ident(table_name) AS name FROM information_schema.tables
     WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1`,
  );
  const dumps = rows.map(
    ({ name }) => `SELECT '${name}' AS name, string_agg(t::text, E'\\n' ORDER BY t::text) AS rows FROM ${name} t`,
  );
  const text = dumps.join(' UNION ALL ');
  return async () => {
    const dump = await client.query<{ name: string; rows: string | null }>(text);
    return new Map(dump.rows.map((table) => [table.name, table.rows ?? '']));
  };
}

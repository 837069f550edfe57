import { randomUUID } from 'node:crypto';
import type { JWTPayload } from 'jose';
import { expect } from 'vitest';
import { confirmIntent, type PlatformApp } from '../platform-app.ts';
import type { Answer, TestApp } from '../test-app.ts';
import {
  type ApiRequest,
  type OnSale,
  type Order,
  type OrderRef,
  type Requests,
  requestsAt,
  type Ticket,
} from './requests.ts';

export { type Order, type OrderRef, onSaleAt, orderIdOf, type Ticket, type TicketRef } from './requests.ts';

type Answering<Request, Result> = Request extends (...given: infer Given) => ApiRequest<infer Body>
  ? (...given: Given) => Promise<Result extends 'body' ? Body : Answer>
  : never;

/** Requests that must succeed: each returns the parsed body, or fails with the whole answer. */
type Does = { readonly [Name in keyof Requests]: Answering<Requests[Name], 'body'> };
/** The same requests, with any answer. */
type Tries = { readonly [Name in keyof Requests]: Answering<Requests[Name], 'answer'> };

/** A paid and completed order. */
export interface Bought<Seats extends readonly string[] = readonly string[]> {
  readonly orderId: string;
  readonly intentId: string;
  readonly seatIds: Seats;
  /** The answer of its checkout. */
  readonly order: Order;
  /** The tickets of the order, in the order of the seats. */
  readonly tickets: { readonly [At in keyof Seats]: Ticket };
}

/** A person who is signed in and calls the API. */
export interface Person extends Does {
  readonly id: string;
  readonly token: string;
  readonly tries: Tries;
  /** Any other request. */
  call(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Orders seats, new ones when none are named; returns the id of the order. */
  place(seatIds?: readonly string[], discountId?: string): Promise<string>;
  /** Creates the payment and confirms it with a card, as a page does; returns the id of the PaymentIntent. */
  pay(order: OrderRef, card?: string): Promise<string>;
  /** Orders seats, pays for them and completes the order. */
  buy<Seats extends readonly string[]>(seatIds: Seats, discountId?: string): Promise<Bought<Seats>>;
  /** The same person, whose requests go to another replica, concern another session or have further headers. */
  via(way: Partial<Pick<Signed, 'app' | 'onSale' | 'headers'>>): Person;
}

/** Where a person is and who they are. */
export interface Signed {
  readonly app: TestApp;
  readonly onSale: OnSale;
  readonly id: string;
  readonly token: string;
  readonly headers?: Record<string, string>;
}

export function person(signed: Signed): Person {
  const { app, onSale, id, token, headers = {} } = signed;
  const call = (method: string, path: string, body?: unknown) =>
    app.call(method, path, { token, headers, ...(body === undefined ? {} : { body }) });
  const { does, tries } = bothWays(requestsAt(onSale), call);

  const place = async (seatIds?: readonly string[], discountId?: string) =>
    (await does.order(seatIds, discountId)).order_id;

  async function pay(order: OrderRef, card = 'pm_card_visa'): Promise<string> {
    const { paymentIntentId, clientSecret } = await does.intent(order);
    expect(await confirmIntent(app.url, paymentIntentId, clientSecret, card)).toBe(200);
    return paymentIntentId;
  }

  return {
    ...does,
    tries,
    id,
    token,
    call,
    place,
    pay,
    async buy<Seats extends readonly string[]>(seatIds: Seats, discountId?: string) {
      const orderId = await place(seatIds, discountId);
      const intentId = await pay(orderId);
      const order = await does.checkOut(orderId);
      expect(order.Status).toBe('completed');
      const tickets = seatIds.map((seatId) => ticketOf(order, seatId)) as { [At in keyof Seats]: Ticket };
      return { orderId, intentId, seatIds, order, tickets };
    },
    via: (way) => person({ ...signed, ...way }),
  };
}

/** The ticket of an order for a seat. */
function ticketOf({ OrderID, tickets }: Order, seatId: string): Ticket {
  const ticket = tickets.find((each) => each.seat_id === seatId);
  if (!ticket) throw new Error(`order ${OrderID} has no ticket for seat ${seatId}`);
  return ticket;
}

type Call = (method: string, path: string, body?: unknown) => Promise<Answer>;

function bothWays(requests: Requests, call: Call): { does: Does; tries: Tries } {
  const entries = Object.entries(requests) as [string, (...given: unknown[]) => ApiRequest<unknown>][];
  const tries = entries.map(([name, request]) => {
    const send = (...given: unknown[]) => {
      const { method, path, body } = request(...given);
      return call(method, path, body);
    };
    return [name, send] as const;
  });
  const does = entries.map(([name, request]) => {
    const send = async (...given: unknown[]) => {
      const { method, path, body, usual } = request(...given);
      const answer = await call(method, path, body);
      expect(answer.status, `${method} ${path} answered ${answer.text}`).toBe(usual);
      return answer.body;
    };
    return [name, send] as const;
  });
  return { does: Object.fromEntries(does) as unknown as Does, tries: Object.fromEntries(tries) as unknown as Tries };
}

/** Longer than every jump of a clock that tests make. */
const TOKEN_LIFE_S = 30 * 86_400;

/** A new person on a platform, without any permissions yet. */
export async function newPerson(
  platform: PlatformApp,
  { id = randomUUID(), claims = {} }: { id?: string; claims?: JWTPayload } = {},
): Promise<Person> {
  const token = await platform.issuer.token(id, claims, { expiresIn: TOKEN_LIFE_S });
  return person({ app: platform.app, onSale: platform, id, token });
}

export const newAdmin = (platform: PlatformApp): Promise<Person> =>
  newPerson(platform, { claims: { user_groups: ['/Permissions/Users/System Admins'] } });

/** A person who owns the platform's event, its session and its organisation. */
export async function newOrganiser(platform: PlatformApp): Promise<Person> {
  const organiser = await newPerson(platform);
  for (const id of [platform.eventId, platform.sessionId, platform.organizationId])
    platform.seating.owners.set(id, organiser.id);
  return organiser;
}

/** A person who scans for the platform's session. */
export async function newScanner(platform: PlatformApp): Promise<Person> {
  const scanner = await newPerson(platform);
  platform.seating.scanners.set(scanner.id, new Set([platform.sessionId]));
  return scanner;
}

/** One person for each role in a platform's session. */
export interface People {
  readonly buyer: Person;
  readonly organiser: Person;
  readonly admin: Person;
  readonly scanner: Person;
}

export async function people(platform: PlatformApp): Promise<People> {
  const [buyer, organiser, admin, scanner] = await Promise.all([
    newPerson(platform),
    newOrganiser(platform),
    newAdmin(platform),
    newScanner(platform),
  ]);
  return { buyer, organiser, admin, scanner };
}

import { type Clock, toRfc3339 } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { OrderId, SessionId, TicketId } from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Database } from '../../platform/postgres/database.ts';
import type { Receipt } from '../../platform/postgres/receipt.ts';
import type { Order } from '../orders/order.rules.ts';
import type { SeatingServices } from '../seats/seats.ports.ts';
import type { TicketSealer } from './qr/sealer.ts';
import { decideCheckIn, type Ticket, type TicketAtDoor } from './ticket.rules.ts';
import { checkIn, countLive, findTicket } from './ticket.store.ts';

/** A ticket as its holder sees it: with its QR text once the order is completed, never before. */
export interface TicketView {
  readonly ticket: Ticket;
  readonly qrText: string | undefined;
}

export interface TicketService {
  /** For the holder, the organiser, a scanner of the session, admins. Throws `ticket_not_found`, `forbidden`. */
  view(ticketId: TicketId, who: Principal): Promise<TicketView>;
  /** The tickets of an order, for who may read the order. Throws as reading the order does. */
  viewOrder(orderId: OrderId, who: Principal): Promise<TicketView[]>;
  /** An order's tickets for somebody who was let see the order already. */
  viewsOf(order: Order): Promise<TicketView[]>;
  /**
   * Lets the bearer of a QR text in, once. `door` is the session the scanner works for, when he says it.
   * Throws `ticket_forged`, `ticket_wrong_session`, `ticket_cancelled`, `ticket_not_paid`, `already_checked_in`.
   */
  checkIn(
    qrText: string,
    door: SessionId | undefined,
    who: Principal,
    receipt: Receipt<Ticket> | undefined,
  ): Promise<Ticket>;
  /** How many tickets are held or sold. */
  count(): Promise<number>;
}

export interface TicketServiceOptions {
  readonly database: Database;
  readonly seating: SeatingServices;
  readonly sealer: TicketSealer;
  readonly readOrder: (orderId: OrderId, who: Principal) => Promise<Order>;
  readonly findOrder: (orderId: OrderId) => Promise<Order | undefined>;
  readonly currency: Currency;
  readonly clock: Clock;
}

export function createTicketService(options: TicketServiceOptions): TicketService {
  const { database, currency } = options;

  async function viewsOf(order: Order): Promise<TicketView[]> {
    return Promise.all(order.tickets.map((ticket) => toView(ticket, order.status, options)));
  }

  return {
    async view(ticketId, who) {
      const found = await findTicket(database, ticketId, currency);
      if (!found) throw new AppError('ticket_not_found', 'There is no ticket with this id.');
      const standing = await standingToTicket(found, who, options);
      if (standing === 'stranger') throw new AppError('forbidden', 'This ticket is not yours.');
      // A scanner sees whose seat it is, but gets no QR text that he could pass on.
      if (standing === 'scanner') return { ticket: found.ticket, qrText: undefined };
      return toView(found.ticket, found.orderStatus, options);
    },
    async viewOrder(orderId, who) {
      return viewsOf(await options.readOrder(orderId, who));
    },
    viewsOf,
    checkIn: (qrText, door, who, receipt) => checkInAt(qrText, door, who, receipt, options),
    count: () => countLive(database),
  };
}

async function toView(
  ticket: Ticket,
  orderStatus: Order['status'],
  { sealer }: TicketServiceOptions,
): Promise<TicketView> {
  const isGood = orderStatus === 'completed' && ticket.voidedAt === undefined;
  return { ticket, qrText: isGood ? await sealer.seal(ticket) : undefined };
}

async function standingToTicket(
  { ticket, holderId }: TicketAtDoor,
  who: Principal,
  { seating, findOrder }: TicketServiceOptions,
): Promise<'holder' | 'admin' | 'organiser' | 'scanner' | 'stranger'> {
  if (holderId === who.userId) return 'holder';
  if (who.isAdmin) return 'admin';
  const order = await findOrder(ticket.orderId);
  if (order && (await seating.ownsEvent(order.eventId, who.userId))) return 'organiser';
  return (await seating.isScanner(ticket.sessionId, who.userId)) ? 'scanner' : 'stranger';
}

async function checkInAt(
  qrText: string,
  door: SessionId | undefined,
  who: Principal,
  receipt: Receipt<Ticket> | undefined,
  options: TicketServiceOptions,
): Promise<Ticket> {
  const { database, sealer, seating, currency } = options;
  const opened = await sealer.open(qrText);
  if (opened.outcome === 'refused') throw new AppError('ticket_forged', FORGED[opened.reason]);
  const { ticketId, sessionId } = opened;
  if (door !== undefined && door !== sessionId) {
    throw new AppError(
      'ticket_wrong_session',
      'This ticket is for another session. Send the holder to the right door.',
    );
  }
  if (!(await seating.isScanner(sessionId, who.userId))) {
    throw new AppError('ticket_wrong_session', 'This ticket is for a session that you do not scan for.');
  }
  // A second look after a lost race tells what won it.
  for (const lastLook of [false, true]) {
    const found = await findTicket(database, ticketId, currency);
    if (!found) throw new AppError('ticket_forged', 'There is no such ticket. Do not admit.');
    const decision = decideCheckIn(found, sessionId);
    if (decision.outcome === 'refuse') throw toError(decision);
    const admitted = await admit(found.ticket, who, receipt, options);
    if (admitted) return admitted;
    if (lastLook) break;
  }
  throw new AppError('ticket_cancelled', 'This ticket changed while it was scanned. Scan it again.');
}

/** One statement; with a receipt to keep it is one transaction of two. */
async function admit(
  ticket: Ticket,
  { userId }: Principal,
  receipt: Receipt<Ticket> | undefined,
  { database, clock }: TicketServiceOptions,
): Promise<Ticket | undefined> {
  const at = clock.now();
  const admitted = { ...ticket, checkedInAt: at };
  if (!receipt) return (await checkIn(database, ticket.ticketId, at, userId)) ? admitted : undefined;
  return database.transaction(async (tx) => {
    if (!(await checkIn(tx, ticket.ticketId, at, userId))) return undefined;
    await receipt.keep(tx, admitted);
    return admitted;
  });
}

const FORGED = {
  not_a_ticket: 'This is not one of our QR codes. Do not admit.',
  unknown_key: 'This QR code was made with a key that is no longer good. Send the holder to the box office.',
  forged: 'This QR code is forged or damaged. Do not admit.',
} as const;

function toError(refused: Extract<ReturnType<typeof decideCheckIn>, { outcome: 'refuse' }>): AppError {
  if (refused.code !== 'already_checked_in') return new AppError(refused.code, refused.detail);
  const first = toRfc3339(refused.at);
  return new AppError('already_checked_in', `Already checked in at ${first}. Do not admit again.`, {
    checkedInTime: first,
  });
}

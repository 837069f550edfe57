import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { EventId, IdSource, SeatId, SessionId, TicketId, TierId } from '../../kernel/ids.ts';
import type { Currency, Money } from '../../kernel/money.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Database } from '../../platform/postgres/database.ts';
import type { RecordAction } from '../audit/index.ts';
import type { Catalogue } from '../catalogue/index.ts';
import type { GiveBackTicket, TakeCash } from '../payments/index.ts';
import type { SeatHolds, SeatingServices, SeatLabels } from '../seats/index.ts';
import type { Ticket } from '../tickets/index.ts';
import { amendTicketOf } from './amending.service.ts';
import { issueTicket } from './issuing.service.ts';
import type { Order } from './order.ts';
import type { OrderBook } from './order-book.ts';
import { findOrder, placeOfTicket } from './orders.store.ts';
import { voidTicketOf } from './voiding.service.ts';

/** A ticket that is given away, or sold for cash. */
export interface TicketWish {
  readonly eventId: EventId;
  readonly sessionId: SessionId;
  readonly seatId: SeatId;
  /** The tier the organiser believes the seat to be of; undefined when he does not say. */
  readonly tierId: TierId | undefined;
  /** 0 for a complimentary ticket, else what was taken in cash. */
  readonly price: Money;
  readonly note: string | undefined;
}

/** What an organiser wants of a ticket; a part that is undefined stays as it is, an empty note goes. */
export interface AmendWish {
  readonly seatId: SeatId | undefined;
  readonly seatLabel: string | undefined;
  readonly note: string | undefined;
  /** Whatever else was asked for, by its name on the wire; refused unless it is so already. */
  readonly rest: Readonly<Record<string, unknown>>;
}

/** What organisers and administrators do to tickets; each deed is in the audit trail. */
export interface BoxOffice {
  /**
   * A ticket of a completed order of its own. Throws `forbidden`, `seats_taken`, `seats_refused`,
   * `ticket_change_refused`, `seating_unavailable`.
   */
  issue(wish: TicketWish, who: Principal): Promise<Ticket>;
  /**
   * The ticket with another seat of its tier, another label or note. Throws `ticket_not_found`, `forbidden`,
   * `invalid_request` with why a part is not to be changed, `ticket_change_refused`, `order_changed`, and what issuing
   * throws.
   */
  amend(ticketId: TicketId, wish: AmendWish, who: Principal): Promise<Ticket>;
  /**
   * The ticket is void from now on, and its money given back when that is asked for; of one that is void already only
   * the latter. Throws `ticket_not_found`, `forbidden`, `ticket_change_refused`, `refund_not_possible`.
   */
  void(ticketId: TicketId, isRefunded: boolean, who: Principal): Promise<void>;
}

export interface BoxOfficeOptions {
  readonly database: Database;
  readonly holds: SeatHolds;
  readonly seating: SeatingServices;
  readonly labels: SeatLabels;
  readonly catalogue: Catalogue;
  readonly transitions: OrderBook;
  readonly recordAction: RecordAction;
  readonly takeCash: TakeCash;
  readonly giveBackTicket: GiveBackTicket;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly currency: Currency;
  readonly holdMs: number;
}

export function createBoxOffice(options: BoxOfficeOptions): BoxOffice {
  const { database, seating } = options;

  async function demandOrganiser(eventId: EventId, who: Principal): Promise<void> {
    if (who.isAdmin || (await seating.ownsEvent(eventId, who.userId))) return;
    throw new AppError('forbidden', 'This event is not yours.');
  }

  /** The order of a ticket, for who may change it. */
  async function orderOf(ticketId: TicketId, who: Principal): Promise<Order> {
    const place = await placeOfTicket(database, ticketId);
    const order = place && (await findOrder(database, place.orderId));
    if (!order) throw new AppError('ticket_not_found', 'There is no ticket with this id.');
    await demandOrganiser(order.eventId, who);
    return order;
  }

  return {
    async issue(wish, who) {
      await demandOrganiser(wish.eventId, who);
      return issueTicket(wish, who, options);
    },
    async amend(ticketId, wish, who) {
      return amendTicketOf(await orderOf(ticketId, who), ticketId, wish, who, options);
    },
    async void(ticketId, isRefunded, who) {
      const { orderId } = await orderOf(ticketId, who);
      await voidTicketOf({ orderId, ticketId, isRefunded }, who, options);
    },
  };
}

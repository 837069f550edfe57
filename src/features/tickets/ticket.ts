import type { Instant } from '../../kernel/clock.ts';
import type { EventId, OrderId, SeatId, SessionId, TicketId, TierId, UserId } from '../../kernel/ids.ts';
import type { Money } from '../../kernel/money.ts';

/**
 * A ticket's life. It is live (it holds its seat) until it is voided; it admits once, while live and paid for.
 *
 * | from       | what happens                    | to         | who decides                     |
 * |------------|---------------------------------|------------|---------------------------------|
 * | -          | order placed                    | live       | unique index `tickets_live_seat`|
 * | live       | order cancelled or expired      | voided     | the order's transition          |
 * | voided     | late money, the seat still free | live       | unique index `tickets_live_seat`|
 * | live       | check-in, order completed       | checked in | one conditional update, see `door/scan.ts` |
 * | checked in | check-in undone by an organiser | live       | the same                        |
 * | checked in | order cancelled by an admin     | voided     | the order's transition          |
 * | live, checked in | an organiser voids it     | voided     | the order's transition          |
 */
export interface Ticket {
  readonly ticketId: TicketId;
  readonly orderId: OrderId;
  readonly sessionId: SessionId;
  readonly seatId: SeatId;
  readonly seatLabel: string;
  readonly colour: string;
  readonly tierId: TierId;
  readonly tierName: string;
  readonly price: Money;
  readonly issuedAt: Instant;
  readonly voidedAt: Instant | undefined;
  readonly checkedInAt: Instant | undefined;
  /** What the organiser wrote about the holder; for the organiser, the holder and the door, never for a topic or a log. */
  readonly note?: string | undefined;
}

export type OrderStatus = 'pending' | 'completed' | 'cancelled';

/** What tickets need of their order. */
export interface TicketOrder {
  readonly status: OrderStatus;
  readonly userId: UserId;
  readonly eventId: EventId;
  readonly tickets: readonly Ticket[];
}

/** Whether a ticket admits while its order is as it is; only then it has a QR code. */
export function isGood(ticket: Ticket, orderStatus: OrderStatus): boolean {
  return orderStatus === 'completed' && ticket.voidedAt === undefined;
}

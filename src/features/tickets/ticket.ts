import type { Instant } from '../../kernel/clock.ts';
import type { EventId, OrderId, SeatId, SessionId, TicketId, TierId, UserId } from '../../kernel/ids.ts';
import type { Money } from '../../kernel/money.ts';

/**
 * The states of a ticket. It is live, which means that it holds its seat, until it is voided. It admits once, while it is
 * live and its order is completed.
 *
 * | from       | what happens                    | to         | who decides                     |
 * |------------|---------------------------------|------------|---------------------------------|
 * | -          | order placed                    | live       | unique index `tickets_live_seat`|
 * | live       | order cancelled or expired      | voided     | the order's transition          |
 * | voided     | late money, the seat still free | live       | unique index `tickets_live_seat`|
 * | live       | check-in, order completed       | checked in | one conditional update (`door/scan.ts`) |
 * | checked in | an organiser undoes the check-in | live      | one conditional update (`door/scan.ts`) |
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
  /** The organiser's note about the holder. The organiser, the holder and the door see it; it is never published or logged. */
  readonly note?: string | undefined;
}

export type OrderStatus = 'pending' | 'completed' | 'cancelled';

/** The parts of an order that tickets depend on. */
export interface TicketOrder {
  readonly status: OrderStatus;
  readonly userId: UserId;
  readonly eventId: EventId;
  readonly tickets: readonly Ticket[];
}

/** Whether a ticket admits, given its order's status. Only such a ticket has a QR code. */
export function isGood(ticket: Ticket, orderStatus: OrderStatus): boolean {
  return orderStatus === 'completed' && ticket.voidedAt === undefined;
}

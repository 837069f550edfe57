import type { Instant } from '../../kernel/clock.ts';
import type { OrderId, SeatId, SessionId, TicketId, TierId, UserId } from '../../kernel/ids.ts';
import type { Money } from '../../kernel/money.ts';

/**
 * A ticket's life. It is live (it holds its seat) until it is voided; it admits once, while live and paid for.
 *
 * | from       | what happens                    | to         | who decides                     |
 * |------------|---------------------------------|------------|---------------------------------|
 * | -          | order placed                    | live       | unique index `tickets_live_seat`|
 * | live       | order cancelled or expired      | voided     | the order's transition          |
 * | voided     | late money, the seat still free | live       | unique index `tickets_live_seat`|
 * | live       | check-in, order completed       | checked in | `decideCheckIn`, then one conditional update |
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
  /** What the organiser wrote about the holder; for him, the holder and the door, never for a topic or a log. */
  readonly note?: string | undefined;
}

/** A ticket at the door: what decides whether it admits. */
export interface TicketAtDoor {
  readonly ticket: Ticket;
  readonly orderStatus: 'pending' | 'completed' | 'cancelled';
  readonly holderId: UserId;
}

export type CheckInDecision =
  | { readonly outcome: 'admit' }
  | {
      readonly outcome: 'refuse';
      readonly code: 'ticket_cancelled' | 'ticket_not_paid' | 'ticket_forged';
      readonly detail: string;
    }
  | { readonly outcome: 'refuse'; readonly code: 'already_checked_in'; readonly at: Instant };

/**
 * Whether a genuine QR text admits its holder now. The update that follows is conditional on the same facts, so a
 * ticket that changes in between is not admitted. `sealedFor` is the session the text was sealed for.
 */
export function decideCheckIn(
  { ticket, orderStatus }: Pick<TicketAtDoor, 'ticket' | 'orderStatus'>,
  sealedFor: SessionId,
): CheckInDecision {
  if (ticket.sessionId !== sealedFor) {
    return refuse('ticket_forged', 'This QR code does not belong to the ticket it names. Do not admit.');
  }
  if (ticket.voidedAt !== undefined || orderStatus === 'cancelled') {
    return refuse(
      'ticket_cancelled',
      'This ticket was cancelled. Do not admit; send the holder to the box office.',
    );
  }
  if (orderStatus === 'pending') {
    return refuse('ticket_not_paid', 'This ticket is not paid for. Do not admit; the holder can still pay.');
  }
  if (ticket.checkedInAt !== undefined) {
    return { outcome: 'refuse', code: 'already_checked_in', at: ticket.checkedInAt };
  }
  return { outcome: 'admit' };
}

function refuse(
  code: 'ticket_cancelled' | 'ticket_not_paid' | 'ticket_forged',
  detail: string,
): CheckInDecision {
  return { outcome: 'refuse', code, detail };
}

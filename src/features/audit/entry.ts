import type { Instant } from '../../kernel/clock.ts';
import type { EventId, OrderId, SessionId, TicketId, UserId } from '../../kernel/ids.ts';

/** Everything that organisers and administrators do to orders and tickets, as the trail calls it. */
export const AUDIT_ACTIONS = [
  'ticket.issued',
  'ticket.changed',
  'ticket.voided',
  'check_in.undone',
  'door.changed',
  'order.cancelled',
  'order.refunded',
  'refund.settled',
] as const;

export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** The state of something, by names that an organiser knows. No name, no note, no secret: the trail cannot be erased. */
export type AuditState = Readonly<Record<string, string | number | boolean | null>>;

/** An action of an organiser or administrator. */
export interface AuditEntry {
  readonly actor: UserId;
  readonly action: AuditAction;
  /** The order that it was about, or the session, where it was about no order. */
  readonly about: {
    readonly eventId: EventId;
    readonly sessionId: SessionId;
    readonly orderId?: OrderId | undefined;
  };
  /** Undefined when it was about the whole order. */
  readonly ticketId?: TicketId | undefined;
  /** Undefined when there was nothing before. */
  readonly before?: AuditState | undefined;
  readonly after: AuditState;
}

/** An entry as it was written; numbers grow with time. */
export interface WrittenEntry extends AuditEntry {
  readonly entryId: number;
  readonly at: Instant;
}

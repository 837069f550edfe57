import type { Instant } from '../../kernel/clock.ts';
import type { EventId, OrderId, SessionId, TicketId, UserId } from '../../kernel/ids.ts';

/** The actions of organisers and administrators that the trail records. */
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

/** Fields of what changed. They never hold names, notes or secrets, because the trail cannot be erased. */
export type AuditState = Readonly<Record<string, string | number | boolean | null>>;

/** An action of an organiser or administrator. */
export interface AuditEntry {
  readonly actor: UserId;
  readonly action: AuditAction;
  /** The order that the action changed, or only its event and session. */
  readonly about: {
    readonly eventId: EventId;
    readonly sessionId: SessionId;
    readonly orderId?: OrderId | undefined;
  };
  /** Undefined if the action was about the whole order. */
  readonly ticketId?: TicketId | undefined;
  /** Undefined if nothing existed before. */
  readonly before?: AuditState | undefined;
  readonly after: AuditState;
}

/** A stored entry. Entry numbers increase with time. */
export interface WrittenEntry extends AuditEntry {
  readonly entryId: number;
  readonly at: Instant;
}

import type { FieldError } from '../../kernel/errors.ts';
import type { SeatId } from '../../kernel/ids.ts';
import type { AuditState } from '../audit/index.ts';
import type { Ticket } from '../tickets/index.ts';

/** A change of a ticket by an organiser. A field that is undefined is not changed; an empty note removes the note. */
export interface AmendRequest {
  readonly seatId: SeatId | undefined;
  readonly seatLabel: string | undefined;
  readonly note: string | undefined;
  /** The other fields of the body, by their JSON names; refused unless they equal the ticket's. */
  readonly rest: Readonly<Record<string, unknown>>;
}

/** A refused part may have any name; its refusal shows the beginning. */
const MAX_PART_CHARS = 64;

const STAYS_IN_TIER = 'a ticket stays in its tier: void it and issue a new ticket';
const BY_THE_DOOR = 'only a check-in changes it';

/** Why each field of a ticket cannot be changed. */
const FIXED_PARTS = new Map(
  Object.entries({
    ticket_id: 'a ticket keeps its id',
    order_id: 'a ticket stays in its order',
    colour: STAYS_IN_TIER,
    tier_id: STAYS_IN_TIER,
    tier_name: STAYS_IN_TIER,
    price_at_purchase: 'the price paid does not change: void the ticket with refund=true to refund it',
    qr_code: 'it is derived from the ticket and the key',
    issued_at: 'it is the time at which the ticket was issued',
    checked_in: BY_THE_DOOR,
    checked_in_time: BY_THE_DOOR,
  }),
);

/**
 * The refusals of fields that cannot be changed and of fields that a ticket does not have. A field with its present value
 * is accepted. Both arguments have the JSON names.
 */
export function refusedParts(
  requested: Readonly<Record<string, unknown>>,
  ticket: Readonly<Record<string, unknown>>,
): FieldError[] {
  return Object.entries(requested)
    .filter(([part, value]) => !Object.hasOwn(ticket, part) || ticket[part] !== value)
    .map(([part]) => ({
      field: `body/${part.slice(0, MAX_PART_CHARS)}`,
      reason: FIXED_PARTS.get(part) ?? 'a ticket has no such field',
    }));
}

/** The ticket with the label and the note of a request. */
export function relabelled(ticket: Ticket, { seatLabel, note }: AmendRequest): Ticket {
  return {
    ...ticket,
    seatLabel: seatLabel ?? ticket.seatLabel,
    note: note === undefined ? ticket.note : note || undefined,
  };
}

/** What differs between two states of a ticket, for the audit trail; undefined when nothing does. */
export function changesOf(
  from: Ticket,
  to: Ticket,
): { readonly before: AuditState; readonly after: AuditState } | undefined {
  const isMoved = from.seatId !== to.seatId;
  const isRelabelled = from.seatLabel !== to.seatLabel;
  const hasOtherNote = from.note !== to.note;
  if (!isMoved && !isRelabelled && !hasOtherNote) return undefined;
  const state = (ticket: Ticket): AuditState => ({
    ...(isMoved ? { seat_id: ticket.seatId } : {}),
    ...(isRelabelled ? { seat_label: ticket.seatLabel } : {}),
    ...(hasOtherNote ? { has_note: ticket.note !== undefined } : {}),
  });
  // The text of a note is personal data, and the audit trail cannot be erased.
  return { before: state(from), after: { ...state(to), ...(hasOtherNote ? { is_note_new: true } : {}) } };
}

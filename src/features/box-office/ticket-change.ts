import type { FieldError } from '../../kernel/errors.ts';
import type { SeatId } from '../../kernel/ids.ts';
import type { AuditState } from '../audit/index.ts';
import type { Ticket } from '../tickets/index.ts';

/** What an organiser changes of a ticket; a part that is undefined stays as it is, an empty note removes the note. */
export interface AmendRequest {
  readonly seatId: SeatId | undefined;
  readonly seatLabel: string | undefined;
  readonly note: string | undefined;
  /** The other parts of the body, by their names on the wire; refused unless the ticket already is so. */
  readonly rest: Readonly<Record<string, unknown>>;
}

const STAYS_IN_TIER = 'a ticket stays in its tier: void it and issue another one';
const BY_THE_DOOR = 'only a check-in says so';

/** Why a part of a ticket cannot be changed. */
const FIXED_PARTS = new Map(
  Object.entries({
    ticket_id: 'a ticket keeps its id',
    order_id: 'a ticket stays in its order',
    colour: STAYS_IN_TIER,
    tier_id: STAYS_IN_TIER,
    tier_name: STAYS_IN_TIER,
    price_at_purchase: 'what was paid stays written: void the ticket with refund=true to give it back',
    qr_code: 'it follows from the ticket and the key',
    issued_at: 'it is when the ticket was issued',
    checked_in: BY_THE_DOOR,
    checked_in_time: BY_THE_DOOR,
  }),
);

/**
 * The refusals of parts that would change what is fixed, and of those that a ticket does not have. A part that is sent as
 * it is already changes nothing. Both are by their names on the wire.
 */
export function refusedParts(
  requested: Readonly<Record<string, unknown>>,
  ticket: Readonly<Record<string, unknown>>,
): FieldError[] {
  return Object.entries(requested)
    .filter(([part, value]) => !Object.hasOwn(ticket, part) || ticket[part] !== value)
    .map(([part]) => ({
      field: `body/${part}`,
      reason: FIXED_PARTS.get(part) ?? 'a ticket has no such part',
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
  // What a note says is not for the trail, which cannot be erased.
  return { before: state(from), after: { ...state(to), ...(hasOtherNote ? { is_note_new: true } : {}) } };
}

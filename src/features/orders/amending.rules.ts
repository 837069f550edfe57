import type { FieldError } from '../../kernel/errors.ts';

const STAYS_IN_TIER = 'a ticket stays in its tier: void it and issue another one';
const BY_THE_DOOR = 'only a check-in says so';

/** Why a part of a ticket is nobody's to change. */
const WHY_FIXED = new Map(
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
 * Why parts of a wish are refused: those that would change what stays, and those that a ticket does not have. A part that
 * is sent as it is already changes nothing. Both are by their names on the wire.
 */
export function refusedParts(
  wished: Readonly<Record<string, unknown>>,
  ticket: Readonly<Record<string, unknown>>,
): FieldError[] {
  return Object.entries(wished)
    .filter(([part, value]) => !Object.hasOwn(ticket, part) || ticket[part] !== value)
    .map(([part]) => ({ field: `body/${part}`, reason: WHY_FIXED.get(part) ?? 'a ticket has no such part' }));
}

/**
 * Branded identifiers: a ticket id cannot be passed where an order id is wanted.
 * A brand exists only in types; values are plain strings.
 */
declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type OrderId = Branded<'OrderId'>;
export type TicketId = Branded<'TicketId'>;
export type UserId = Branded<'UserId'>;
export type EventId = Branded<'EventId'>;
export type SessionId = Branded<'SessionId'>;
export type OrganizationId = Branded<'OrganizationId'>;
export type TierId = Branded<'TierId'>;
export type DiscountId = Branded<'DiscountId'>;
/** Opaque text of 1 to 64 characters; nearly always a UUID, but `A1` is one too. */
export type SeatId = Branded<'SeatId'>;
export type PaymentIntentId = Branded<'PaymentIntentId'>;

/** Where new ids come from; passed in, so that tests decide what they are. */
export interface IdSource {
  /** A new UUID in canonical lower-case form. */
  uuid(): string;
}

/** Brands a string whose form the caller has already checked (a schema, or a column of that type). */
export function as<Id extends string>(value: string): Id {
  return value as Id;
}

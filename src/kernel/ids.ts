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
/** Opaque text of 1 to 64 characters: usually a UUID, but `A1` is valid as well. */
export type SeatId = Branded<'SeatId'>;
export type PaymentIntentId = Branded<'PaymentIntentId'>;

/** Source of new ids; passed in, so that tests can choose them. */
export interface IdSource {
  /** A new UUID in canonical lower-case form. */
  uuid(): string;
}

const TICKS_PER_MS = 256;
const TICKS = 2 ** 32;
const HEX = 16;
const BYTES = 256;
/** The two hexadecimal digits of each byte. */
const HEX_OF = Array.from({ length: BYTES }, (_, byte) => byte.toString(HEX).padStart(2, '0'));
/** Positions in a UUID's text: the end of the first group, and the version digit. */
const FIRST_GROUP_CHARS = 8;
const VERSION_AT = 14;
/** The custom version of RFC 9562. */
const VERSION = '8';

/**
 * UUIDs that begin with the low bits of the time: 32 bits that count 1/256 of a millisecond and wrap around every 4.7
 * hours. The first eight characters, which tables show, therefore differ between consecutive ids, and ids made at the same
 * time are close to each other in an index. One source repeats the first eight characters only after a wrap-around. The
 * other bits come from `random`, which returns UUIDs of version 4. Decision 21 has the measurements.
 */
export function createIdSource(nowMs: () => number, random: () => string): IdSource {
  let last = 0;
  return {
    uuid() {
      last = Math.max(last + 1, Math.floor(nowMs() * TICKS_PER_MS));
      const rest = random();
      return (
        firstGroup(last % TICKS) + rest.slice(FIRST_GROUP_CHARS, VERSION_AT) + VERSION + rest.slice(VERSION_AT + 1)
      );
    },
  };
}

/** 32 bits as eight hexadecimal digits. The table makes it fast: each request and each row of an order needs an id. */
function firstGroup(ticks: number): string {
  const byteAt = (bit: number) => HEX_OF[(ticks >>> bit) % BYTES];
  return `${byteAt(24)}${byteAt(16)}${byteAt(8)}${byteAt(0)}`;
}

/** Brands a string that has been validated already, by a schema or by the type of its column. */
export function as<Id extends string>(value: string): Id {
  return value as Id;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * Whether a text is a UUID in the one form that the service takes: five groups with hyphens. Digits may be in upper case, as
 * RFC 9562 says of input; a URN, braces or other hyphens are not ours.
 */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** A UUID in lower case, as PostgreSQL and the code compare it; undefined when the text is not a UUID. */
export function toUuid(text: string): string | undefined {
  return isUuid(text) ? text.toLowerCase() : undefined;
}

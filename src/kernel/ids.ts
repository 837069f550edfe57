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

const TICKS_PER_MS = 256;
const TICKS = 2 ** 32;
const HEX = 16;
const BYTES = 256;
/** Each byte as it stands in a UUID. */
const HEX_OF = Array.from({ length: BYTES }, (_, byte) => byte.toString(HEX).padStart(2, '0'));
/** Of a UUID's text: where its first group ends, and where its version stands. */
const FIRST_GROUP_CHARS = 8;
const VERSION_AT = 14;
/** Of RFC 9562: a layout of one's own. */
const VERSION = '8';

/**
 * UUIDs that begin with the fast part of the time: 32 bits that count 1/256 of a millisecond and come round every 4.7
 * hours. So the first eight characters, which tables show, differ from one id to the next, and ids that are made
 * together stay together in an index. One source gives no eight twice in a round; the rest is random, from `random`,
 * which makes UUIDs of version 4. Decision 21 has what was measured.
 */
export function createIdSource(nowMs: () => number, random: () => string): IdSource {
  let last = 0;
  return {
    uuid() {
      last = Math.max(last + 1, Math.floor(nowMs() * TICKS_PER_MS));
      const rest = random();
      return (
        firstGroup(last % TICKS) +
        rest.slice(FIRST_GROUP_CHARS, VERSION_AT) +
        VERSION +
        rest.slice(VERSION_AT + 1)
      );
    },
  };
}

/** 32 bits as eight characters; a request and each row of an order need one, so it is done byte by byte from a table. */
function firstGroup(ticks: number): string {
  const byteAt = (bit: number) => HEX_OF[(ticks >>> bit) % BYTES];
  return `${byteAt(24)}${byteAt(16)}${byteAt(8)}${byteAt(0)}`;
}

/** Brands a string whose form the caller has already checked (a schema, or a column of that type). */
export function as<Id extends string>(value: string): Id {
  return value as Id;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A UUID of either case in the lower case that PostgreSQL and the code compare; undefined when the text is none. */
export function toUuid(text: string): string | undefined {
  const lower = text.toLowerCase();
  return UUID.test(lower) ? lower : undefined;
}

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
const RANDOM_BYTES = 12;

/**
 * UUIDs (version 8 of RFC 9562) that begin with the fast part of the time: 32 bits that count 1/256 of a millisecond and
 * come round every 4.7 hours. So the first eight characters, which tables show, differ from one id to the next, and ids
 * that are made together stay together in an index. One source never gives the same eight twice in a round, and 90 bits
 * are random (decision 21 has what was measured).
 */
export function createIdSource(nowMs: () => number, randomBytes: (count: number) => Uint8Array): IdSource {
  let last = 0;
  return {
    uuid() {
      last = Math.max(last + 1, Math.floor(nowMs() * TICKS_PER_MS));
      const random = Buffer.from(randomBytes(RANDOM_BYTES));
      random[2] = 0x80 | ((random[2] ?? 0) & 0x0f);
      random[4] = 0x80 | ((random[4] ?? 0) & 0x3f);
      const hex = (last % TICKS).toString(16).padStart(8, '0') + random.toString('hex');
      return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join(
        '-',
      );
    },
  };
}

/** Brands a string whose form the caller has already checked (a schema, or a column of that type). */
export function as<Id extends string>(value: string): Id {
  return value as Id;
}

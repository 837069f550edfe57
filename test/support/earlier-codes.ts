import { createCipheriv, createHash, randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { toBuffer } from 'qrcode';
import { sql } from './databases.ts';
import { emptyDatabase } from './own-database.ts';

/** The key of the earlier service that made `REAL_PICTURE`. */
export const EARLIER_KEY = '4RJUEJDURgKarhbwx3fjKA8Fy/KoFwpAmOWAGwiWU9A=';
/** What the picture was sold for. */
export const REAL_TICKET = '8e688506-02b1-48ed-9612-5472dd044744';
export const REAL_ORDER = '8d564400-1273-4e3c-9b7d-cc3beccd2b27';
/** A picture that the earlier service's own code made. */
export const REAL_PICTURE = await readFile(new URL('pictures/earlier-service.png', import.meta.url));

const PICTURE_PX = 256;
const IV_BYTES = 16;

export interface EarlierTicket {
  readonly ticketId: string;
  readonly orderId: string;
  readonly seatId: string;
  readonly seatLabel: string;
  readonly sessionId: string;
  readonly orderStatus: 'pending' | 'completed' | 'cancelled';
  readonly isCheckedIn: boolean;
}

/** A ticket that the earlier service sold. */
export function earlierTicket(sessionId: string, given: Partial<EarlierTicket> = {}): EarlierTicket {
  return {
    ticketId: randomUUID(),
    orderId: randomUUID(),
    seatId: randomUUID(),
    seatLabel: 'A12',
    sessionId,
    orderStatus: 'completed',
    isCheckedIn: false,
    ...given,
  };
}

/** The text that the earlier service puts into a ticket's code: another one each time, and nothing authenticates it. */
export function earlierText(
  ticket: Pick<EarlierTicket, 'ticketId' | 'orderId' | 'seatId' | 'seatLabel'>,
): string {
  const iv = randomBytes(IV_BYTES);
  const key = createHash('sha256').update(EARLIER_KEY).digest();
  const cipher = createCipheriv('aes-256-cfb', key, iv);
  const json = JSON.stringify({
    TicketID: ticket.ticketId,
    OrderID: ticket.orderId,
    SeatID: ticket.seatId,
    SeatLabel: ticket.seatLabel,
    Colour: '#FFD700',
    TierID: '33333333-3333-3333-3333-333333333333',
    TierName: 'VIP',
    QRCode: null,
    PriceAtPurchase: 150.5,
    IssuedAt: '2026-11-24T03:17:16.95404681Z',
    CheckedIn: false,
    CheckedInTime: '0001-01-01T00:00:00Z',
  });
  return Buffer.concat([iv, cipher.update(json), cipher.final()])
    .toString('base64url')
    .replace(/$/, (_end, at: number) => '='.repeat((4 - (at % 4)) % 4));
}

/** The picture of a text, as large as the earlier service draws it. */
export function earlierPicture(text: string): Promise<Buffer> {
  return toBuffer(text, { errorCorrectionLevel: 'M', width: PICTURE_PX });
}

const EARLIER_SCHEMA = `
  CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL);
  INSERT INTO schema_migrations VALUES (2, false);
  CREATE TABLE orders (order_id uuid PRIMARY KEY, user_id uuid NOT NULL, event_id uuid NOT NULL, organization_id uuid NOT NULL,
    session_id uuid NOT NULL, status varchar(20) NOT NULL, subtotal numeric(10,2) NOT NULL, discount_id uuid,
    discount_code varchar(64), discount_amount numeric(10,2) DEFAULT 0, price numeric(10,2) NOT NULL,
    created_at timestamp NOT NULL DEFAULT now(), payment_intent_id varchar(255));
  CREATE TABLE tickets (ticket_id uuid PRIMARY KEY, order_id uuid NOT NULL, seat_id uuid NOT NULL, seat_label varchar(50),
    colour varchar(20), tier_id uuid, tier_name varchar(100), qr_code bytea, price_at_purchase numeric(10,2) NOT NULL,
    issued_at timestamp NOT NULL DEFAULT now(), checked_in boolean NOT NULL DEFAULT false, checked_in_time timestamp)`;

export interface EarlierDatabase {
  readonly dsn: string;
  /** Rows of tickets and of their orders, as the earlier service writes them. */
  insert(sold: readonly EarlierTicketWithPicture[]): Promise<void>;
}

export interface EarlierTicketWithPicture extends EarlierTicket {
  readonly picture: Uint8Array;
}

/** A database as the earlier service leaves it, without rows; its orders are free, so that no payment is missing. */
export async function earlierDatabase(buyer: string, eventId: string): Promise<EarlierDatabase> {
  const dsn = await emptyDatabase();
  await sql(dsn, EARLIER_SCHEMA);
  return {
    dsn,
    async insert(sold) {
      const rows = sold.map(({ picture, ...ticket }) => ({
        ...ticket,
        picture: Buffer.from(picture).toString('hex'),
      }));
      const given = `jsonb_to_recordset($1::jsonb) AS g ("ticketId" uuid, "orderId" uuid, "seatId" uuid, "seatLabel" text,
        "sessionId" uuid, "orderStatus" text, "isCheckedIn" boolean, picture text)`;
      await sql(
        dsn,
        `INSERT INTO orders (order_id, user_id, event_id, organization_id, session_id, status, subtotal, price, created_at,
                             payment_intent_id)
         SELECT "orderId", $2, $3, gen_random_uuid(), "sessionId", "orderStatus", 0, 0, now() AT TIME ZONE 'utc', ''
           FROM ${given}`,
        [JSON.stringify(rows), buyer, eventId],
      );
      await sql(
        dsn,
        `INSERT INTO tickets
         SELECT "ticketId", "orderId", "seatId", "seatLabel", '#FFD700', '33333333-3333-3333-3333-333333333333', 'VIP',
                decode(picture, 'hex'), 0, now() AT TIME ZONE 'utc', "isCheckedIn",
                CASE WHEN "isCheckedIn" THEN now() AT TIME ZONE 'utc' ELSE '0001-01-01 00:00:00' END
           FROM ${given}`,
        [JSON.stringify(rows)],
      );
    },
  };
}

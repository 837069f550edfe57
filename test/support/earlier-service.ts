import { randomUUID } from 'node:crypto';
import { sql } from './databases.ts';
import { earlierPicture, earlierText } from './earlier-codes.ts';
import { emptyDatabase } from './own-database.ts';

/** The database as the earlier service leaves it: its tables, its own table of versions, and primary keys as the only indexes. */
export const EARLIER_SCHEMA = `
  CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL);
  INSERT INTO schema_migrations VALUES (2, false);
  CREATE TABLE orders (order_id uuid PRIMARY KEY, user_id uuid NOT NULL, event_id uuid NOT NULL, organization_id uuid NOT NULL,
    session_id uuid NOT NULL, status varchar(20) NOT NULL, subtotal numeric(10,2) NOT NULL, discount_id uuid, discount_code varchar(64),
    discount_amount numeric(10,2) DEFAULT 0, price numeric(10,2) NOT NULL, created_at timestamp NOT NULL DEFAULT now(), payment_intent_id varchar(255));
  CREATE TABLE tickets (ticket_id uuid PRIMARY KEY, order_id uuid NOT NULL, seat_id uuid NOT NULL, seat_label varchar(50), colour varchar(20),
    tier_id uuid, tier_name varchar(100), qr_code bytea, price_at_purchase numeric(10,2) NOT NULL, issued_at timestamp NOT NULL DEFAULT now(),
    checked_in boolean NOT NULL DEFAULT false, checked_in_time timestamp);
`;

/** An order as the earlier service writes it. */
export interface EarlierOrder {
  readonly status?: 'pending' | 'completed' | 'cancelled';
  /** Prices of its tickets, major units. */
  readonly prices?: readonly number[];
  /** An empty text is what it wrote when no PaymentIntent was made. */
  readonly intentId?: string;
  readonly orderId?: string;
}

const EVENT = {
  eventId: '3471e132-69f2-4764-ac79-e5ad57111483',
  organizationId: '22a67f04-b918-44ac-9b63-49efe8d34356',
  sessionId: '293bed3f-c670-42f6-9e28-628cd6fec57a',
};

/** An empty database of the earlier service; returns its DSN. */
export async function earlierDatabase(): Promise<string> {
  const dsn = await emptyDatabase();
  await sql(dsn, EARLIER_SCHEMA);
  return dsn;
}

/** Writes an order of yesterday with its tickets and their pictures; returns its id. */
export async function earlierOrder(
  dsn: string,
  { status = 'completed', prices = [150.5], intentId = '', orderId = randomUUID() }: EarlierOrder = {},
): Promise<string> {
  const total = prices.reduce((sum, price) => sum + price, 0).toFixed(2);
  await sql(
    dsn,
    `INSERT INTO orders (order_id, user_id, event_id, organization_id, session_id, status, subtotal, discount_id,
                         discount_code, discount_amount, price, created_at, payment_intent_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, '', 0, $7, (now() AT TIME ZONE 'UTC') - interval '1 day', $8)`,
    [orderId, randomUUID(), EVENT.eventId, EVENT.organizationId, EVENT.sessionId, status, total, intentId],
  );
  for (const price of prices) {
    const [ticketId, seatId] = [randomUUID(), randomUUID()];
    const text = earlierText({ ticketId, orderId, seatId, seatLabel: 'A12' });
    await sql(
      dsn,
      `INSERT INTO tickets VALUES ($1, $2, $3, 'A12', '#FFD700', '33333333-3333-3333-3333-333333333333', 'VIP', $4, $5,
                                   (now() AT TIME ZONE 'UTC') - interval '1 day', false, '0001-01-01 00:00:00')`,
      [ticketId, orderId, seatId, await earlierPicture(text), price],
    );
  }
  return orderId;
}

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

export interface EarlierTickets {
  readonly dsn: string;
  /** Rows of tickets and of their orders, as the earlier service writes them. */
  insert(sold: readonly EarlierTicketWithPicture[]): Promise<void>;
}

export interface EarlierTicketWithPicture extends EarlierTicket {
  readonly picture: Uint8Array;
}

/** A database of the earlier service for many tickets; their orders are free, so that no payment is missing. */
export async function earlierTickets(buyer: string, eventId: string): Promise<EarlierTickets> {
  const dsn = await earlierDatabase();
  return {
    dsn,
    async insert(sold) {
      const rows = sold.map(({ picture, ...ticket }) => ({ ...ticket, picture: Buffer.from(picture).toString('hex') }));
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

-- Orders and tickets, with the columns that operators' reports read. A database of the earlier service has these tables
-- already, with rows; the next migration gives both kinds of database the same schema.
CREATE TABLE IF NOT EXISTS orders (
  order_id          uuid PRIMARY KEY,
  user_id           uuid NOT NULL,
  event_id          uuid NOT NULL,
  organization_id   uuid NOT NULL,
  session_id        uuid NOT NULL,
  status            text NOT NULL,
  subtotal          numeric NOT NULL,
  discount_id       uuid,
  discount_code     text,
  discount_amount   numeric NOT NULL DEFAULT 0,
  price             numeric NOT NULL,
  created_at        timestamptz NOT NULL,
  payment_intent_id text
);

CREATE TABLE IF NOT EXISTS tickets (
  ticket_id         uuid PRIMARY KEY,
  order_id          uuid NOT NULL,
  seat_id           text NOT NULL,
  seat_label        text NOT NULL,
  colour            text NOT NULL,
  tier_id           uuid NOT NULL,
  tier_name         text NOT NULL,
  qr_code           bytea,
  price_at_purchase numeric NOT NULL,
  issued_at         timestamptz NOT NULL,
  checked_in        boolean NOT NULL DEFAULT false,
  checked_in_time   timestamptz
);

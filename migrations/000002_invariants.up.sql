-- Gives a new database and one of the earlier service the same schema, with the constraints that enforce the invariants.
-- Everything is one transaction: if a check below stops it, nothing is changed.

-- The earlier service stored UTC in timestamps without a time zone.
SET LOCAL TIME ZONE 'UTC';

-- 1. Stop at rows that an operator must correct -----------------------------------------------------------------------

DO $$
DECLARE
  earlier_is_dirty boolean := false;
BEGIN
  IF to_regclass('schema_migrations') IS NOT NULL THEN
    EXECUTE 'SELECT EXISTS (SELECT FROM schema_migrations WHERE dirty)' INTO earlier_is_dirty;
  END IF;
  IF earlier_is_dirty THEN
    RAISE EXCEPTION 'The earlier service left a migration half done (schema_migrations.dirty is true). '
      'Finish or undo it with the earlier service, set dirty to false, and start again. Nothing was changed.';
  END IF;
END $$;

DO $$
DECLARE
  doubles text;
BEGIN
  SELECT string_agg(format('session %s, seat %s: %s', session_id, seat_id, holders), E'\n' ORDER BY session_id, seat_id)
    INTO doubles
    FROM (
      SELECT o.session_id::text AS session_id, t.seat_id::text AS seat_id,
             string_agg(format('ticket %s of %s order %s', t.ticket_id, o.status, o.order_id), ', '
                        ORDER BY t.ticket_id::text) AS holders
        FROM tickets t JOIN orders o ON o.order_id::text = t.order_id::text
       WHERE lower(o.status::text) IN ('pending', 'completed')
       GROUP BY o.session_id::text, t.seat_id::text
      HAVING count(*) > 1
    ) AS held_twice;
  IF doubles IS NOT NULL THEN
    RAISE EXCEPTION E'Seats are held by more than one live ticket. Cancel all but one order of each, then start again. '
      'Nothing was changed.\n%', doubles;
  END IF;
END $$;

DO $$
DECLARE
  found text;
BEGIN
  -- Rows are read as JSON, because some versions of the earlier service lack columns.
  SELECT string_agg(format('order %s: %s', order_id, COALESCE(status::text, 'none')), E'\n' ORDER BY order_id::text) INTO found
    FROM (SELECT order_id, status FROM orders
           WHERE COALESCE(lower(status::text), '') NOT IN ('pending', 'completed', 'cancelled', 'canceled') LIMIT 20) unknown;
  IF found IS NOT NULL THEN
    RAISE EXCEPTION E'Orders have a status that is not known here. Set each to pending, completed or cancelled, then start again. '
      'Nothing was changed.\n%', found;
  END IF;

  SELECT string_agg(format('%s: %s', intent, sharing), E'\n' ORDER BY intent) INTO found
    FROM (SELECT to_jsonb(o) ->> 'payment_intent_id' AS intent,
                 string_agg(format('%s order %s', lower(status::text), order_id), ', ' ORDER BY order_id::text) AS sharing
            FROM orders o WHERE to_jsonb(o) ->> 'payment_intent_id' <> ''
           GROUP BY 1 HAVING count(*) > 1 LIMIT 20) shared;
  IF found IS NOT NULL THEN
    RAISE EXCEPTION E'Orders share a PaymentIntent. Its metadata at Stripe names the order that it paid for: set payment_intent_id '
      'to NULL in the others (those of them that are completed count as paid elsewhere), then start again. Nothing was changed.\n%',
      found;
  END IF;

  SELECT string_agg(format('order %s', order_id), E'\n' ORDER BY order_id::text) INTO found
    FROM (SELECT order_id FROM orders o
           WHERE price < 0 OR (to_jsonb(o) ->> 'subtotal')::numeric < 0 OR (to_jsonb(o) ->> 'discount_amount')::numeric < 0
           LIMIT 20) negative;
  IF found IS NOT NULL THEN
    RAISE EXCEPTION E'Orders have an amount below zero. Correct price, subtotal and discount_amount, then start again. '
      'Nothing was changed.\n%', found;
  END IF;
END $$;

DO $$
DECLARE
  uuid_form constant text := '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$';
  found text;
BEGIN
  SELECT string_agg(line, E'\n' ORDER BY line) INTO found
    FROM (SELECT format('order %s: %s', o.order_id, p.problem) AS line
            FROM orders o
           CROSS JOIN LATERAL (VALUES
             ('order_id is not a UUID', o.order_id::text !~* uuid_form),
             ('user_id is not a UUID', COALESCE(o.user_id::text, '') !~* uuid_form),
             ('event_id is not a UUID', COALESCE(o.event_id::text, '') !~* uuid_form),
             ('session_id is not a UUID', COALESCE(o.session_id::text, '') !~* uuid_form),
             ('organization_id is not a UUID', NULLIF(to_jsonb(o) ->> 'organization_id', '') !~* uuid_form),
             ('discount_id is not a UUID', NULLIF(to_jsonb(o) ->> 'discount_id', '') !~* uuid_form),
             ('price is not a number', o.price::text IN ('NaN', 'Infinity', '-Infinity')),
             ('created_at has no date', NOT isfinite(o.created_at))
           ) AS p (problem, holds)
           WHERE p.holds
          UNION ALL
          SELECT format('ticket %s: %s', t.ticket_id, p.problem)
            FROM tickets t
           CROSS JOIN LATERAL (VALUES
             ('ticket_id is not a UUID', t.ticket_id::text !~* uuid_form),
             ('order_id is not a UUID', COALESCE(t.order_id::text, '') !~* uuid_form),
             ('seat_id must have 1 to 64 characters', COALESCE(length(t.seat_id::text), 0) NOT BETWEEN 1 AND 64),
             ('price_at_purchase is not a number', COALESCE(t.price_at_purchase::text, '') IN ('', 'NaN', 'Infinity', '-Infinity')),
             ('price_at_purchase is below zero', t.price_at_purchase < 0),
             ('issued_at has no date', NOT isfinite(t.issued_at))
           ) AS p (problem, holds)
           WHERE p.holds
           LIMIT 20) AS lines;
  IF found IS NOT NULL THEN
    RAISE EXCEPTION E'Rows have values that cannot be kept. Correct each, then start again. Nothing was changed.\n%', found;
  END IF;
END $$;

-- 2. The columns of every version of the earlier service ------------------------------------------------------------

ALTER TABLE orders
  ADD COLUMN IF NOT EXISTS organization_id uuid,
  ADD COLUMN IF NOT EXISTS subtotal numeric,
  ADD COLUMN IF NOT EXISTS discount_id uuid,
  ADD COLUMN IF NOT EXISTS discount_code text,
  ADD COLUMN IF NOT EXISTS discount_amount numeric,
  ADD COLUMN IF NOT EXISTS payment_intent_id text;

ALTER TABLE tickets
  ADD COLUMN IF NOT EXISTS seat_label text,
  ADD COLUMN IF NOT EXISTS colour text,
  ADD COLUMN IF NOT EXISTS tier_id uuid,
  ADD COLUMN IF NOT EXISTS tier_name text,
  ADD COLUMN IF NOT EXISTS qr_code bytea,
  ADD COLUMN IF NOT EXISTS checked_in boolean,
  ADD COLUMN IF NOT EXISTS checked_in_time timestamptz;

ALTER TABLE orders
  ALTER COLUMN discount_id DROP DEFAULT,
  ALTER COLUMN order_id TYPE uuid USING order_id::text::uuid,
  ALTER COLUMN user_id TYPE uuid USING user_id::text::uuid,
  ALTER COLUMN event_id TYPE uuid USING event_id::text::uuid,
  ALTER COLUMN organization_id TYPE uuid USING NULLIF(organization_id::text, '')::uuid,
  ALTER COLUMN session_id TYPE uuid USING session_id::text::uuid,
  ALTER COLUMN discount_id TYPE uuid USING NULLIF(discount_id::text, '')::uuid,
  ALTER COLUMN discount_code TYPE text,
  ALTER COLUMN payment_intent_id TYPE text,
  ALTER COLUMN status TYPE text,
  ALTER COLUMN subtotal TYPE numeric,
  ALTER COLUMN discount_amount TYPE numeric,
  ALTER COLUMN price TYPE numeric,
  ALTER COLUMN created_at TYPE timestamptz USING created_at::timestamptz;

ALTER TABLE tickets
  ALTER COLUMN ticket_id TYPE uuid USING ticket_id::text::uuid,
  ALTER COLUMN order_id TYPE uuid USING order_id::text::uuid,
  ALTER COLUMN seat_id TYPE text USING seat_id::text,
  ALTER COLUMN seat_label TYPE text,
  ALTER COLUMN colour TYPE text,
  ALTER COLUMN tier_id TYPE uuid USING NULLIF(tier_id::text, '')::uuid,
  ALTER COLUMN tier_name TYPE text,
  ALTER COLUMN price_at_purchase TYPE numeric,
  ALTER COLUMN issued_at TYPE timestamptz USING issued_at::timestamptz,
  ALTER COLUMN checked_in_time DROP NOT NULL,
  ALTER COLUMN checked_in_time TYPE timestamptz USING NULLIF(checked_in_time::timestamptz, '0001-01-01T00:00:00Z');

-- 3. Additional columns of this service ------------------------------------------------------------------------------

ALTER TABLE orders
  ADD COLUMN expires_at      timestamptz,
  ADD COLUMN completed_at    timestamptz,
  ADD COLUMN cancelled_at    timestamptz,
  ADD COLUMN cancel_reason   text,
  -- Number of PaymentIntents, so that a new one never reuses the idempotency key of an earlier one.
  ADD COLUMN payment_attempt integer NOT NULL DEFAULT 0,
  -- Until then, one sweeper has claimed this order and asks Stripe about it.
  ADD COLUMN settling_until  timestamptz;

ALTER TABLE tickets
  ADD COLUMN session_id    uuid,
  -- NULL: the ticket is live and holds its seat.
  ADD COLUMN voided_at     timestamptz,
  ADD COLUMN checked_in_by uuid;

UPDATE orders SET
  status            = CASE lower(status) WHEN 'canceled' THEN 'cancelled' ELSE lower(status) END,
  organization_id   = COALESCE(organization_id, '00000000-0000-0000-0000-000000000000'),
  created_at        = COALESCE(created_at, now()),
  price             = COALESCE(price, 0),
  discount_amount   = COALESCE(discount_amount, 0),
  subtotal          = COALESCE(subtotal, COALESCE(price, 0) + COALESCE(discount_amount, 0)),
  payment_intent_id = NULLIF(payment_intent_id, '');

UPDATE orders SET completed_at = created_at WHERE status = 'completed';
UPDATE orders SET cancelled_at = created_at, cancel_reason = 'unknown' WHERE status = 'cancelled';
-- The earlier service held seats for five minutes and did not store the end.
UPDATE orders SET expires_at = created_at + interval '5 minutes', subtotal = price + discount_amount WHERE status = 'pending';

UPDATE tickets t SET
  session_id      = (SELECT session_id FROM orders o WHERE o.order_id = t.order_id),
  seat_label      = COALESCE(seat_label, seat_id),
  colour          = COALESCE(colour, ''),
  tier_id         = COALESCE(tier_id, '00000000-0000-0000-0000-000000000000'),
  tier_name       = COALESCE(tier_name, ''),
  issued_at       = COALESCE(issued_at, now()),
  checked_in      = COALESCE(checked_in, false),
  checked_in_time = CASE WHEN checked_in THEN COALESCE(checked_in_time, issued_at, now()) END;

-- A ticket without an order has no session, and so holds no seat.
UPDATE tickets t SET voided_at = issued_at
 WHERE NOT EXISTS (SELECT FROM orders o WHERE o.order_id = t.order_id AND o.status <> 'cancelled');

-- 4. Constraints -----------------------------------------------------------------------------------------------------

ALTER TABLE orders
  ALTER COLUMN user_id SET NOT NULL,
  ALTER COLUMN event_id SET NOT NULL,
  ALTER COLUMN organization_id SET NOT NULL,
  ALTER COLUMN session_id SET NOT NULL,
  ALTER COLUMN status SET NOT NULL,
  ALTER COLUMN subtotal SET NOT NULL,
  ALTER COLUMN discount_amount SET NOT NULL,
  ALTER COLUMN discount_amount SET DEFAULT 0,
  ALTER COLUMN price SET NOT NULL,
  ALTER COLUMN created_at SET NOT NULL,
  ADD CONSTRAINT orders_status_known CHECK (status IN ('pending', 'completed', 'cancelled')),
  ADD CONSTRAINT orders_pending_ends CHECK (status <> 'pending' OR expires_at IS NOT NULL),
  ADD CONSTRAINT orders_completed_says_when CHECK ((status = 'completed') = (completed_at IS NOT NULL AND cancelled_at IS NULL)),
  ADD CONSTRAINT orders_cancelled_says_why CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL AND cancel_reason IS NOT NULL)),
  ADD CONSTRAINT orders_cancel_reason_known
    CHECK (cancel_reason IN ('buyer', 'expired', 'payment', 'refunded', 'admin', 'unknown')),
  ADD CONSTRAINT orders_amounts_not_negative CHECK (subtotal >= 0 AND discount_amount >= 0 AND price >= 0),
  -- Rows that the earlier service finished have no end of hold, and the results of its float arithmetic stay unchanged.
  ADD CONSTRAINT orders_price_adds_up CHECK (expires_at IS NULL OR price = subtotal - discount_amount),
  -- The target of the foreign key of a ticket's session.
  ADD CONSTRAINT orders_session_key UNIQUE (order_id, session_id);

ALTER TABLE tickets
  ALTER COLUMN order_id SET NOT NULL,
  ALTER COLUMN seat_id SET NOT NULL,
  ALTER COLUMN seat_label SET NOT NULL,
  ALTER COLUMN colour SET NOT NULL,
  ALTER COLUMN tier_id SET NOT NULL,
  ALTER COLUMN tier_name SET NOT NULL,
  ALTER COLUMN price_at_purchase SET NOT NULL,
  ALTER COLUMN issued_at SET NOT NULL,
  ALTER COLUMN checked_in SET NOT NULL,
  ALTER COLUMN checked_in SET DEFAULT false,
  ADD CONSTRAINT tickets_seat_id_length CHECK (length(seat_id) BETWEEN 1 AND 64),
  ADD CONSTRAINT tickets_price_not_negative CHECK (price_at_purchase >= 0),
  ADD CONSTRAINT tickets_check_in_says_when CHECK (checked_in = (checked_in_time IS NOT NULL)),
  ADD CONSTRAINT tickets_live_has_session CHECK (voided_at IS NOT NULL OR session_id IS NOT NULL),
  -- Not validated, because the earlier service may have left tickets without an order, and no row may be lost.
  ADD CONSTRAINT tickets_of_order FOREIGN KEY (order_id, session_id) REFERENCES orders (order_id, session_id) NOT VALID;

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM tickets t WHERE NOT EXISTS (SELECT FROM orders o WHERE o.order_id = t.order_id)) THEN
    ALTER TABLE tickets VALIDATE CONSTRAINT tickets_of_order;
    ALTER TABLE tickets ALTER COLUMN session_id SET NOT NULL;
  END IF;
END $$;

-- I1: a seat of a session has at most one live ticket.
CREATE UNIQUE INDEX tickets_live_seat ON tickets (session_id, seat_id) WHERE voided_at IS NULL;
CREATE INDEX tickets_by_order ON tickets (order_id);
CREATE INDEX orders_by_user ON orders (user_id, created_at DESC);
CREATE INDEX orders_pending_by_end ON orders (expires_at) WHERE status = 'pending';
CREATE UNIQUE INDEX orders_payment_intent ON orders (payment_intent_id) WHERE payment_intent_id IS NOT NULL;

-- 5. Outbox, inbox and payments -----------------------------------------------------------------------------------------

CREATE TABLE outbox (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id     uuid NOT NULL DEFAULT gen_random_uuid(),
  topic        text NOT NULL,
  key          text NOT NULL,
  value        text NOT NULL,
  committed_at timestamptz NOT NULL DEFAULT now(),
  published_at timestamptz
);
CREATE INDEX outbox_unpublished ON outbox (id) WHERE published_at IS NULL;

-- Uses of a discount by orders that are pending or completed.
CREATE TABLE discount_uses (
  discount_id uuid PRIMARY KEY,
  uses        integer NOT NULL CHECK (uses >= 0)
);
INSERT INTO discount_uses (discount_id, uses)
SELECT discount_id, count(*) FROM orders
 WHERE discount_id IS NOT NULL AND status IN ('pending', 'completed')
 GROUP BY discount_id;

-- I7: a webhook counts once, however often and through whichever source it arrives.
CREATE TABLE stripe_inbox (
  event_id          text PRIMARY KEY,
  type              text NOT NULL,
  payment_intent_id text,
  order_id          uuid,
  amount_minor      bigint,
  currency          text,
  received_at       timestamptz NOT NULL,
  applied_at        timestamptz,
  attempts          integer NOT NULL DEFAULT 0,
  next_attempt_at   timestamptz NOT NULL,
  last_error        text
);
CREATE INDEX stripe_inbox_due ON stripe_inbox (next_attempt_at) WHERE applied_at IS NULL;

-- I2: received money and its outcome.
CREATE TABLE payments (
  payment_intent_id text PRIMARY KEY,
  order_id          uuid NOT NULL REFERENCES orders (order_id),
  amount_minor      bigint NOT NULL CHECK (amount_minor > 0),
  currency          text NOT NULL,
  received_at       timestamptz NOT NULL,
  state             text NOT NULL CHECK (state IN ('received', 'applied', 'refund_due', 'refunded')),
  refund_reason     text,
  refund_id         text,
  attempts          integer NOT NULL DEFAULT 0,
  next_attempt_at   timestamptz,
  last_error        text,
  CONSTRAINT payments_refund_says_why CHECK (state NOT IN ('refund_due', 'refunded') OR refund_reason IS NOT NULL),
  CONSTRAINT payments_refunded_says_which CHECK (state <> 'refunded' OR refund_id IS NOT NULL)
);
-- One payment pays for an order; any other payment is refunded.
CREATE UNIQUE INDEX payments_one_applied ON payments (order_id) WHERE state = 'applied';
CREATE INDEX payments_by_order ON payments (order_id);
CREATE INDEX payments_refund_due ON payments (next_attempt_at) WHERE state = 'refund_due';

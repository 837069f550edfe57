-- Writes a payment for each order that was completed before this service stored payments. A webhook about that money is then
-- not treated as a second payment, and a refund has its amount.

-- 1. The source of a payment --------------------------------------------------------------------------------------------

ALTER TABLE payments
  -- `assumed`: derived from the order, and not checked at Stripe yet. `confirmed`: checked at Stripe. NULL: received by
  -- this service.
  ADD COLUMN taken_over text CONSTRAINT payments_taken_over_known CHECK (taken_over IN ('assumed', 'confirmed')),
  DROP CONSTRAINT payments_state_known,
  -- `withheld`: found by a comparison with Stripe, and refunded only when an operator allows it.
  ADD CONSTRAINT payments_state_known
    CHECK (state IN ('received', 'withheld', 'applied', 'refund_due', 'refunded', 'disputed'));

-- Since when the daily comparison may refund payments. Empty: not yet.
CREATE TABLE comparison_permission (
  is_given boolean PRIMARY KEY DEFAULT true CHECK (is_given),
  given_at timestamptz NOT NULL
);
-- A database without orders has nothing to protect, and one with daily comparisons continues as before.
INSERT INTO comparison_permission (given_at)
SELECT now() WHERE NOT EXISTS (SELECT FROM orders) OR EXISTS (SELECT FROM daily_jobs WHERE name = 'reconcile');

-- 2. Refunds of such payments that the version before had planned --------------------------------------------------------

-- Only refunds that were never tried; the others may have reached Stripe.
WITH stopped AS (
  DELETE FROM refunds r USING payments p, orders o
   WHERE p.payment_intent_id = r.payment_intent_id AND o.order_id = p.order_id
     AND o.status = 'completed' AND o.payment_intent_id = p.payment_intent_id AND p.state = 'refund_due'
     AND r.provider_id IS NULL AND r.attempts = 0 AND r.requested_by IS NULL
     AND r.reason = 'the order was already completed' AND r.amount_minor = p.amount_minor
     AND NOT EXISTS (SELECT FROM payments a WHERE a.order_id = o.order_id AND a.state = 'applied')
  RETURNING r.payment_intent_id, r.amount_minor, p.currency, o.organization_id, o.event_id, o.session_id
), counted AS (
  INSERT INTO money_by_session (organization_id, event_id, session_id, currency, taken_minor, refunded_minor)
  SELECT organization_id, event_id, session_id, currency, 0, -amount_minor FROM stopped
)
UPDATE payments SET state = 'applied', taken_over = 'assumed'
 WHERE payment_intent_id IN (SELECT payment_intent_id FROM stopped);

-- Payments that were assumed before this step was undone are assumed again; nothing else writes payments for such orders.
UPDATE payments p SET taken_over = 'assumed'
  FROM orders o
 WHERE o.order_id = p.order_id AND o.status = 'completed' AND o.expires_at IS NULL
   AND p.state = 'applied' AND p.taken_over IS NULL;

-- 3. Missing payments ------------------------------------------------------------------------------------------------------

DO $$
DECLARE
  -- The process that runs the migrations sets the currency of the orders.
  code     text := NULLIF(current_setting('ticketing.currency', true), '');
  exponent integer := NULLIF(current_setting('ticketing.currency_exponent', true), '')::integer;
  inexact  text;
BEGIN
  CREATE TEMPORARY TABLE unpaid_orders ON COMMIT DROP AS
  SELECT o.order_id, o.organization_id, o.event_id, o.session_id, o.price, o.completed_at,
         COALESCE(o.payment_intent_id, 'elsewhere:' || o.order_id) AS payment_intent_id
    FROM orders o
   WHERE o.status = 'completed' AND o.price > 0
     AND NOT EXISTS (SELECT FROM payments p WHERE p.order_id = o.order_id
                        AND (p.state IN ('applied', 'received')
                             OR p.payment_intent_id = COALESCE(o.payment_intent_id, p.payment_intent_id)));
  IF NOT EXISTS (SELECT FROM unpaid_orders) THEN
    RETURN;
  END IF;
  IF code IS NULL OR exponent IS NULL THEN
    RAISE EXCEPTION 'There are completed orders whose payments are to be written, and the currency is not known. Migrate with '
      'scripts/migrate.sh or by starting the service, with CURRENCY set to what the orders were sold in. Nothing was changed.';
  END IF;
  SELECT string_agg(format('order %s: %s', order_id, price), E'\n' ORDER BY order_id) INTO inexact
    FROM (SELECT order_id, price FROM unpaid_orders
           WHERE price <> round(price, exponent) ORDER BY order_id LIMIT 20) found;
  IF inexact IS NOT NULL THEN
    RAISE EXCEPTION E'Orders have prices with more decimals than the currency % has. Set CURRENCY to what they were sold in, '
      'and start again. Nothing was changed.\n%', code, inexact;
  END IF;
  INSERT INTO payments (payment_intent_id, order_id, amount_minor, currency, received_at, state, taken_over)
  SELECT payment_intent_id, order_id, price * power(10::numeric, exponent), code, completed_at, 'applied', 'assumed'
    FROM unpaid_orders
  -- An intent that is stored for another order is not used for this one; `npm run verify` reports the order.
  ON CONFLICT (payment_intent_id) DO NOTHING;
  INSERT INTO money_by_session (organization_id, event_id, session_id, currency, taken_minor, refunded_minor, is_folded)
  SELECT u.organization_id, u.event_id, u.session_id, p.currency, sum(p.amount_minor), 0, true
    FROM unpaid_orders u JOIN payments p USING (payment_intent_id, order_id)
   GROUP BY 1, 2, 3, 4;
END $$;

-- 4. Prices no longer replace missing payments ---------------------------------------------------------------------------------

DROP INDEX orders_taken_over;
DROP INDEX orders_taken_over_of_organization;

-- Loses: every payment and refund, every stored webhook, unpublished messages, the uses of discounts, the ends of holds, when
-- and why orders ended, and which tickets of completed orders are void: those become valid again. When the step is applied
-- again, each completed order counts as paid at its price, and only Stripe knows what was refunded.
DROP TABLE payments;
DROP TABLE stripe_inbox;
DROP TABLE discount_uses;
DROP TABLE outbox;

DROP INDEX orders_payment_intent;
DROP INDEX orders_pending_by_end;
DROP INDEX orders_by_user;
DROP INDEX tickets_by_order;
DROP INDEX tickets_live_seat;

ALTER TABLE tickets
  DROP CONSTRAINT tickets_of_order,
  DROP CONSTRAINT tickets_live_has_session,
  DROP CONSTRAINT tickets_check_in_says_when,
  DROP CONSTRAINT tickets_price_not_negative,
  DROP CONSTRAINT tickets_seat_id_length,
  DROP COLUMN checked_in_by,
  DROP COLUMN voided_at,
  DROP COLUMN session_id;

ALTER TABLE orders
  DROP CONSTRAINT orders_session_key,
  DROP CONSTRAINT orders_price_adds_up,
  DROP CONSTRAINT orders_amounts_not_negative,
  DROP CONSTRAINT orders_cancel_reason_known,
  DROP CONSTRAINT orders_cancelled_says_why,
  DROP CONSTRAINT orders_completed_says_when,
  DROP CONSTRAINT orders_pending_ends,
  DROP CONSTRAINT orders_status_known,
  DROP COLUMN settling_until,
  DROP COLUMN payment_attempt,
  DROP COLUMN cancel_reason,
  DROP COLUMN cancelled_at,
  DROP COLUMN completed_at,
  DROP COLUMN expires_at;

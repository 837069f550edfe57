-- Orders that change after they were placed and paid: changed seats, partial refunds, repeated requests, and messages that
-- cannot be published.

-- 1. Why a ticket is void ---------------------------------------------------------------------------------------------

ALTER TABLE tickets
  -- `order`: void with its order, and live again with it. `replaced`: the buyer chose another seat before paying.
  -- `refunded`: its price was refunded.
  ADD COLUMN void_reason text CHECK (void_reason IN ('order', 'replaced', 'refunded'));
UPDATE tickets SET void_reason = 'order' WHERE voided_at IS NOT NULL;
ALTER TABLE tickets ADD CONSTRAINT tickets_void_says_why CHECK ((voided_at IS NULL) = (void_reason IS NULL));

-- 2. Refunds, each with its own amount ----------------------------------------------------------------------------------

CREATE TABLE refunds (
  refund_id         uuid PRIMARY KEY,
  payment_intent_id text NOT NULL REFERENCES payments (payment_intent_id),
  amount_minor      bigint NOT NULL CHECK (amount_minor > 0),
  -- `service`: decided by this service and sent to Stripe. `stripe`: made in Stripe's dashboard. `dispute`: charged back by a bank.
  origin            text NOT NULL CHECK (origin IN ('service', 'stripe', 'dispute')),
  reason            text NOT NULL,
  requested_by      uuid,
  created_at        timestamptz NOT NULL,
  -- Id of Stripe's refund or dispute; NULL: the refund is due.
  provider_id       text UNIQUE,
  attempts          integer NOT NULL DEFAULT 0,
  next_attempt_at   timestamptz,
  last_error        text,
  CONSTRAINT refunds_due_says_when CHECK (provider_id IS NOT NULL OR next_attempt_at IS NOT NULL),
  CONSTRAINT refunds_due_are_ours CHECK (provider_id IS NOT NULL OR origin = 'service')
);
CREATE INDEX refunds_by_payment ON refunds (payment_intent_id);
CREATE INDEX refunds_due ON refunds (next_attempt_at) WHERE provider_id IS NULL;

INSERT INTO refunds (refund_id, payment_intent_id, amount_minor, origin, reason, created_at, provider_id, attempts,
                     next_attempt_at, last_error)
SELECT gen_random_uuid(), payment_intent_id, amount_minor, 'service', refund_reason, received_at, refund_id, attempts,
       COALESCE(next_attempt_at, received_at), last_error
  FROM payments WHERE state IN ('refund_due', 'refunded');

DROP INDEX payments_refund_due;
ALTER TABLE payments
  DROP CONSTRAINT payments_refund_says_why,
  DROP CONSTRAINT payments_refunded_says_which,
  DROP COLUMN refund_reason,
  DROP COLUMN refund_id,
  DROP COLUMN attempts,
  DROP COLUMN next_attempt_at,
  DROP COLUMN last_error,
  DROP CONSTRAINT payments_state_check,
  ADD CONSTRAINT payments_state_known CHECK (state IN ('received', 'applied', 'refund_due', 'refunded', 'disputed'));

-- Payments that a crashed process received and did not settle; the sweeper settles them.
CREATE INDEX payments_undecided ON payments (received_at) WHERE state = 'received';

-- 3. Idempotency keys ---------------------------------------------------------------------------------------------------------------

-- I7: a repeated request with its key gets the first answer, which is stored together with the change.
CREATE TABLE idempotency_keys (
  user_id       uuid NOT NULL,
  key           text NOT NULL,
  -- Hash of the request: the same key with another request is an error.
  fingerprint   text NOT NULL,
  created_at    timestamptz NOT NULL,
  -- The worker that processes the request, and the end of its claim; only this worker may store the answer.
  claim         uuid NOT NULL,
  claimed_until timestamptz NOT NULL,
  status        integer,
  body          text,
  PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- 4. Messages that cannot be published --------------------------------------------------------------------------------------

ALTER TABLE outbox
  ADD COLUMN attempts      integer NOT NULL DEFAULT 0,
  -- Until then, this message and later ones with its key wait; other keys continue.
  ADD COLUMN blocked_until timestamptz,
  ADD COLUMN last_error    text;
CREATE INDEX outbox_blocked ON outbox (key) WHERE published_at IS NULL AND blocked_until IS NOT NULL;

-- Applied webhooks are removed after a while.
CREATE INDEX stripe_inbox_by_age ON stripe_inbox (applied_at) WHERE applied_at IS NOT NULL;

-- 5. Daily jobs, done by one process -------------------------------------------------------------------------------------------

CREATE TABLE daily_jobs (
  name   text PRIMARY KEY,
  due_at timestamptz NOT NULL
);

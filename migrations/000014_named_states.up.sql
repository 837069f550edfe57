-- Columns with names for the source of a payment, the state of a refund and the kind of a webhook. Before, prefixes of ids,
-- counts of tries and NULLs encoded them.
--
-- The previous release reads and writes only the older columns. Triggers keep both in agreement, so its replicas can run beside
-- this release, and again after a rollback of the release, while this migration stays applied.

-- A constant default writes no row, and only the exceptions are updated: the tables are locked for milliseconds while money
-- moves. They are locked in the order in which transactions of money lock them, so that none waits for this in a circle.
LOCK TABLE payments, refunds, stripe_inbox IN ACCESS EXCLUSIVE MODE;

-- 1. Payments: the source, and the next try to settle them ------------------------------------------------------------------

ALTER TABLE payments
  -- `stripe`: Stripe has the money. `cash`: it was paid over the counter. `external`: another system received it.
  ADD COLUMN source          text NOT NULL DEFAULT 'stripe' CONSTRAINT payments_source_known CHECK (source IN ('stripe', 'cash', 'external')),
  ADD COLUMN attempts        integer NOT NULL DEFAULT 0,
  ADD COLUMN next_attempt_at timestamptz NOT NULL DEFAULT '-infinity',
  ADD COLUMN last_error      text;

CREATE FUNCTION source_of_payment(payment_intent_id text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN payment_intent_id LIKE 'cash:%' THEN 'cash'
              WHEN payment_intent_id LIKE 'elsewhere:%' THEN 'external'
              ELSE 'stripe' END
$$;

UPDATE payments SET source = source_of_payment(payment_intent_id)
 WHERE payment_intent_id LIKE 'cash:%' OR payment_intent_id LIKE 'elsewhere:%';
UPDATE payments SET next_attempt_at = received_at + interval '15 seconds' WHERE state = 'received';

-- From now on NULL tells the trigger that the previous release wrote the row.
ALTER TABLE payments ALTER COLUMN source DROP DEFAULT, ALTER COLUMN next_attempt_at DROP DEFAULT;

CREATE FUNCTION name_payment_source() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.source := COALESCE(NEW.source, source_of_payment(NEW.payment_intent_id));
  NEW.next_attempt_at := COALESCE(NEW.next_attempt_at, NEW.received_at + interval '15 seconds');
  RETURN NEW;
END $$;
CREATE TRIGGER payments_name_source BEFORE INSERT ON payments FOR EACH ROW
  WHEN (NEW.source IS NULL OR NEW.next_attempt_at IS NULL) EXECUTE FUNCTION name_payment_source();

-- 2. Refunds: the state -------------------------------------------------------------------------------------------------------

ALTER TABLE refunds
  -- `due`: it was never sent. `sent`: it was sent, and its outcome is unknown. `failed`: its tries are used up or the bank
  -- rejected it, and it waits for a person. `manual`: only a person can pay it. `done`: it is paid.
  ADD COLUMN state   text CONSTRAINT refunds_state_known CHECK (state IN ('due', 'sent', 'failed', 'manual', 'done')),
  -- Who paid it: Stripe, or a person in another way.
  ADD COLUMN paid_by text CONSTRAINT refunds_paid_by_known CHECK (paid_by IN ('provider', 'person'));

CREATE FUNCTION name_refund_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- The previous release sets no state; it changes the provider's id and the tries.
  IF (TG_OP = 'INSERT' AND NEW.state IS NULL)
     OR (TG_OP = 'UPDATE' AND NEW.state = OLD.state
         AND (NEW.provider_id, NEW.attempts) IS DISTINCT FROM (OLD.provider_id, OLD.attempts)) THEN
    NEW.state := CASE
      WHEN NEW.provider_id IS NOT NULL THEN 'done'
      WHEN NEW.attempts = 0 THEN 'due'
      WHEN NEW.attempts < 12 THEN 'sent'
      WHEN EXISTS (SELECT FROM payments p WHERE p.payment_intent_id = NEW.payment_intent_id AND p.source = 'stripe') THEN 'failed'
      ELSE 'manual' END;
    NEW.paid_by := CASE WHEN NEW.state <> 'done' THEN NULL
                        WHEN NEW.provider_id LIKE 'manual:%' THEN 'person'
                        ELSE 'provider' END;
  END IF;
  -- With this number of tries the previous release sees that a refund waits for a person, and does not send it.
  IF NEW.state IN ('failed', 'manual') THEN
    NEW.attempts := GREATEST(NEW.attempts, 12);
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER refunds_name_state BEFORE INSERT OR UPDATE ON refunds FOR EACH ROW EXECUTE FUNCTION name_refund_state();

UPDATE refunds r SET
  state   = CASE WHEN provider_id IS NOT NULL THEN 'done'
                 WHEN r.attempts = 0 THEN 'due'
                 WHEN r.attempts < 12 THEN 'sent'
                 WHEN p.source = 'stripe' THEN 'failed'
                 ELSE 'manual' END,
  paid_by = CASE WHEN provider_id LIKE 'manual:%' THEN 'person' WHEN provider_id IS NOT NULL THEN 'provider' END
  FROM payments p WHERE p.payment_intent_id = r.payment_intent_id;

ALTER TABLE refunds
  ALTER COLUMN state SET NOT NULL,
  ADD CONSTRAINT refunds_done_has_provider_id CHECK ((state = 'done') = (provider_id IS NOT NULL)),
  ADD CONSTRAINT refunds_done_says_by_whom CHECK ((state = 'done') = (paid_by IS NOT NULL));
CREATE INDEX refunds_open ON refunds (next_attempt_at) WHERE state <> 'done';

-- 3. Webhooks: the kind -------------------------------------------------------------------------------------------------------

ALTER TABLE stripe_inbox
  -- `paid`: a PaymentIntent succeeded. `money_went_back`: a refund or a dispute of it began, ended or changed.
  ADD COLUMN kind text NOT NULL DEFAULT 'paid' CONSTRAINT stripe_inbox_kind_known CHECK (kind IN ('paid', 'money_went_back'));
UPDATE stripe_inbox SET kind = 'money_went_back' WHERE amount_minor IS NULL;
-- The first versions of the service kept events without a PaymentIntent, which mean nothing to it.
UPDATE stripe_inbox SET applied_at = now() WHERE payment_intent_id IS NULL AND applied_at IS NULL;
ALTER TABLE stripe_inbox ALTER COLUMN kind DROP DEFAULT;

CREATE FUNCTION name_webhook_kind() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.kind := CASE WHEN NEW.amount_minor IS NULL THEN 'money_went_back' ELSE 'paid' END;
  RETURN NEW;
END $$;
CREATE TRIGGER stripe_inbox_name_kind BEFORE INSERT ON stripe_inbox FOR EACH ROW
  WHEN (NEW.kind IS NULL) EXECUTE FUNCTION name_webhook_kind();

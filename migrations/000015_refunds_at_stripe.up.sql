-- A sale locks its order, then the sums of sales, then refunds; this migration and those after it, in the same transaction, lock
-- refunds, then the sums, then orders. With orders locked first they wait for sales that have begun, and later sales wait for
-- them, so that none waits in a circle. Orders can be read meanwhile.
LOCK TABLE orders IN EXCLUSIVE MODE;

-- A refund made at Stripe may fail later, as one of this service may, and may fit more than one choice of tickets.
ALTER TABLE refunds
  -- Its amount is the sum of more than one choice of tickets and it names none: it waits for a person, and no ticket is void.
  ADD COLUMN ticket_unclear boolean NOT NULL DEFAULT false,
  -- What a bank has taken is never sent again.
  DROP CONSTRAINT refunds_due_are_ours,
  ADD CONSTRAINT refunds_due_are_no_disputes CHECK (provider_id IS NOT NULL OR origin <> 'dispute');
CREATE INDEX refunds_ticket_unclear ON refunds (created_at) WHERE ticket_unclear;

-- The sums of an organiser's analytics, stored separately so that an answer reads days and tiers instead of sales.
--
-- Each table has amounts of completed orders by a key, with any number of rows per key; an answer adds them up. The transaction
-- that completes or ends an order inserts rows with its changes, without waiting for locks; a background job folds the rows of
-- a key into one (`is_folded`). The sums are therefore exact at all times.
--
-- Days of any time zone are built from quarters of an hour in UTC, because every zone's offset is a multiple of that.

CREATE TABLE sales_by_time (
  event_id         uuid NOT NULL,
  session_id       uuid NOT NULL,
  -- The quarter of an hour in which the order was placed, counted from 1970 in UTC.
  quarter_hour     integer NOT NULL,
  orders           integer NOT NULL,
  tickets          integer NOT NULL,
  revenue          numeric NOT NULL,
  before_discounts numeric NOT NULL,
  is_folded        boolean NOT NULL DEFAULT false
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);
-- A covering index: the rows of an event are far apart in the table, and next to each other in the index.
CREATE INDEX sales_by_time_key ON sales_by_time (event_id, session_id, quarter_hour)
  INCLUDE (orders, tickets, revenue, before_discounts);
CREATE INDEX sales_by_time_fresh ON sales_by_time (event_id) WHERE NOT is_folded;

-- The same sums for all events of an organisation, because adding up its events would take longer with each sale.
CREATE TABLE organization_sales_by_time (
  organization_id  uuid NOT NULL,
  quarter_hour     integer NOT NULL,
  orders           integer NOT NULL,
  tickets          integer NOT NULL,
  revenue          numeric NOT NULL,
  before_discounts numeric NOT NULL,
  is_folded        boolean NOT NULL DEFAULT false
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);
CREATE INDEX organization_sales_by_time_key ON organization_sales_by_time (organization_id, quarter_hour)
  INCLUDE (orders, tickets, revenue, before_discounts);
CREATE INDEX organization_sales_by_time_fresh ON organization_sales_by_time (organization_id) WHERE NOT is_folded;

CREATE TABLE sales_by_tier (
  organization_id uuid NOT NULL,
  event_id        uuid NOT NULL,
  session_id      uuid NOT NULL,
  tier_id         uuid NOT NULL,
  -- As on the tickets, truncated to the limit of an index.
  tier_name       text NOT NULL,
  tier_color      text NOT NULL,
  tickets         integer NOT NULL,
  -- Prices of the tickets; discounts belong to orders, not to tiers.
  revenue         numeric NOT NULL,
  is_folded       boolean NOT NULL DEFAULT false
);
CREATE INDEX sales_by_tier_key ON sales_by_tier (event_id, session_id, tier_id);
CREATE INDEX sales_by_tier_of_organization ON sales_by_tier (organization_id);
CREATE INDEX sales_by_tier_fresh ON sales_by_tier (event_id) WHERE NOT is_folded;

CREATE TABLE discounts_by_time (
  event_id      uuid NOT NULL,
  discount_code text NOT NULL,
  quarter_hour  integer NOT NULL,
  uses          integer NOT NULL,
  amount        numeric NOT NULL,
  is_folded     boolean NOT NULL DEFAULT false
);
CREATE INDEX discounts_by_time_key ON discounts_by_time (event_id, quarter_hour);
CREATE INDEX discounts_by_time_fresh ON discounts_by_time (event_id) WHERE NOT is_folded;

-- Every payment received for orders of a session, whatever its outcome, and the amount that was or will be refunded.
CREATE TABLE money_by_session (
  organization_id uuid NOT NULL,
  event_id        uuid NOT NULL,
  session_id      uuid NOT NULL,
  currency        text NOT NULL,
  taken_minor     bigint NOT NULL,
  refunded_minor  bigint NOT NULL,
  is_folded       boolean NOT NULL DEFAULT false
);
CREATE INDEX money_by_session_key ON money_by_session (event_id, session_id, currency);
CREATE INDEX money_by_session_of_organization ON money_by_session (organization_id);
CREATE INDEX money_by_session_fresh ON money_by_session (event_id) WHERE NOT is_folded;

-- An event's orders, in the order of lists and exports.
CREATE INDEX orders_by_event ON orders (event_id, created_at, order_id);
-- Orders that the earlier service completed have no payment here, so their price is used. There are no new rows.
CREATE INDEX orders_taken_over ON orders (event_id, session_id) INCLUDE (organization_id, price)
  WHERE status = 'completed' AND expires_at IS NULL;
CREATE INDEX orders_taken_over_of_organization ON orders (organization_id) INCLUDE (event_id, session_id, price)
  WHERE status = 'completed' AND expires_at IS NULL;

-- Existing orders. `void_reason` is used in place of the equivalent `voided_at`, with which the planner, without fresh
-- statistics, would read the index of all live seats for each order.

INSERT INTO sales_by_time (event_id, session_id, quarter_hour, orders, tickets, revenue, before_discounts, is_folded)
SELECT o.event_id, o.session_id, floor(extract(epoch FROM o.created_at) / 900)::integer, count(*),
       sum((SELECT count(*) FROM tickets t WHERE t.order_id = o.order_id AND t.void_reason IS NULL)),
       sum(o.price), sum(o.subtotal), true
  FROM orders o WHERE o.status = 'completed' GROUP BY 1, 2, 3;

INSERT INTO organization_sales_by_time (organization_id, quarter_hour, orders, tickets, revenue, before_discounts, is_folded)
SELECT o.organization_id, floor(extract(epoch FROM o.created_at) / 900)::integer, count(*),
       sum((SELECT count(*) FROM tickets t WHERE t.order_id = o.order_id AND t.void_reason IS NULL)),
       sum(o.price), sum(o.subtotal), true
  FROM orders o WHERE o.status = 'completed' GROUP BY 1, 2;

INSERT INTO sales_by_tier (organization_id, event_id, session_id, tier_id, tier_name, tier_color, tickets, revenue, is_folded)
SELECT o.organization_id, o.event_id, o.session_id, t.tier_id, left(t.tier_name, 200), left(t.colour, 64), count(*),
       sum(t.price_at_purchase), true
  FROM orders o JOIN tickets t USING (order_id)
 WHERE o.status = 'completed' AND t.void_reason IS NULL GROUP BY 1, 2, 3, 4, 5, 6;

INSERT INTO discounts_by_time (event_id, discount_code, quarter_hour, uses, amount, is_folded)
SELECT event_id, left(COALESCE(discount_code, ''), 200),
       floor(extract(epoch FROM created_at) / 900)::integer, count(*), sum(discount_amount), true
  FROM orders WHERE status = 'completed' AND discount_id IS NOT NULL GROUP BY 1, 2, 3;

INSERT INTO money_by_session (organization_id, event_id, session_id, currency, taken_minor, refunded_minor, is_folded)
SELECT o.organization_id, o.event_id, o.session_id, p.currency, sum(p.amount_minor),
       COALESCE(sum((SELECT sum(r.amount_minor) FROM refunds r WHERE r.payment_intent_id = p.payment_intent_id)), 0), true
  FROM payments p JOIN orders o USING (order_id) GROUP BY 1, 2, 3, 4;

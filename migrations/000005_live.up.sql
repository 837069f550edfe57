-- What organisers see happen live, and the running totals.

-- 1. What changed, written in the transaction that changes an order. Its numbers say nothing about which commit came
-- first: a smaller one may become visible later.

CREATE TABLE sale_changes (
  change_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id        uuid NOT NULL,
  organization_id uuid NOT NULL,
  -- What the change adds to the totals; below zero when a completed order ends.
  orders          integer NOT NULL,
  tickets         integer NOT NULL,
  revenue         numeric NOT NULL,
  -- The order as its organiser is told of it when it completes, else NULL.
  message         text
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- 2. The same after the commit, in the one order that every reader sees: numbered under the lock of the head.

CREATE TABLE sales_feed (
  position        bigint PRIMARY KEY,
  event_id        uuid NOT NULL,
  organization_id uuid NOT NULL,
  message         text,
  numbered_at     timestamptz NOT NULL
);
CREATE INDEX sales_feed_by_event ON sales_feed (event_id, position);
CREATE INDEX sales_feed_by_organization ON sales_feed (organization_id, position);

CREATE TABLE sales_feed_head (
  is_head         boolean PRIMARY KEY DEFAULT true CHECK (is_head),
  position        bigint NOT NULL,
  -- Whoever asks for what follows an earlier position cannot be given all of it.
  removed_through bigint NOT NULL
);
INSERT INTO sales_feed_head (position, removed_through) VALUES (0, 0);

-- 3. Totals over completed orders, as of the head.

CREATE TABLE sales_totals (
  scope    text NOT NULL CHECK (scope IN ('event', 'organization')),
  scope_id uuid NOT NULL,
  orders   bigint NOT NULL,
  tickets  bigint NOT NULL,
  revenue  numeric NOT NULL,
  PRIMARY KEY (scope, scope_id)
);
INSERT INTO sales_totals (scope, scope_id, orders, tickets, revenue)
SELECT s.scope, s.scope_id, count(*), COALESCE(sum(o.tickets), 0), sum(o.price)
  FROM (SELECT event_id, organization_id, price,
               (SELECT count(*) FROM tickets t WHERE t.order_id = orders.order_id AND t.void_reason IS NULL) AS tickets
          FROM orders WHERE status = 'completed') o
 CROSS JOIN LATERAL (VALUES ('event', o.event_id), ('organization', o.organization_id)) AS s (scope, scope_id)
 GROUP BY s.scope, s.scope_id;

-- 4. How changes come into the feed: one call, because each further round trip is a delay that organisers see. The head
-- is locked first and the changes are looked for afterwards, each statement in its own snapshot. So whoever numbers
-- sees everything committed before, and nothing ever gets a position before one that somebody can have read.

CREATE FUNCTION number_sale_changes(max_rows integer, moment timestamptz) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  head     bigint;
  new_head bigint;
BEGIN
  IF NOT EXISTS (SELECT FROM sale_changes) THEN
    RETURN 0;
  END IF;
  SELECT position INTO STRICT head FROM sales_feed_head FOR UPDATE;
  WITH taken AS (
    DELETE FROM sale_changes
     WHERE change_id IN (SELECT change_id FROM sale_changes ORDER BY change_id LIMIT max_rows)
    RETURNING *
  ), numbered AS (
    SELECT head + row_number() OVER (ORDER BY change_id) AS place, * FROM taken
  ), fed AS (
    INSERT INTO sales_feed (position, event_id, organization_id, message, numbered_at)
    SELECT place, event_id, organization_id, message, moment FROM numbered
  ), added AS (
    INSERT INTO sales_totals AS t (scope, scope_id, orders, tickets, revenue)
    SELECT s.scope, s.scope_id, sum(n.orders), sum(n.tickets), sum(n.revenue)
      FROM numbered n
     CROSS JOIN LATERAL (VALUES ('event', n.event_id), ('organization', n.organization_id)) AS s (scope, scope_id)
     GROUP BY s.scope, s.scope_id
    ON CONFLICT (scope, scope_id) DO UPDATE
       SET orders = t.orders + EXCLUDED.orders, tickets = t.tickets + EXCLUDED.tickets,
           revenue = t.revenue + EXCLUDED.revenue
  )
  UPDATE sales_feed_head SET position = COALESCE((SELECT max(place) FROM numbered), head)
  RETURNING position INTO new_head;
  RETURN new_head - head;
END $$;

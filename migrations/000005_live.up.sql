-- The live feed of sales for organisers, and the running totals.

-- 1. Changes, written in the transaction that changes an order. Their numbers do not reflect the order of commits: a smaller
-- number may become visible later.

CREATE TABLE sale_changes (
  change_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id        uuid NOT NULL,
  organization_id uuid NOT NULL,
  -- What the change adds to the totals; negative when a completed order ends.
  orders          integer NOT NULL,
  tickets         integer NOT NULL,
  revenue         numeric NOT NULL,
  -- The order as it is shown to its organiser when it completes; otherwise NULL.
  message         text
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- 2. The changes after their commit, in the same order for every reader: they are numbered under the lock of the head.

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
  -- A reader with an earlier position has missed entries.
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

-- 4. Moving changes into the feed. It is one call, because organisers would see the delay of further round trips. The head is
-- locked first and the changes are read afterwards, each statement in its own snapshot. The numbering therefore sees every
-- earlier commit, and no entry gets a position before one that may have been read.

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

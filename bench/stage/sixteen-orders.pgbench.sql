-- Sixteen orders in one statement, with the rows that placing writes (INSERT_ORDER in new-orders.store.ts): the order, two
-- tickets on fresh seats, and two messages as long as the real ones.
WITH placed AS (
  INSERT INTO orders (order_id, user_id, event_id, organization_id, session_id, status, subtotal, discount_amount, price,
                      created_at, expires_at)
  SELECT uuidv7(), gen_random_uuid(), '3471e132-69f2-4764-ac79-e5ad57111483'::uuid,
         '22a67f04-b918-44ac-9b63-49efe8d34356'::uuid, '293bed3f-c670-42f6-9e28-628cd6fec57a'::uuid, 'pending', 200, 0, 200,
         now(), now() + interval '5 minutes'
    FROM generate_series(1, 16)
  RETURNING order_id, session_id, created_at
), ticketed AS (
  INSERT INTO tickets (ticket_id, order_id, session_id, seat_id, seat_label, colour, tier_id, tier_name, price_at_purchase,
                       issued_at)
  SELECT uuidv7(), p.order_id, p.session_id, gen_random_uuid()::text, 'A12', '#FFD700',
         '33333333-3333-3333-3333-333333333333'::uuid, 'VIP', 100, p.created_at
    FROM placed p, generate_series(1, 2)
  RETURNING order_id
), won AS (
  SELECT order_id FROM ticketed GROUP BY order_id
)
INSERT INTO outbox (topic, key, value)
SELECT a.topic, won.order_id::text, repeat('x', a.chars)
  FROM won, (VALUES ('orderCreated', 1187), ('seatsStatus', 162)) AS a (topic, chars);

-- The seats that a user holds in pending orders of a session, for `MAX_HELD_SEATS_PER_USER`.

CREATE INDEX orders_pending_by_user ON orders (user_id, session_id) WHERE status = 'pending';

-- An order whose payment is not known keeps its seats after its hold has ended, so whatever has a PaymentIntent counts while it is
-- pending. `SEATS_HELD_BY_OTHERS` in src/features/orders/held-seats.store.ts counts the same.
--
-- Orders of one user for one session ask one after another, each until the end of its transaction. The count has a snapshot of its
-- own, because the function is volatile: it sees what those before have committed, and the statement that calls it does not.
CREATE FUNCTION seats_held_by(of_user uuid, in_session uuid, moment timestamptz) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('seats held ' || of_user || in_session, 0));
  RETURN (SELECT count(*) FROM orders o JOIN tickets t USING (order_id)
           WHERE o.user_id = of_user AND o.session_id = in_session AND o.status = 'pending'
             AND (o.expires_at > moment OR o.payment_intent_id IS NOT NULL) AND t.voided_at IS NULL);
END
$$;

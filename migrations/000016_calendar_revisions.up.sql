-- The revision of what calendar files say of a session. A calendar replaces its entry only by one with a higher number, so every
-- replica counts on from the same number, also after a restart.
CREATE TABLE calendar_revisions (
  session_id   uuid PRIMARY KEY,
  -- SHA-256 of what the latest file says of the session.
  content_hash bytea NOT NULL,
  revision     integer NOT NULL CHECK (revision > 0)
);

import { randomUUID } from 'node:crypto';
import { copyFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { migrateDown, migrateUp } from '../../../src/platform/postgres/migrations.ts';
import { LKR } from '../../support/currencies.ts';
import { sql } from '../../support/databases.ts';
import { earlierDatabase, earlierOrder } from '../../support/earlier-service.ts';
import { testFolder } from '../../support/folders.ts';

const dir = 'migrations';
let dsn: string;

const migrate = () => migrateUp({ dsn, dir, currency: LKR });
const refusal = () =>
  migrate().then(
    () => 'it migrated',
    (error: Error) => error.message,
  );

/** A role of this test that may use the schema, and nothing else of the operator’s. */
async function otherRole() {
  const name = `role_${randomUUID().replaceAll('-', '')}`;
  await sql(dsn, `CREATE ROLE ${name} LOGIN PASSWORD 'x'; GRANT ALL ON SCHEMA public TO ${name}`);
  await sql(dsn, `GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${name}`);
  onTestFinished(async () => {
    await sql(dsn, `REASSIGN OWNED BY ${name} TO CURRENT_USER; DROP OWNED BY ${name}; DROP ROLE ${name}`);
  });
  const as = new URL(dsn);
  [as.username, as.password] = [name, 'x'];
  return { name, dsn: as.toString() };
}

/** Orders, tickets and the operator’s own rows, as text. */
const stored = async () => [
  await sql(dsn, 'SELECT order_id::text, price::text, status::text FROM orders ORDER BY 1'),
  await sql(dsn, 'SELECT ticket_id::text, seat_id::text FROM tickets ORDER BY 1'),
];

beforeEach(async () => {
  dsn = await earlierDatabase();
  await earlierOrder(dsn);
  await earlierOrder(dsn, { status: 'pending' });
});

const OWN_TRIGGER = `CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN INSERT INTO notes VALUES (NEW.order_id, NEW.status); RETURN NULL; END';
  CREATE TABLE notes (order_id uuid, status text)`;

describe('view-on-orders: objects of the operator on the earlier service’s tables', () => {
  test.each([
    [
      'a view',
      'CREATE VIEW daily_takings AS SELECT created_at::date AS day, sum(price) AS takings FROM orders GROUP BY 1',
      'view daily_takings depends on column "created_at" of table orders, column "price" of table orders, which the migration changes: keep its definition (pg_dump --schema-only), drop it',
    ],
    [
      'a materialized view',
      'CREATE MATERIALIZED VIEW seats_sold AS SELECT seat_id, count(*) FROM tickets GROUP BY 1',
      'materialized view seats_sold depends on column "seat_id" of table tickets, which the migration changes',
    ],
    [
      'a trigger with a condition',
      `${OWN_TRIGGER}; CREATE TRIGGER noted AFTER UPDATE OF status ON orders FOR EACH ROW EXECUTE FUNCTION note()`,
      'trigger noted on table orders depends on column "status" of table orders, which the migration changes: drop it, and create it again afterwards',
    ],
    [
      'a generated column',
      'ALTER TABLE orders ADD COLUMN net numeric GENERATED ALWAYS AS (subtotal - discount_amount) STORED',
      'generated column "net" of table orders depends on column "discount_amount" of table orders, column "subtotal" of table orders, which the migration changes',
    ],
    [
      'a policy',
      'CREATE POLICY own_orders ON orders USING (user_id::text = current_user)',
      'policy own_orders on table orders depends on column "user_id" of table orders, which the migration changes',
    ],
    [
      'a publication of some rows',
      "CREATE PUBLICATION sold FOR TABLE orders WHERE (status = 'completed')",
      'publication sold depends on column "status" of table orders, which the migration changes: take the table out (ALTER PUBLICATION ... DROP TABLE)',
    ],
    [
      'a rule',
      'CREATE TABLE gone (order_id uuid); CREATE RULE keep AS ON DELETE TO orders DO ALSO INSERT INTO gone VALUES (OLD.order_id)',
      'rule keep on table orders: a statement of this service does more than a rule allows; drop the rule',
    ],
    [
      'a function',
      'CREATE FUNCTION takings() RETURNS numeric LANGUAGE sql BEGIN ATOMIC SELECT sum(price) FROM orders; END',
      'function takings() depends on column "price" of table orders, which the migration changes',
    ],
    [
      'an index on the date of a time without a zone',
      'CREATE INDEX orders_of_day ON orders ((created_at::date))',
      'index orders_of_day has an expression of column "created_at" of table orders, which gets a time zone',
    ],
    [
      'an index with a name of this service',
      'CREATE INDEX orders_by_user ON orders (user_id)',
      'index orders_by_user on orders has a name that this service uses: ALTER INDEX orders_by_user RENAME TO orders_by_user_earlier',
    ],
    [
      'a table with a name of this service',
      'CREATE TABLE payments (id int)',
      'table payments has a name that this service uses: ALTER TABLE payments RENAME TO payments_earlier',
    ],
    [
      'a constraint with a name of this service',
      'ALTER TABLE orders ADD CONSTRAINT orders_session_key UNIQUE (session_id, order_id)',
      'constraint orders_session_key of orders has a name that this service uses: ALTER TABLE orders RENAME CONSTRAINT orders_session_key TO orders_session_key_earlier',
    ],
    [
      'a column with a name of this service',
      'ALTER TABLE orders ADD COLUMN expires_at date',
      'column expires_at of orders has a name that this service uses: ALTER TABLE orders RENAME COLUMN expires_at TO expires_at_earlier',
    ],
    [
      'a column that must have a value',
      "ALTER TABLE orders ADD COLUMN region text NOT NULL DEFAULT 'west'; ALTER TABLE orders ALTER COLUMN region DROP DEFAULT",
      'column region of orders must have a value, and this service writes none: give it a DEFAULT, or ALTER TABLE orders ALTER COLUMN region DROP NOT NULL',
    ],
  ])('%s that stands in the way is named with what to do, and nothing is changed', async (_what, own, named) => {
    await sql(dsn, own);
    const before = await stored();
    expect(await refusal()).toContain(`Nothing was changed. Do what each line says, then start again.\n- ${named}`);
    expect(await stored()).toEqual(before);
    expect(await sql(dsn, "SELECT to_regclass('outbox') AS outbox")).toEqual([{ outbox: null }]);
  });

  test('all of them are named at once, and the migration goes through when each was done', async () => {
    await sql(dsn, 'CREATE VIEW a AS SELECT price FROM orders; CREATE VIEW b AS SELECT * FROM a');
    await sql(
      dsn,
      'CREATE INDEX tickets_by_order ON tickets (order_id); CREATE RULE keep AS ON DELETE TO tickets DO INSTEAD NOTHING',
    );
    expect((await refusal()).match(/^- .*$/gm)).toEqual([
      expect.stringMatching(/^- view a depends on column "price" of table orders/),
      expect.stringMatching(/^- rule keep on table tickets/),
      expect.stringMatching(/^- index tickets_by_order on tickets/),
    ]);
    await sql(dsn, 'DROP VIEW a CASCADE; DROP RULE keep ON tickets; ALTER INDEX tickets_by_order RENAME TO mine');
    expect(await refusal()).toBe('it migrated');
    await sql(dsn, 'CREATE VIEW a AS SELECT price FROM orders');
    expect(await sql(dsn, 'SELECT price::text FROM a')).toHaveLength(2);
  });

  test.each([
    ['a view of other columns', 'CREATE VIEW own AS SELECT checked_in FROM tickets', 'SELECT FROM own'],
    [
      'a trigger on every change, also one that waits for the end of the transaction',
      `${OWN_TRIGGER}; CREATE CONSTRAINT TRIGGER noted AFTER INSERT OR UPDATE ON orders DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW EXECUTE FUNCTION note()`,
      'SELECT FROM notes',
    ],
    [
      'a publication of whole tables',
      'CREATE PUBLICATION own FOR TABLE orders, tickets',
      "SELECT FROM pg_publication WHERE pubname = 'own'",
    ],
    [
      'a publication of all tables',
      'CREATE PUBLICATION own FOR ALL TABLES',
      "SELECT FROM pg_publication WHERE pubname = 'own'",
    ],
    [
      'an index and a check of their own',
      'CREATE INDEX own ON orders (lower(status)) WHERE price > 0; ALTER TABLE orders ADD CONSTRAINT own_check CHECK (price < 1000000)',
      "SELECT FROM pg_indexes WHERE indexname = 'own'",
    ],
    [
      'a table of their own that refers to orders',
      'CREATE TABLE own (order_id uuid REFERENCES orders (order_id) DEFERRABLE INITIALLY DEFERRED); INSERT INTO own SELECT order_id FROM orders',
      'SELECT FROM own',
    ],
    [
      'a column of their own',
      "ALTER TABLE orders ADD COLUMN note text DEFAULT 'mine'",
      "SELECT FROM orders WHERE note = 'mine'",
    ],
  ])('%s stays as it is', async (_what, own, kept) => {
    await sql(dsn, own);
    expect(await refusal()).toBe('it migrated');
    expect((await sql(dsn, kept)).length).toBeGreaterThan(0);
  });

  test('what only PostgreSQL finds is told with what to do', async () => {
    await sql(dsn, "CREATE FUNCTION refuse_audit_change() RETURNS int LANGUAGE sql AS 'SELECT 1'");
    expect(await refusal()).toMatch(
      /^function "refuse_audit_change" already exists .*\. Rename or drop it, since it is not of/,
    );
    await sql(dsn, 'DROP FUNCTION refuse_audit_change');
    expect(await refusal()).toBe('it migrated');
    await sql(dsn, 'CREATE VIEW trials AS SELECT * FROM write_trials; CREATE VIEW ends AS SELECT ended_in FROM orders');
    const undo = async () => {
      while ((await migrateDown({ dsn, dir, currency: LKR })).length > 0);
    };
    await expect(undo()).rejects.toThrow(/view trials depends on table write_trials\. Drop what depends on it, and/);
  });

  test('a role that does not own the tables is told that it must', async () => {
    const guest = await otherRole();
    const migrated = migrateUp({ dsn: guest.dsn, dir, currency: LKR });
    await expect(migrated).rejects.toThrow(
      'must be owner of table orders. The role of POSTGRES_DSN must own the tables',
    );
  });

  test('row security that hides rows from the owner is named with what to do', async () => {
    const owner = await otherRole();
    await sql(dsn, `ALTER TABLE orders OWNER TO ${owner.name}; ALTER TABLE tickets OWNER TO ${owner.name}`);
    await sql(dsn, 'ALTER TABLE orders ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY');
    await expect(migrateUp({ dsn: owner.dsn, dir, currency: LKR })).rejects.toThrow(
      '- row security hides rows of table orders from the role that migrates: ALTER TABLE orders NO FORCE ROW LEVEL SECURITY',
    );
  });

  test('a publication of all tables stops no change of a row that this service makes', async () => {
    expect(await refusal()).toBe('it migrated');
    const unpublishable = await sql(
      dsn,
      `SELECT relname FROM pg_class c WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relreplident <> 'f'
          AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisprimary)`,
    );
    expect(unpublishable).toEqual([]);
  });

  test('nothing of this service stands in the way of its own releases, whichever came before', async () => {
    const releases = await testFolder();
    const ups = (await readdir(dir)).filter((file) => file.endsWith('.up.sql')).toSorted();
    for (const file of ups) {
      await copyFile(join(dir, file), join(releases, file));
      expect(await migrateUp({ dsn, dir: releases, currency: LKR })).toEqual([file.replace('.up.sql', '')]);
    }
  });
});

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';

/** What migrations say in their SQL, as far as objects of the operator can stand in its way. */
interface Intent {
  /** Tables, indexes and sequences that are created. */
  readonly relations: string[];
  readonly tables: string[];
  readonly triggers: string[];
  /** Pairs of a table and a name. */
  readonly constraints: (readonly [string, string])[];
  readonly newColumns: (readonly [string, string])[];
  /** The columns of `EARLIER_TABLES` that this service writes. */
  readonly knownColumns: (readonly [string, string])[];
  /** Columns that get another type, or are dropped. */
  readonly changedColumns: (readonly [string, string])[];
}

const UP = '.up.sql';
/** The tables that a database of the earlier service has already. */
const EARLIER_TABLES = ['orders', 'tickets'];

/**
 * Fails when objects that an operator made in this database would stop the pending migrations or the service, with a line for
 * each that says what to do. PostgreSQL would name one at a time, and some of them not at all.
 */
export async function requireNoObstacles(
  client: pg.ClientBase,
  dir: string,
  applied: readonly string[],
): Promise<void> {
  const names = (await readdir(dir)).filter((file) => file.endsWith(UP)).map((file) => file.slice(0, -UP.length));
  const pending = names.filter((name) => !applied.includes(name));
  if (pending.length === 0) return;
  const intentOf = async (files: readonly string[]) =>
    intentIn(await Promise.all(files.map((name) => readFile(join(dir, name + UP), 'utf8'))));
  const [ours, next, all] = [await intentOf(applied), await intentOf(pending), await intentOf(names)];
  const { rows } = await client.query<{ obstacle: string }>(OBSTACLES, [
    next.relations.filter((name) => !ours.relations.includes(name)),
    ...pairs(without(next.constraints, ours.constraints)),
    ...pairs(without(next.newColumns, ours.newColumns)),
    ...pairs(next.changedColumns),
    all.tables,
    all.triggers,
    ...pairs(all.knownColumns),
  ]);
  if (rows.length === 0) return;
  const lines = rows.map(({ obstacle }) => `- ${obstacle}`).join('\n');
  throw new Error(
    `Objects that are not of this service stand in its way in this database. Nothing was changed. Do what each line says, then start again.\n${lines}`,
  );
}

type Pairs = readonly (readonly [string, string])[];

function without(some: Pairs, others: Pairs): Pairs {
  return some.filter(([table, name]) => !others.some((other) => other[0] === table && other[1] === name));
}

function pairs(some: Pairs): [string[], string[]] {
  return [some.map(([table]) => table), some.map(([, name]) => name)];
}

/** Reads migrations in the form in which they are written here: names without quotes, one change a line. */
function intentIn(files: readonly string[]): Intent {
  const intent: Intent = {
    relations: [],
    tables: [...EARLIER_TABLES],
    triggers: [],
    constraints: [],
    newColumns: [],
    knownColumns: [],
    changedColumns: [],
  };
  const statements = files.flatMap((sql) =>
    sql
      .replaceAll(/--.*$/gm, '')
      .replaceAll(/\$\$[\s\S]*?\$\$/g, '')
      .split(';'),
  );
  for (const statement of statements) {
    const find = (pattern: RegExp) => [...statement.matchAll(pattern)].map(([, name = '']) => name);
    const tables = find(/CREATE TABLE (?!IF\b)(\w+)/g);
    intent.tables.push(...tables);
    intent.relations.push(...tables, ...find(/CREATE (?:UNIQUE )?INDEX (\w+)/g), ...find(/CONSTRAINT (\w+) UNIQUE/g));
    intent.triggers.push(...find(/CREATE TRIGGER (\w+)/g));
    const [table] = find(/(?:ALTER TABLE|CREATE TABLE IF NOT EXISTS) (\w+)/g);
    if (table === undefined) continue;
    const of = (name: string) => [table, name] as const;
    if (EARLIER_TABLES.includes(table)) {
      intent.knownColumns.push(...find(/^ {2}([a-z_]+) +[a-z]/gm).map(of));
      intent.knownColumns.push(...find(/ADD COLUMN (?:IF NOT EXISTS )?(\w+)/g).map(of));
    }
    intent.constraints.push(...find(/ADD CONSTRAINT (\w+)/g).map(of));
    intent.newColumns.push(...find(/ADD COLUMN (?!IF\b)(\w+)/g).map(of));
    intent.changedColumns.push(...find(/ALTER COLUMN (\w+) TYPE/g).map(of), ...find(/DROP COLUMN (\w+)/g).map(of));
  }
  return intent;
}

const CHANGES = 'which the migration changes';
const AGAIN = 'drop it, and create it again afterwards';

/**
 * `$1`: new relations; `$2`, `$3`: new constraints; `$4`, `$5`: new columns; `$6`, `$7`: changed columns; `$8`: the tables, `$9`:
 * the triggers of the service; `$10`, `$11`: its columns of earlier tables.
 */
const OBSTACLES = `
  WITH ours AS (
    SELECT c.oid, c.relname FROM pg_class c
     WHERE c.relname = ANY ($8::text[]) AND c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
  ), changed AS (
    SELECT DISTINCT a.attrelid, a.attnum, a.attname, a.atttypid, format('column "%s" of table %s', a.attname, a.attrelid::regclass) AS col
      FROM unnest($6::text[], $7::text[]) AS change (relation, attribute)
      JOIN ours ON ours.relname = relation
      JOIN pg_attribute a ON a.attrelid = ours.oid AND a.attname = attribute AND NOT a.attisdropped
  ), users AS (
    SELECT d.classid, d.objid, c.* FROM changed c
      JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.attrelid AND d.refobjsubid = c.attnum
  ), obstacles AS (
    SELECT 1 AS rank, format('%s depends on %s, ${CHANGES}: keep its definition (pg_dump --schema-only), ${AGAIN}',
             CASE v.relkind WHEN 'm' THEN 'materialized view ' ELSE 'view ' END || v.oid::regclass, string_agg(DISTINCT u.col, ', ')) AS obstacle
      FROM users u JOIN pg_rewrite w ON u.classid = 'pg_rewrite'::regclass AND w.oid = u.objid
      JOIN pg_class v ON v.oid = w.ev_class AND v.relkind IN ('v', 'm')
     GROUP BY v.oid, v.relkind
    UNION ALL
    SELECT 2, format('rule %I on table %s: a statement of this service does more than a rule allows; drop the rule (a trigger can take its place)',
             w.rulename, w.ev_class::regclass)
      FROM pg_rewrite w JOIN ours ON ours.oid = w.ev_class
    UNION ALL
    SELECT 3, format('trigger %I on table %s depends on %s, ${CHANGES}: ${AGAIN}', t.tgname, t.tgrelid::regclass, string_agg(DISTINCT u.col, ', '))
      FROM users u JOIN pg_trigger t ON u.classid = 'pg_trigger'::regclass AND t.oid = u.objid
     WHERE NOT t.tgisinternal AND t.tgname <> ALL ($9::text[]) GROUP BY t.tgname, t.tgrelid
    UNION ALL
    SELECT 4, format('generated column "%s" of table %s depends on %s, ${CHANGES}: ${AGAIN}', g.attname, g.attrelid::regclass, string_agg(DISTINCT u.col, ', '))
      FROM users u JOIN pg_attrdef f ON u.classid = 'pg_attrdef'::regclass AND f.oid = u.objid
      JOIN pg_attribute g ON g.attrelid = f.adrelid AND g.attnum = f.adnum AND g.attgenerated <> ''
     GROUP BY g.attrelid, g.attname
    UNION ALL
    SELECT 5, format('policy %I on table %s depends on %s, ${CHANGES}: ${AGAIN}', p.polname, p.polrelid::regclass, string_agg(DISTINCT u.col, ', '))
      FROM users u JOIN pg_policy p ON u.classid = 'pg_policy'::regclass AND p.oid = u.objid GROUP BY p.polname, p.polrelid
    UNION ALL
    SELECT 6, format('publication %I depends on %s, ${CHANGES}: take the table out (ALTER PUBLICATION ... DROP TABLE), and add it again afterwards',
             b.pubname, string_agg(DISTINCT u.col, ', '))
      FROM users u JOIN pg_publication_rel r ON u.classid = 'pg_publication_rel'::regclass AND r.oid = u.objid
      JOIN pg_publication b ON b.oid = r.prpubid GROUP BY b.pubname
    UNION ALL
    SELECT 7, format('function %s depends on %s, ${CHANGES}: ${AGAIN}', u.objid::regprocedure, string_agg(DISTINCT u.col, ', '))
      FROM users u WHERE u.classid = 'pg_proc'::regclass GROUP BY u.objid
    UNION ALL
    SELECT 8, format('index %s has an expression of %s, which gets a time zone and then has no fixed date: ${AGAIN}, with AT TIME ZONE ''UTC''',
             i.indexrelid::regclass, string_agg(DISTINCT u.col, ', '))
      FROM users u JOIN pg_index i ON u.classid = 'pg_class'::regclass AND i.indexrelid = u.objid
     WHERE u.atttypid = 'timestamp'::regtype
       AND concat(pg_get_expr(i.indexprs, i.indrelid), ' ', pg_get_expr(i.indpred, i.indrelid)) ~ ('\\m' || u.attname || '\\M')
     GROUP BY i.indexrelid
    UNION ALL
    SELECT 9, format('row security hides rows of table %s from the role that migrates: ALTER TABLE %1$s NO FORCE ROW LEVEL SECURITY, or migrate as a role with BYPASSRLS',
             ours.oid::regclass)
      FROM ours WHERE row_security_active(ours.oid)
    UNION ALL
    SELECT 10, format('%1$s %2$s%3$s has a name that this service uses: ALTER %4$s %2$s RENAME TO %5$I', kind, c.oid::regclass,
             ' on ' || i.indrelid::regclass, upper(kind), left(c.relname, 55) || '_earlier')
      FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
     CROSS JOIN LATERAL (SELECT CASE c.relkind WHEN 'i' THEN 'index' WHEN 'I' THEN 'index' WHEN 'v' THEN 'view' WHEN 'S' THEN 'sequence'
                                  WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' ELSE 'table' END AS kind) k
     WHERE c.relname = ANY ($1::text[]) AND c.relnamespace = current_schema()::regnamespace
       AND NOT EXISTS (SELECT FROM pg_constraint n WHERE n.conindid = c.oid AND n.conname = c.relname)
    UNION ALL
    SELECT 11, format('constraint %1$I of %2$s has a name that this service uses: ALTER TABLE %2$s RENAME CONSTRAINT %1$I TO %3$I', n.conname,
             n.conrelid::regclass, left(n.conname, 55) || '_earlier')
      FROM pg_constraint n JOIN ours ON ours.oid = n.conrelid
     WHERE (ours.relname, n.conname) IN (SELECT * FROM unnest($2::text[], $3::text[]))
        OR n.conname = ANY ($1::text[]) AND n.conindid <> 0
    UNION ALL
    SELECT 12, format('column %1$I of %2$s has a name that this service uses: ALTER TABLE %2$s RENAME COLUMN %1$I TO %3$I', a.attname,
             a.attrelid::regclass, left(a.attname, 55) || '_earlier')
      FROM pg_attribute a JOIN ours ON ours.oid = a.attrelid
     WHERE (ours.relname, a.attname) IN (SELECT * FROM unnest($4::text[], $5::text[])) AND NOT a.attisdropped
    UNION ALL
    SELECT 13, format('column %1$I of %2$s must have a value, and this service writes none: give it a DEFAULT, or ALTER TABLE %2$s ALTER COLUMN %1$I DROP NOT NULL',
             a.attname, a.attrelid::regclass)
      FROM pg_attribute a JOIN ours ON ours.oid = a.attrelid AND ours.relname IN (SELECT unnest($10::text[]))
     WHERE a.attnum > 0 AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AND NOT a.attisdropped
       AND (ours.relname, a.attname) NOT IN (SELECT * FROM unnest($10::text[], $11::text[]))
  )
  SELECT obstacle FROM obstacles ORDER BY rank, obstacle`;

import pg from 'pg';

const CONNECT_TIMEOUT_MS = 5_000;
const ANSWER_TIMEOUT_MS = 5_000;

/** A connection that is not one of the pool; `name` says in `pg_stat_activity` what it is for. */
export function createClient(dsn: string, name: string, settings: readonly string[] = []): pg.Client {
  return new pg.Client({
    ...sessionSettings(dsn, settings),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
    keepAlive: true,
    application_name: `ms-ticketing ${name}`,
  });
}

/**
 * The settings of a session, combined with `options` in the address: `pg` would use the address's options in place of ours.
 * Ours come last and therefore take precedence.
 */
export function sessionSettings(
  dsn: string,
  settings: readonly string[],
): { readonly connectionString: string; readonly options: string } {
  const ours = settings.map((setting) => `-c ${setting}`);
  const url = new URL(dsn);
  const given = url.searchParams.get('options');
  if (given === null) return { connectionString: dsn, options: ours.join(' ') };
  url.searchParams.delete('options');
  return { connectionString: url.toString(), options: [given, ...ours].join(' ') };
}

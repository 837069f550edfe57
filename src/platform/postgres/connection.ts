import pg from 'pg';
import { AppError } from '../../kernel/errors.ts';
import { isDirect, isTlsRefused, TLS_PARAMETERS, type Tls, tlsOf } from './tls.ts';

export const CONNECT_TIMEOUT_MS = 5_000;
const ANSWER_TIMEOUT_MS = 5_000;

/**
 * Connects outside the pool; `name` says in `pg_stat_activity` what for. Statements fail after `answerTimeoutMs`, 0: never. A
 * caller that is to hear of a broken connection listens for `error` and `end`.
 */
export async function connectClient(
  dsn: string,
  name: string,
  settings: readonly string[] = [],
  answerTimeoutMs = ANSWER_TIMEOUT_MS,
): Promise<pg.Client> {
  const ways = [...tlsOf(dsn)];
  for (;;) {
    const client = new pg.Client({
      ...sessionSettings(dsn, settings),
      ssl: ways.shift() ?? false,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: answerTimeoutMs,
      keepAlive: true,
      application_name: `ms-ticketing ${name}`,
    });
    // A broken connection also fails the statement in hand; without a listener, it would end the process.
    client.on('error', () => undefined);
    try {
      await client.connect();
      return client;
    } catch (error) {
      await client.end().catch(() => undefined);
      if (ways.length === 0 || !isTlsRefused(error)) throw error;
    }
  }
}

/**
 * The address without what is read here, and the settings of a session combined with its `options`: `pg` would use those in
 * place of ours. Ours come last and therefore take precedence.
 */
export function sessionSettings(
  dsn: string,
  settings: readonly string[],
): Pick<pg.ClientConfig, 'connectionString' | 'options' | 'sslnegotiation'> {
  const ours = settings.map((setting) => `-c ${setting}`);
  const url = new URL(dsn);
  const given = url.searchParams.get('options');
  const sslnegotiation = isDirect(url.searchParams) ? ('direct' as const) : ('postgres' as const);
  const read = ['options', ...TLS_PARAMETERS].filter((name) => url.searchParams.has(name));
  for (const name of read) url.searchParams.delete(name);
  return {
    connectionString: read.length === 0 ? dsn : url.toString(),
    sslnegotiation,
    options: [...(given === null ? [] : [given]), ...ours].join(' '),
  };
}

/** Gets a connection of a pool; fails with `database_unavailable`, because the statement was not sent. */
export type Connect = () => Promise<pg.PoolClient>;

/** Connects a pool in the first of these ways that the server accepts; the pool then stays with it until it is refused. */
export function connectsBy(pool: pg.Pool, ways: readonly Tls[]): Connect {
  // A server may end a connection in the same packet in which it says that it is ready, before anybody listens.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return async () => {
    for (let refused = 1; ; refused += 1) {
      const used = pool.options.ssl;
      try {
        return await pool.connect();
      } catch (error) {
        if (refused >= ways.length || !isTlsRefused(error)) throw unavailable(error);
        // Another caller may have changed it in the meantime.
        if (pool.options.ssl === used) pool.options.ssl = ways.find((way) => way !== used);
      }
    }
  };
}

/**
 * Lends a connection of the pool to `work`. It is closed instead of used again when it broke, or when `closeAfter` gives a
 * reason for the error of `work`.
 */
export async function lend<Result>(
  connect: Connect,
  work: (client: pg.PoolClient) => Promise<Result>,
  closeAfter: (error: unknown, client: pg.PoolClient) => Promise<Error | undefined>,
): Promise<Result> {
  const client = await connect();
  let broken: Error | undefined;
  const onBreak = (error: Error) => {
    broken = error;
  };
  client.on('error', onBreak);
  try {
    return await work(client);
  } catch (error) {
    broken ??= await closeAfter(error, client);
    throw error;
  } finally {
    client.off('error', onBreak);
    client.release(broken);
  }
}

/** The database cannot be used now, whatever the request. */
export function unavailable(cause: unknown): AppError {
  return new AppError('database_unavailable', 'The database cannot do its work right now. Try again shortly.', {
    cause,
  });
}

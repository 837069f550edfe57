import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';

/** libpq's modes, https://www.postgresql.org/docs/current/libpq-ssl.html, and `no-verify`, node-postgres's name of `require`. */
export const TLS_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'] as const;
type TlsMode = (typeof TLS_MODES)[number];

/** How one connection is secured; false: not at all. */
export type Tls = false | ConnectionOptions;

/** The parameters of an address that decide about TLS. They are read here alone, because `pg` gives them other meanings. */
export const TLS_PARAMETERS = [
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'sslnegotiation',
  'ssl',
  'uselibpqcompat',
] as const;

/** The value of `sslrootcert` for the well-known authorities. */
const SYSTEM = 'system';

/**
 * How a server is connected to, in the order in which libpq tries it: the second way only when the server refuses the first.
 * Throws an Error that says which parameter of the address to correct.
 */
export function tlsOf(dsn: string): readonly [Tls, ...Tls[]] {
  const { searchParams } = new URL(dsn);
  // There is no TLS on a Unix socket, whatever the mode.
  if (searchParams.get('host')?.startsWith('/')) return [false];
  const mode = modeOf(searchParams);
  const root = searchParams.get('sslrootcert');
  const ca = root === null || root === SYSTEM ? {} : { ca: readPem('sslrootcert', root) };
  const own = ownCertificate(searchParams);
  const isFull = { ...own, ...ca };
  const isKnown = { ...isFull, checkServerIdentity: () => undefined };
  // As in libpq, a certificate is also checked without a mode that asks for it when its authority is named.
  const isAny = root === null ? { ...own, rejectUnauthorized: false } : isKnown;
  switch (mode) {
    case 'disable':
      return [false];
    case 'allow':
      return [false, isAny];
    case 'prefer':
      return [isAny, false];
    case 'require':
    case 'no-verify':
      return [isAny];
    case 'verify-ca':
      return [isKnown];
    case 'verify-full':
      return [isFull];
    default:
      return mode satisfies never;
  }
}

function modeOf(parameters: URLSearchParams): TlsMode {
  const root = parameters.get('sslrootcert');
  const given = parameters.get('sslmode') ?? modeBySwitch(parameters.get('ssl'), root);
  const mode = TLS_MODES.find((each) => each === given);
  if (mode === undefined) throw new Error(`sslmode must be one of ${TLS_MODES.join(', ')}.`);
  if (root === SYSTEM && mode !== 'verify-full') throw new Error('sslrootcert=system needs sslmode=verify-full.');
  if (mode === 'verify-ca' && root === null)
    throw new Error('sslmode=verify-ca needs sslrootcert, the file of the authority; or set sslmode=verify-full.');
  if (isDirect(parameters) && ['disable', 'allow', 'prefer'].includes(mode))
    throw new Error('sslnegotiation=direct needs sslmode=require, verify-ca or verify-full.');
  return mode;
}

/** Whether TLS begins without asking the server for it, as PostgreSQL 17 and later can. */
export function isDirect(parameters: URLSearchParams): boolean {
  return parameters.get('sslnegotiation') === 'direct';
}

/** `ssl` is the older switch of other clients. Without any parameter, TLS is used where the server offers it. */
function modeBySwitch(ssl: string | null, root: string | null): string {
  if (ssl === 'true' || ssl === '1' || root === SYSTEM) return 'verify-full';
  if (ssl === 'false' || ssl === '0') return 'disable';
  return ssl ?? 'prefer';
}

function ownCertificate(parameters: URLSearchParams): Pick<ConnectionOptions, 'cert' | 'key'> {
  const [cert, key] = [parameters.get('sslcert'), parameters.get('sslkey')];
  return { ...(cert && { cert: readPem('sslcert', cert) }), ...(key && { key: readPem('sslkey', key) }) };
}

function readPem(parameter: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Error(`${parameter}: ${path} cannot be read (${code}).`, { cause });
  }
}

/** The messages of `pg` for a server that has no TLS, or no memory for it. */
const NO_TLS = ['The server does not support SSL connections', 'There was an error establishing an SSL connection'];

/** Whether the server answered and refused how it was connected to, so that libpq would try the next way. */
export function isTlsRefused(error: unknown): boolean {
  return refusalOf(error) !== undefined;
}

/** What an operator can do about a refusal that concerns TLS; undefined for other errors. */
export function tlsAdvice(error: unknown): string | undefined {
  switch (refusalOf(error)) {
    case 'no TLS':
      return 'It offers no TLS: switch it on there (ssl = on), or set sslmode=prefer.';
    case 'certificate':
      return 'Its certificate is not trusted: set sslrootcert to the PEM file of its authority, and the host to a name in the certificate.';
    case 'access':
      return 'Its pg_hba.conf has no entry for this user, database, address and encryption.';
    default:
      return undefined;
  }
}

function refusalOf(error: unknown): 'no TLS' | 'certificate' | 'access' | undefined {
  if (!(error instanceof Error)) return undefined;
  if (NO_TLS.includes(error.message)) return 'no TLS';
  const code = 'code' in error ? String(error.code) : '';
  if (code === '28000') return 'access';
  return /CERT|SELF_SIGNED|UNABLE_TO|^ERR_(TLS|SSL|OSSL)/.test(code) ? 'certificate' : undefined;
}

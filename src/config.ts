import { isPublished } from './config.published.ts';
import type { Reader } from './config.readers.ts';
import { fileVariableOf, secretFromFile } from './config.secrets.ts';
import { VARIABLES, type Variable } from './config.variables.ts';
import { MS_PER_MINUTE } from './kernel/clock.ts';
import { currencyFacts } from './kernel/currencies.ts';
import { reasonOf } from './kernel/errors.ts';
import { Currency } from './kernel/money.ts';
import { tlsOf } from './platform/postgres/tls.ts';
import { redacted } from './platform/telemetry/redaction.ts';

/** Addresses of the platform's front end on a developer's machine (contract section 1). */
const FRONT_END_IN_DEVELOPMENT = ['http://localhost:8090', 'http://ticketly.test:8090', 'http://www.localhost:8090'];

type Variables = typeof VARIABLES;
type Name = keyof Variables;
type ValueOf<V> = V extends { readonly read: Reader<infer Value> } ? Value : never;

/** The settings by variable name, with the types of their readers. A variable without a default may be undefined. */
export type Settings = {
  readonly [N in Name]: Variables[N] extends { readonly fallback: string }
    ? ValueOf<Variables[N]>
    : ValueOf<Variables[N]> | undefined;
};

export interface Config extends Settings {
  readonly currency: Currency;
  readonly holdMs: number;
  /** The address that the service listens on; empty: all addresses. */
  readonly listenHost: string;
  /** Origins whose pages may call the API. */
  readonly corsOrigins: readonly string[];
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** The problems of the environment: one line for each variable, without values of secrets. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** Reads and checks every variable. Throws a `ConfigError` with each invalid variable and its allowed values. */
export function readConfig(environment: Environment): Config {
  const problems: string[] = [];
  const read = Object.fromEntries(
    Object.entries(VARIABLES).map(([name, spec]) => [name, readOne(name, spec, environment, problems)]),
  ) as unknown as Settings;
  if (problems.length > 0) throw new ConfigError(problems);
  const settings = { ...read, POSTGRES_DSN: withTlsVariables(read) };
  problems.push(...contradictions(settings));
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    ...settings,
    currency: new Currency(settings.CURRENCY),
    listenHost: settings.HOST || (SERVED.some((variable) => !settings[variable]) ? LOOPBACK : ''),
    holdMs: Math.round(settings.SEAT_LOCK_TTL_MINUTES * MS_PER_MINUTE),
    corsOrigins: settings.CORS_ORIGINS ?? (settings.NODE_ENV === 'production' ? [] : FRONT_END_IN_DEVELOPMENT),
  };
}

function readOne(name: string, spec: Variable<unknown>, environment: Environment, problems: string[]): unknown {
  const named = environment[name]?.trim();
  const set = named || !spec.secret ? named : secretFromFile(name, environment, problems);
  const isUnset = set === undefined || (set === '' && !spec.mayBeEmpty);
  const given = isUnset ? spec.fallback : set;
  if (given === undefined) return undefined;
  const value = spec.read(given);
  if (value === undefined) {
    // An address may contain a password, and a variable may contain another variable's secret by mistake.
    const shown = spec.secret ? 'the value set' : redacted(JSON.stringify(given));
    problems.push(`${name}: ${shown} is not allowed; it must be ${spec.allowed}.`);
  }
  return value;
}

/** The address of PostgreSQL with the TLS that libpq's variables ask for, where the address itself says nothing of it. */
function withTlsVariables({ POSTGRES_DSN, PGSSLMODE, PGSSLROOTCERT }: Settings): string | undefined {
  if (POSTGRES_DSN === undefined || !(PGSSLMODE || PGSSLROOTCERT)) return POSTGRES_DSN;
  const url = new URL(POSTGRES_DSN);
  const { searchParams } = url;
  if (PGSSLMODE && !searchParams.has('sslmode') && !searchParams.has('ssl')) searchParams.set('sslmode', PGSSLMODE);
  if (PGSSLROOTCERT && !searchParams.has('sslrootcert')) searchParams.set('sslrootcert', PGSSLROOTCERT);
  return url.toString();
}

/** What is wrong with the TLS of the address. The message has none of the address. */
function tlsProblem(dsn: string): string | undefined {
  try {
    tlsOf(dsn);
    return undefined;
  } catch (error) {
    return `POSTGRES_DSN: ${reasonOf(error)}`;
  }
}

/** Contradictions between variables; each returns its problem, with what to do. */
const CONTRADICTIONS: readonly ((settings: Settings) => string | false | undefined | '')[] = [
  (set) => set.POSTGRES_DSN && tlsProblem(set.POSTGRES_DSN),
  ({ CURRENCY }) =>
    !currencyFacts(CURRENCY.toLowerCase()) &&
    `CURRENCY: Stripe does not charge in ${CURRENCY.toUpperCase()}; it must be one of https://docs.stripe.com/currencies.`,
  (set) => set.REDIS_USERNAME && !set.REDIS_PASSWORD && 'REDIS_PASSWORD: must be set when REDIS_USERNAME is.',
  (set) =>
    set.KAFKA_SASL_MECHANISM &&
    !(set.KAFKA_USERNAME && set.KAFKA_PASSWORD) &&
    'KAFKA_USERNAME and KAFKA_PASSWORD: must be set when KAFKA_SASL_MECHANISM is.',
  (set) =>
    set.KAFKA_PASSWORD &&
    !set.KAFKA_SASL_MECHANISM &&
    'KAFKA_SASL_MECHANISM: must be set when KAFKA_PASSWORD is; without it there is no login.',
  (set) =>
    set.KAFKA_TLS_CA_FILE &&
    !set.KAFKA_TLS &&
    'KAFKA_TLS: must be true when KAFKA_TLS_CA_FILE is set; without it nothing is encrypted.',
  (set) =>
    set.OIDC_ISSUER &&
    !set.TICKET_CLIENT_SECRET &&
    'TICKET_CLIENT_SECRET: must be set when OIDC_ISSUER is; it is the secret of TICKET_CLIENT_ID there.',
  (set) =>
    set.OIDC_ISSUER &&
    !set.KEYCLOAK_URL &&
    !set.OIDC_ISSUER.includes('/realms/') &&
    'KEYCLOAK_URL: must be set, because OIDC_ISSUER does not have the form {KEYCLOAK_URL}/realms/{KEYCLOAK_REALM}.',
  (set) =>
    set.STRIPE_SECRET_KEY &&
    !set.STRIPE_WEBHOOK_SECRET &&
    'STRIPE_WEBHOOK_SECRET: must be set when STRIPE_SECRET_KEY is; Stripe shows it beside the webhook endpoint.',
  (set) => {
    const [secret, publishable] = [modeOfKey(set.STRIPE_SECRET_KEY), modeOfKey(set.STRIPE_PUBLISHABLE_KEY)];
    if (!secret || !publishable || secret === publishable) return undefined;
    return `STRIPE_PUBLISHABLE_KEY: is a ${publishable} key, and STRIPE_SECRET_KEY a ${secret} one; no buyer could pay.`;
  },
  (set) =>
    set.STRIPE_API_BASE &&
    !set.STRIPE_SECRET_KEY &&
    'STRIPE_SECRET_KEY: must be set when STRIPE_API_BASE is; without it the embedded Stripe is used.',
  (set) =>
    set.NODE_ENV === 'production' &&
    !set.QR_SECRET_KEY &&
    set.ALLOW_EMBEDDED.length === 0 &&
    'QR_SECRET_KEY: must be set in production, to the same value for every replica.',
  (set) => {
    const reading = set.EVENT_QUERY_SERVICE_URL ?? set.SEAT_SERVICE_URL;
    if ((set.EVENT_SEATING_SERVICE_URL === undefined) === (reading === undefined)) return undefined;
    return 'EVENT_SEATING_SERVICE_URL and EVENT_QUERY_SERVICE_URL: set both or neither; they answer about the same seats.';
  },
  (set) => {
    const unset = [...embeddedParts(set).map(nameOfPart), ...(set.QR_SECRET_KEY ? [] : ['QR_SECRET_KEY'])];
    if (set.WEB_CONCURRENCY === 1 || unset.length === 0) return undefined;
    return `WEB_CONCURRENCY: workers share only servers, and each worker would have its own stand-in. Set ${unset.join(', ')}, or WEB_CONCURRENCY=1.`;
  },
  (set) => {
    const refused = embeddedParts(set).filter(({ allowedAs }) => !allowedAs || !set.ALLOW_EMBEDDED.includes(allowedAs));
    if (set.NODE_ENV !== 'production' || refused.length === 0) return undefined;
    const names = embeddedParts(set).flatMap(({ allowedAs }) => allowedAs ?? []);
    const orAllow = refused.some(({ allowedAs }) => allowedAs) ? `, or ALLOW_EMBEDDED=${names.join()}` : '';
    return `NODE_ENV=production: refuses stand-ins. Set ${refused.map(nameOfPart).join(', ')}${orAllow}.`;
  },
  (set) => {
    const published = publishedSecrets(set);
    if (set.NODE_ENV !== 'production' || published.length === 0) return undefined;
    return `${published.join(', ')}: published in this repository, so anybody knows it. Production needs a secret of your own.`;
  },
];

function contradictions(settings: Settings): string[] {
  return CONTRADICTIONS.flatMap((problemOf) => problemOf(settings) || []);
}

function nameOfPart({ name, variable }: EmbeddedPart): string {
  return `${variable} (${name})`;
}

/** https://docs.stripe.com/keys */
function modeOfKey(key: string | undefined): string | undefined {
  return /^[srp]k_(live|test)_/.exec(key ?? '')?.[1];
}

export interface EmbeddedPart {
  readonly name: string;
  readonly variable: Name;
  /** Its name in ALLOW_EMBEDDED; undefined: production never uses it. */
  readonly allowedAs?: Settings['ALLOW_EMBEDDED'][number];
}

const PARTS: readonly EmbeddedPart[] = [
  { name: 'PostgreSQL', variable: 'POSTGRES_DSN', allowedAs: 'postgres' },
  { name: 'Identity', variable: 'OIDC_ISSUER' },
  { name: 'Venue', variable: 'EVENT_SEATING_SERVICE_URL', allowedAs: 'venue' },
  { name: 'Stripe', variable: 'STRIPE_SECRET_KEY', allowedAs: 'stripe' },
  { name: 'Redis', variable: 'REDIS_ADDR', allowedAs: 'redis' },
  { name: 'Kafka', variable: 'KAFKA_ADDR', allowedAs: 'kafka' },
];

/** The servers whose stand-ins answer on the service's own port. */
const SERVED: readonly Name[] = ['OIDC_ISSUER', 'EVENT_SEATING_SERVICE_URL', 'STRIPE_SECRET_KEY'];
const LOOPBACK = '127.0.0.1';

/** The stand-ins: servers that no variable names (contract section 11). */
export function embeddedParts(settings: Settings): EmbeddedPart[] {
  return PARTS.filter(({ variable }) => !settings[variable]);
}

/** The real servers: those that a variable names. */
export function realParts(settings: Settings): EmbeddedPart[] {
  return PARTS.filter(({ variable }) => settings[variable]);
}

/** The variables whose secret is published in this repository. */
export function publishedSecrets(settings: Settings): string[] {
  return Object.keys(VARIABLES).filter((name) => isSecret(name) && isPublished(settings[name as Name]));
}

/** The variables for files of secrets; each secret has one. */
export function secretFileVariables(): string[] {
  return Object.keys(VARIABLES).filter(isSecret).map(fileVariableOf);
}

function isSecret(name: string): boolean {
  const { secret = false } = VARIABLES[name as Name] as Variable<unknown>;
  return secret;
}

/** One row for each variable, for `--help` and docs/configuration.md. */
export function describeVariables(): { name: string; fallback: string; allowed: string; meaning: string }[] {
  return Object.entries<Variable<unknown>>(VARIABLES).map(([name, { fallback = '', allowed, meaning }]) => {
    return { name, fallback, allowed, meaning };
  });
}

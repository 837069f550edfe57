import type { Reader } from './config.readers.ts';
import { fileVariableOf, secretFromFile } from './config.secrets.ts';
import { VARIABLES, type Variable } from './config.variables.ts';
import { MS_PER_MINUTE } from './kernel/clock.ts';
import { Currency } from './kernel/money.ts';
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
  const settings = Object.fromEntries(
    Object.entries(VARIABLES).map(([name, spec]) => [name, readOne(name, spec, environment, problems)]),
  ) as unknown as Settings;
  if (problems.length === 0) problems.push(...contradictions(settings));
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    ...settings,
    currency: new Currency(settings.CURRENCY),
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

/** Contradictions between variables; each returns its problem, with what to do. */
const CONTRADICTIONS: readonly ((settings: Settings) => string | false | undefined | '')[] = [
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
    !set.ALLOW_EMBEDDED &&
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
    const embedded = embeddedParts(set);
    if (set.NODE_ENV !== 'production' || embedded.length === 0 || set.ALLOW_EMBEDDED) return undefined;
    return `NODE_ENV=production: refuses stand-ins. Set ${embedded.map(nameOfPart).join(', ')}, or ALLOW_EMBEDDED=true.`;
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
}

const PARTS: readonly EmbeddedPart[] = [
  { name: 'PostgreSQL', variable: 'POSTGRES_DSN' },
  { name: 'Identity', variable: 'OIDC_ISSUER' },
  { name: 'Venue', variable: 'EVENT_SEATING_SERVICE_URL' },
  { name: 'Stripe', variable: 'STRIPE_SECRET_KEY' },
  { name: 'Redis', variable: 'REDIS_ADDR' },
  { name: 'Kafka', variable: 'KAFKA_ADDR' },
];

/** The stand-ins: servers that no variable names (contract section 11). */
export function embeddedParts(settings: Settings): EmbeddedPart[] {
  return PARTS.filter(({ variable }) => !settings[variable]);
}

/** The real servers: those that a variable names. */
export function realParts(settings: Settings): EmbeddedPart[] {
  return PARTS.filter(({ variable }) => settings[variable]);
}

/** The variables for files of secrets; each secret has one. */
export function secretFileVariables(): string[] {
  return Object.entries<Variable<unknown>>(VARIABLES)
    .filter(([, { secret: isSecret }]) => isSecret)
    .map(([name]) => fileVariableOf(name));
}

/** One row for each variable, for `--help` and docs/configuration.md. */
export function describeVariables(): { name: string; fallback: string; allowed: string; meaning: string }[] {
  return Object.entries<Variable<unknown>>(VARIABLES).map(([name, { fallback = '', allowed, meaning }]) => {
    return { name, fallback, allowed, meaning };
  });
}

import type { Logger } from 'pino';
import { type Config, embeddedParts, publishedSecrets } from '../config.ts';
import { ANY } from '../platform/oidc/access-token.ts';

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost']);

/** Logs a warning for each weakness that the configuration has and the start allows, with what to do about it. */
export function logWarnings(log: Logger, config: Config): void {
  for (const warning of warningsOf(config)) log.warn(warning);
}

/** What an attacker could use in this configuration. It names variables and never their values. */
export function warningsOf(config: Config): string[] {
  const published = publishedSecrets(config);
  const isOpen = !LOOPBACK.has(config.listenHost);
  const always = [
    config.OIDC_CLIENTS.includes(ANY) &&
      'OIDC_CLIENTS=*: access tokens of every client of the issuer are accepted; name the clients of the platform',
    config.OIDC_AUDIENCE?.includes(ANY) &&
      'OIDC_AUDIENCE=*: access tokens for every audience are accepted; name the one of this service',
    published.length > 0 &&
      `${published.join(', ')}: published in this repository, so anybody knows it; use it only where no stranger can connect`,
    config.OIDC_ISSUER === undefined &&
      isOpen &&
      'HOST: other machines can reach the stand-in for identity, whose users and password anybody knows; set HOST=127.0.0.1, or OIDC_ISSUER to a real issuer',
  ];
  // Clear text and missing passwords are usual on a developer's machine.
  const warnings = config.NODE_ENV === 'production' ? [...always, ...productionWarnings(config)] : always;
  return warnings.flatMap((warning) => warning || []);
}

function productionWarnings(config: Config) {
  const standIns = embeddedParts(config).map(({ name }) => name);
  return [
    (config.KEYCLOAK_URL ?? config.OIDC_ISSUER)?.startsWith('http://') &&
      'OIDC_ISSUER, KEYCLOAK_URL: the keys of tokens are fetched in clear text, so anybody on the way can sign in as any user; use https',
    config.STRIPE_API_BASE?.startsWith('http://') &&
      'STRIPE_API_BASE: STRIPE_SECRET_KEY is sent there in clear text; use https',
    config.KAFKA_ADDR &&
      !(config.KAFKA_TLS && config.KAFKA_SASL_MECHANISM) &&
      'KAFKA_TLS, KAFKA_SASL_MECHANISM: Kafka is used without TLS or without a login, and a message on TOPIC_PAYMENT_SUCCEEDED completes an order; set both, and allow only the payment system to write there',
    config.REDIS_ADDR &&
      !config.REDIS_PASSWORD &&
      'REDIS_PASSWORD: Redis is used without a password, and it has the token with which this service calls others; set one',
    standIns.length > 0 &&
      `ALLOW_EMBEDDED: production uses the stand-ins for ${standIns.join(', ')}, which keep what they know in this process or on its disk`,
  ];
}

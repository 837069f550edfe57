import type { Logger } from 'pino';
import { type Config, embeddedParts, publishedSecrets } from '../config.ts';
import { ANY } from '../platform/oidc/access-token.ts';

/** Logs a warning for each weakness that the configuration has and the start allows, with what to do about it. */
export function logWarnings(log: Logger, config: Config): void {
  for (const warning of warningsOf(config)) log.warn(warning);
}

/**
 * What an attacker could use in this configuration. It names variables and never their values. Servers without encryption or
 * a login are usual on a developer's machine, so only production is warned of them.
 */
export function warningsOf(config: Config): string[] {
  const isProduction = config.NODE_ENV === 'production';
  const embedded = embeddedParts(config).map(({ name }) => name);
  const published = publishedSecrets(config);
  const isClear = (config.KEYCLOAK_URL ?? config.OIDC_ISSUER)?.startsWith('http://');
  const warnings = [
    isProduction &&
      config.OIDC_ISSUER &&
      isClear &&
      'OIDC_ISSUER, KEYCLOAK_URL: the keys of tokens are fetched in clear text, so who can change the traffic can sign in as anybody; use https://',
    config.OIDC_CLIENTS.includes(ANY) &&
      'OIDC_CLIENTS=*: access tokens of every client of the issuer are accepted; name the clients of the platform',
    config.OIDC_AUDIENCE?.includes(ANY) &&
      'OIDC_AUDIENCE=*: access tokens for every audience are accepted; name the one of this service',
    isProduction &&
      config.KAFKA_ADDR &&
      !(config.KAFKA_TLS && config.KAFKA_SASL_MECHANISM) &&
      'KAFKA_TLS, KAFKA_SASL_MECHANISM: Kafka is used without TLS or without a login, and a message on TOPIC_PAYMENT_SUCCEEDED completes an order; set both, and restrict who may write there',
    isProduction &&
      config.REDIS_ADDR &&
      !config.REDIS_PASSWORD &&
      'REDIS_PASSWORD: Redis is used without a password, and it keeps the token with which this service calls others',
    isProduction &&
      embedded.length > 0 &&
      `ALLOW_EMBEDDED: production uses the stand-ins for ${embedded.join(', ')}, which keep data in this process or on its disk`,
    published.length > 0 &&
      `${published.join(', ')}: published in this repository, so anybody knows it; use it only where no stranger can connect`,
  ];
  return warnings.flatMap((warning) => warning || []);
}

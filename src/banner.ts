import { type Config, describeVariables, embeddedParts, secretFileVariables } from './config.ts';
import { DEMO_PASSWORD, DEMO_STRIPE_KEYS, DEMO_USERS } from './embedded/demo-accounts.ts';

/** The text at a terminal when the service is up: real and embedded servers, addresses, demo users, and the next step. */
export function banner(config: Config, url: string): string {
  const embedded = embeddedParts(config);
  const isEmbedded = (variable: string) => embedded.some((part) => part.variable === variable);
  const rows = [
    ['PostgreSQL', 'POSTGRES_DSN', `data in ${config.DATA_DIR}/postgres`],
    ['Identity', 'OIDC_ISSUER', `${url}/realms/${config.KEYCLOAK_REALM}`],
    ['Venue', 'EVENT_SEATING_SERVICE_URL', `${url}/api/event-query/v1/events/trending`],
    ['Stripe', 'STRIPE_SECRET_KEY', `${url}/v1, keys ${Object.values(DEMO_STRIPE_KEYS).join(' and ')}`],
    ['Redis', 'REDIS_ADDR', 'holds in the process'],
    ['Kafka', 'KAFKA_ADDR', 'events in the process'],
  ] as const;
  const servers = rows.map(([name, variable, where]) =>
    isEmbedded(variable) ? `  ${name.padEnd(11)} embedded   ${where}` : `  ${name.padEnd(11)} real       (${variable})`,
  );
  const people = isEmbedded('OIDC_ISSUER')
    ? ['', `Sign in as ${Object.keys(DEMO_USERS).join(', ')}; the password is ${DEMO_PASSWORD}.`]
    : [];
  return [
    '',
    `ms-ticketing is up: ${url}`,
    '',
    ...servers,
    ...people,
    '',
    corsLine(config),
    '',
    `  API        ${url}/docs`,
    `  OpenAPI    ${url}/openapi.json`,
    `  Health     ${url}/api/order/health`,
    '',
    'Next: `npm run demo` in another terminal buys a ticket and takes it to the door. Ctrl-C stops the service.',
    '',
    '',
  ].join('\n');
}

function corsLine({ corsOrigins }: Config): string {
  if (corsOrigins.length > 0) return `Pages of ${corsOrigins.join(', ')} may call the API (CORS_ORIGINS).`;
  return 'No page of another origin may call the API: set CORS_ORIGINS to the origins that may.';
}

/** The output of `npm start -- --help`. */
export function help(): string {
  const rows = describeVariables().map(
    ({ name, fallback, allowed, meaning }) =>
      `  ${name}${fallback === '' ? '' : ` (${fallback})`}\n      ${meaning}. ${allowed[0]?.toUpperCase()}${allowed.slice(1)}.`,
  );
  const files = `A secret can also be in a file, whose path is in ${secretFileVariables().join(', ')}. A secret that is set directly takes precedence.`;
  return `ms-ticketing: sells seats, takes payment, issues tickets, checks people in.\n\nVariables (default):\n\n${rows.join('\n')}\n\n${files}\n`;
}

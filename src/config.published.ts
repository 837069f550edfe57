import { DEMO_PASSWORD, DEMO_STRIPE_KEYS } from './embedded/demo-accounts.ts';

/** Secrets that this repository publishes, or once did: compose.yaml, the realm of deploy/keycloak and the stand-ins. */
const PUBLISHED: ReadonlySet<string> = new Set([
  'ticketing',
  'admin',
  'demo-service-secret',
  DEMO_PASSWORD,
  ...Object.values(DEMO_STRIPE_KEYS),
]);
/** Published keys of QR codes, as the text of their 32 bytes. */
const PUBLISHED_KEYS = ['demo-key-of-deploy-compose.yaml!', '\0'.repeat(32)];

/** Whether a secret is published: the secret itself, a key in a list of keys, or the password in an address. */
export function isPublished(secret: unknown): boolean {
  if (Array.isArray(secret)) return secret.some(isPublished);
  if (typeof secret !== 'string') return false;
  const password = URL.canParse(secret) ? new URL(secret).password : secret;
  return PUBLISHED.has(password) || PUBLISHED_KEYS.includes(Buffer.from(secret, 'base64').toString('latin1'));
}

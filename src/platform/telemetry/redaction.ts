const SECRET_NAMES = [
  'password',
  'passwd',
  'passphrase',
  'secret',
  'client_secret',
  'token',
  'access_token',
  'refresh_token',
  'id_token',
  'code_verifier',
  'authorization',
  'cookie',
  'api_key',
  'apikey',
  'encrypted_qr',
  'qr_code',
  'email',
];
const SECRET: ReadonlySet<string> = new Set(SECRET_NAMES);
const NAMES = SECRET_NAMES.join('|');

/** What is cut from every text, and what is left of it. */
const CUTS: readonly (readonly [RegExp, string])[] = [
  // `postgres://user:password@host` keeps neither user nor password.
  [/\/\/[^/\s@]+@/g, '//***@'],
  // JSON Web Tokens, whole or cut short.
  [/\beyJ[\w-]{5,}(?:\.[\w-]*){0,2}/g, '***'],
  // Stripe's keys and signing secrets, and the client secrets of intents.
  [/\b(?:sk|rk|whsec)_\w+/g, '***'],
  [/_secret_\w+/g, '_secret_***'],
  [/\b(Bearer|Basic) +[\w.~+/=-]+/gi, '$1 ***'],
  // `"token": "…"`, then `password=…` and `?access_token=…`.
  [new RegExp(`((?:${NAMES})[\\\\"']*\\s*[=:]\\s*\\\\*["'])[^"']*`, 'gi'), '$1***'],
  [new RegExp(`((?:${NAMES})\\s*=\\s*)[^\\s"',;&]+`, 'gi'), '$1***'],
  // E-mail addresses.
  [/[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g, '***'],
  // A QR text: https://www.rfc-editor.org/rfc/rfc9285
  [/[0-9A-Z $%*+\-./:]{120,}/g, '***'],
  // Card numbers.
  [/\b\d(?:[ -]?\d){14,18}\b/g, '***'],
];

const MAX_DEPTH = 4;

/** A text without what nobody may read in a log: tokens, keys, passwords, QR texts, cards, e-mail addresses. */
export function redacted(text: string): string {
  let left = text;
  for (const [cut, leaves] of CUTS) left = left.replace(cut, leaves);
  return left;
}

/** The same for what stands in fields, whose names can give them away, too; what lies too deep is left out. */
export function redactedFields(fields: object): Record<string, unknown> {
  return redactedIn(fields, 0);
}

function redactedIn(fields: object, depth: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([name]) => !SECRET.has(name.toLowerCase()))
      .map(([name, value]) => [name, redactedValue(value, depth)]),
  );
}

function redactedValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redacted(value);
  // An error is described by what knows how (`log.ts`).
  if (typeof value !== 'object' || value === null || value instanceof Error) return value;
  if (depth >= MAX_DEPTH) return undefined;
  if (Array.isArray(value)) return value.map((each) => redactedValue(each, depth + 1));
  return redactedIn(value, depth + 1);
}

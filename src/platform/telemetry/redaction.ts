import { cutCardNumbers } from './card-numbers.ts';

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
const NAMES = SECRET_NAMES.join('|');
/** Matches also `clientSecret`, `set-cookie` and `QR_KEY_PASSWORD`, but not `tokens`, which is a number. */
const SECRET_FIELD = new RegExp(`(?:${SECRET_NAMES.map((name) => name.replaceAll('_', '')).join('|')})$`);

/**
 * The patterns removed from every text, and their replacements. Each pattern reads a character a limited number of times:
 * none starts with a repetition that could match at every character of a long run.
 */
const CUTS: readonly (readonly [RegExp, string])[] = [
  // User and password in `postgres://user:password@host`, also if the password contains `@`.
  [/\/\/[^/\s"'<>]+@/g, '//***@'],
  // JSON Web Tokens, also truncated ones.
  [/\beyJ[\w-]{5,}(?:\.[\w-]*){0,2}/g, '***'],
  // Stripe's keys and signing secrets, and the client secrets of intents.
  [/\b(?:sk|rk|whsec)_\w+/g, '***'],
  [/_secret_\w+/g, '_secret_***'],
  [/\b(Bearer|Basic) +[\w.~+/=-]+/gi, '$1 ***'],
  // `"token": "…"`, `password=…` and `?access_token=…`.
  [new RegExp(`((?:${NAMES})[\\\\"']*\\s*[=:]\\s*\\\\*["'])[^"']*`, 'gi'), '$1***'],
  [new RegExp(`((?:${NAMES})\\s*=\\s*)[^\\s"',;&]+`, 'gi'), '$1***'],
  // E-mail addresses.
  [/(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g, '***'],
  // A QR text: https://www.rfc-editor.org/rfc/rfc9285
  [/[0-9A-Z $%*+\-./:]{120,}/g, '***'],
  // A QR text of the earlier service, in base64url.
  [/[\w-]{120,}={0,2}/g, '***'],
];

/** Longer texts are truncated before the patterns run. */
export const MAX_TEXT_CHARS = 8_192;
/** This many more characters are searched and then dropped, because some secrets are recognised by their end: a password by its `@`. */
const MARGIN_CHARS = 1_024;

const MAX_DEPTH = 4;
const MAX_CAUSES = 4;
const MAX_ITEMS = 100;
const MAX_STACK_LINES = 8;

/** The text without tokens, keys, passwords, QR texts, card numbers and e-mail addresses. */
export function redacted(text: string): string {
  if (text.length <= MAX_TEXT_CHARS) return cutFrom(text);
  const head = cutFrom(text.slice(0, MAX_TEXT_CHARS + MARGIN_CHARS));
  const kept = head.slice(0, Math.max(0, Math.min(MAX_TEXT_CHARS, head.length - MARGIN_CHARS)));
  return `${kept}… (${text.length} characters)`;
}

function cutFrom(text: string): string {
  let left = text;
  for (const [cut, leaves] of CUTS) left = left.replace(cut, leaves);
  return cutCardNumbers(left, '***');
}

/** The fields without secrets, which are recognised by the field's name too. Too deeply nested values are left out. */
export function redactedFields(fields: object): Record<string, unknown> {
  return redactedIn(fields, 0);
}

function redactedIn(fields: object, depth: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([name]) => !SECRET_FIELD.test(name.toLowerCase().replaceAll(/[_-]/g, '')))
      .map(([name, value]) => [name, redactedValue(value, depth)]),
  );
}

function redactedValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redacted(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return describeError(value);
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  if (depth >= MAX_DEPTH) return undefined;
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((each) => redactedValue(each, depth + 1));
  return redactedIn(value, depth + 1);
}

/**
 * An error without the properties that drivers attach: PostgreSQL's `detail` contains rows, Stripe's `raw` cards and names.
 */
export function describeError(error: unknown, depth = 0): object {
  if (!(error instanceof Error)) return { name: typeof error, message: redacted(String(error)) };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return {
    name: error.name,
    message: redacted(error.message),
    ...(code === undefined ? {} : { code }),
    ...(depth === 0 && error.stack ? { stack: callsIn(error.stack) } : {}),
    ...(error.cause === undefined || depth >= MAX_CAUSES ? {} : { cause: describeError(error.cause, depth + 1) }),
  };
}

/** The stack without the message, which may have several lines. */
function callsIn(stack: string): string {
  const calls = stack.split('\n').filter((line) => /^\s+at /.test(line));
  return redacted(calls.slice(0, MAX_STACK_LINES).join('\n'));
}

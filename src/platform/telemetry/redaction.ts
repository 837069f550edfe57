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
/** `clientSecret`, `set-cookie` and `QR_KEY_PASSWORD` too, but not `tokens`, a number of them. */
const SECRET_FIELD = new RegExp(`(?:${SECRET_NAMES.map((name) => name.replaceAll('_', '')).join('|')})$`);

/**
 * What is cut from every text, and what is left of it. Each looks at a character a bounded number of times: none begins
 * with a repetition that could begin at each character of a long run.
 */
const CUTS: readonly (readonly [RegExp, string])[] = [
  // `postgres://user:password@host` keeps neither user nor password, also where that has an `@` in it.
  [/\/\/[^/\s"'<>]+@/g, '//***@'],
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
  [/(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g, '***'],
  // A QR text: https://www.rfc-editor.org/rfc/rfc9285
  [/[0-9A-Z $%*+\-./:]{120,}/g, '***'],
  // One that the earlier service sold, in base64url.
  [/[\w-]{120,}={0,2}/g, '***'],
];

/** More of a text than this is in no line: the patterns are not even shown it. */
export const MAX_TEXT_CHARS = 8_192;
/** Read beyond it and thrown away, so that nothing stays of what is only known by its end: a password before its `@`. */
const MARGIN_CHARS = 1_024;

const MAX_DEPTH = 4;
const MAX_CAUSES = 4;
const MAX_ITEMS = 100;
const MAX_STACK_LINES = 8;

/** A text without what nobody may read in a log: tokens, keys, passwords, QR texts, cards, e-mail addresses. */
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

/** The same for what stands in fields, whose names can give them away, too; what lies too deep is left out. */
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

interface DescribedError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: DescribedError;
}

/**
 * An error without what drivers hang on it: PostgreSQL's `detail` quotes rows, Stripe's `raw` quotes cards and names.
 */
export function describeError(error: unknown, depth = 0): DescribedError {
  if (!(error instanceof Error)) return { name: typeof error, message: redacted(String(error)) };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return {
    name: error.name,
    message: redacted(error.message),
    ...(code === undefined ? {} : { code }),
    ...(depth === 0 && error.stack ? { stack: callsIn(error.stack) } : {}),
    ...(error.cause === undefined || depth >= MAX_CAUSES
      ? {}
      : { cause: describeError(error.cause, depth + 1) }),
  };
}

/** The calls alone: a message of several lines stands before them. */
function callsIn(stack: string): string {
  const calls = stack.split('\n').filter((line) => /^\s+at /.test(line));
  return redacted(calls.slice(0, MAX_STACK_LINES).join('\n'));
}

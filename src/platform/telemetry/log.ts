import { type DestinationStream, type Logger, pino } from 'pino';

const MAX_CAUSES = 4;
const MAX_STACK_LINES = 8;

/** JSON lines on `stream`. Nobody passes bodies, headers or tokens to it; what still might hold one is cut. `traceIds` go into each line. */
export function createLog(level: string, stream: DestinationStream, traceIds?: () => object): Logger {
  return pino(
    {
      level,
      base: { service: 'ms-ticketing' },
      redact: {
        paths: ['authorization', '*.authorization', '*.token', '*.secret', '*.password'],
        remove: true,
      },
      serializers: { err: describeError },
      ...(traceIds ? { mixin: traceIds } : {}),
    },
    stream,
  );
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
function describeError(error: unknown, depth = 0): DescribedError {
  if (!(error instanceof Error)) return { name: typeof error, message: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return {
    name: error.name,
    message: withoutCredentials(error.message),
    ...(code === undefined ? {} : { code }),
    ...(depth === 0 && error.stack
      ? { stack: error.stack.split('\n').slice(1, MAX_STACK_LINES).join('\n') }
      : {}),
    ...(error.cause === undefined || depth >= MAX_CAUSES
      ? {}
      : { cause: describeError(error.cause, depth + 1) }),
  };
}

/** `postgres://user:password@host` keeps neither user nor password; a JWT or a Stripe key keeps nothing. */
function withoutCredentials(message: string): string {
  return message
    .replaceAll(/\/\/[^/\s@]+@/g, '//***@')
    .replaceAll(/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, '***')
    .replaceAll(/\b(sk|rk|whsec)_\w+/g, '***');
}

import { type DestinationStream, type Logger, pino } from 'pino';
import { redacted, redactedFields } from './redaction.ts';

const MAX_CAUSES = 4;
const MAX_STACK_LINES = 8;

/**
 * JSON lines on `stream`. Nobody passes bodies, headers or tokens to it; what still might hold one is cut from every
 * field and every message. `traceIds` go into each line.
 */
export function createLog(level: string, stream: DestinationStream, traceIds?: () => object): Logger {
  return pino(
    {
      level,
      base: { service: 'ms-ticketing' },
      serializers: { err: describeError },
      formatters: { log: redactedFields },
      hooks: {
        logMethod(values, log) {
          const cut = values.map((value) => (typeof value === 'string' ? redacted(value) : value));
          log.apply(this, cut as typeof values);
        },
      },
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

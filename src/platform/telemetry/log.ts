import { type DestinationStream, type Logger, pino } from 'pino';
import { isOutput, type Output } from './output.ts';
import { describeError, redacted, redactedFields } from './redaction.ts';

/**
 * JSON lines on `stream`. Nobody passes bodies, headers or tokens to it; what still might hold one is cut from every
 * field and every message. `traceIds` go into each line. When the stream goes on after it dropped lines, a line says how many.
 */
export function createLog(
  level: string,
  stream: DestinationStream | Output,
  traceIds?: () => object,
): Logger {
  const log = pino(
    {
      level,
      base: { service: 'ms-ticketing' },
      serializers: { err: asDescribed },
      formatters: { log: redactedFields },
      hooks: {
        logMethod(values, log) {
          const cut = withWords(values).map((value) => (typeof value === 'string' ? redacted(value) : value));
          log.apply(this, cut as typeof values);
        },
      },
      ...(traceIds ? { mixin: traceIds } : {}),
    },
    stream,
  );
  if (isOutput(stream)) {
    stream.onResume((dropped) => log.warn({ dropped }, 'log lines were dropped, because nobody read them'));
  }
  return log;
}

/** Errors come here described already, wherever in a line they stand. */
function asDescribed(error: unknown): unknown {
  return error instanceof Error ? describeError(error) : error;
}

/** A line with an error and no words of its own would have the error's put in, as they are. */
function withWords(values: readonly unknown[]): readonly unknown[] {
  const [fields, words, ...others] = values;
  if (fields instanceof Error) return [{ err: fields }, words ?? fields.message, ...others];
  const isWordless = words === undefined && typeof fields === 'object' && fields !== null && 'err' in fields;
  return isWordless && fields.err instanceof Error ? [fields, fields.err.message] : values;
}

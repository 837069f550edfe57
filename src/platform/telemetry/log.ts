import { type DestinationStream, type Logger, pino } from 'pino';
import { Output } from './output.ts';
import { describeError, redacted, redactedFields } from './redaction.ts';

/**
 * A log of JSON lines on `stream`. Bodies, headers and tokens are never passed to it; as a second safeguard, secrets are
 * removed from every field and message. `traceIds` are added to each line. When the stream continues after dropping lines,
 * a line has their number.
 */
export function createLog(level: string, stream: DestinationStream | Output, traceIds?: () => object): Logger {
  const log = pino(
    {
      level,
      base: { service: 'ms-ticketing' },
      serializers: { err: asDescribed },
      formatters: { log: redactedFields },
      hooks: {
        logMethod(values, log) {
          const cut = withMessage(values).map((value) => (typeof value === 'string' ? redacted(value) : value));
          log.apply(this, cut as typeof values);
        },
      },
      ...(traceIds ? { mixin: traceIds } : {}),
    },
    stream,
  );
  if (stream instanceof Output) {
    stream.onResume((dropped) => log.warn({ dropped }, 'log lines were dropped, because standard output was not read'));
  }
  return log;
}

/** The formatter has converted errors in fields already; only an `err` that is still an Error is converted here. */
function asDescribed(error: unknown): unknown {
  return error instanceof Error ? describeError(error) : error;
}

/** Gives a line without a message the error's message, because pino would add it without redaction. */
function withMessage(values: readonly unknown[]): readonly unknown[] {
  const [fields, message, ...others] = values;
  if (fields instanceof Error) return [{ err: fields }, message ?? fields.message, ...others];
  const hasNoMessage = message === undefined && typeof fields === 'object' && fields !== null && 'err' in fields;
  return hasNoMessage && fields.err instanceof Error ? [fields, fields.err.message] : values;
}

import type { FastifyRequest } from 'fastify';
import { MS_PER_MINUTE } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { knownPrincipalOf } from './authentication.ts';
import { LineLimit } from './line-limit.ts';
import type { HttpServer } from './server.ts';

const SERVER_FAULT = 500;
/** Lines a minute about failures with the same error on the same route; the metrics count all of them. */
const MAX_LINES = 10;
/** The levels at which a request that did not fail has a line. */
const DETAILED: ReadonlySet<string> = new Set(['debug', 'trace']);
/** Names of fields in paths, queries and bodies whose ids are logged. */
const SUBJECT = /^(?:order|ticket|event|session|organization|payment|intent|refund)_?id$/i;
/** Our ids are UUIDs and Stripe's ids have a prefix. Other values are not logged, because they could be confidential. */
const ID = /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?:pi|re|evt|ch)_\w{1,64})$/i;

export type RequestLog = ReturnType<typeof logRequests>;

/**
 * Writes one log line for each request when its answer has ended: at `error` when it failed on our side, otherwise at
 * `debug`. Of failures of the same kind most are counted only. The line has the id of the caller and the ids in the request, but no address, query, header or body.
 */
export function logRequests(app: HttpServer) {
  const errors = new WeakMap<FastifyRequest, Error>();
  const quiet = new WeakSet<FastifyRequest>();
  const aborted = new WeakSet<FastifyRequest>();
  const limit = new LineLimit(MAX_LINES, MS_PER_MINUTE);

  function logFailure(request: FastifyRequest, error: Error | undefined, line: object, message: string): void {
    const code = error instanceof AppError ? error.code : 'internal';
    const omitted = limit.pass(`${request.routeOptions.url} ${code}`, performance.now());
    if (omitted !== undefined) request.log.error({ ...line, ...(omitted > 0 ? { omitted } : {}) }, message);
  }

  app.addHook('onRequest', (request, reply, done) => {
    // Unlike Fastify's `onResponse`, this event is also emitted when the client has disconnected.
    reply.raw.once('close', () => {
      const isAborted = !reply.raw.writableFinished;
      if (isAborted) aborted.add(request);
      const isFailure =
        reply.statusCode >= SERVER_FAULT && !quiet.has(request) && !request.routeOptions.config.whileStopping;
      // At most log levels, nearly every request returns here without building its line.
      if (!isFailure && !DETAILED.has(request.log.level)) return;
      const error = errors.get(request);
      const line = {
        ...describe(request),
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
        ...(isAborted ? { aborted: true } : {}),
        ...(error ? { err: error } : {}),
      };
      if (isFailure) logFailure(request, error, line, 'request failed');
      else request.log.debug(line, 'request');
    });
    done();
  });

  return {
    /** Adds the error of a failed request to the request's log line. */
    failed(request: FastifyRequest, error: Error) {
      errors.set(request, error);
      // The line was written when the client disconnected, before the work failed.
      if (!aborted.has(request)) return;
      const line = { ...describe(request), err: error };
      logFailure(request, error, line, 'request failed after its client had disconnected');
    },
    /** Logs the request at `debug` although it fails, because a metric counts shed requests. */
    shed: (request: FastifyRequest) => void quiet.add(request),
  };
}

function describe(request: FastifyRequest): Record<string, unknown> {
  return {
    method: request.method,
    route: request.routeOptions.url ?? 'none',
    userId: knownPrincipalOf(request)?.userId,
    ...subjectsIn(request.body),
    ...subjectsIn(request.query),
    ...subjectsIn(request.params),
  };
}

function subjectsIn(fields: unknown): Record<string, string> {
  if (typeof fields !== 'object' || fields === null) return {};
  const found = Object.entries(fields).flatMap(([name, value]): [string, string][] =>
    SUBJECT.test(name) && typeof value === 'string' && ID.test(value) ? [[inCamelCase(name), value]] : [],
  );
  return Object.fromEntries(found);
}

/** The name in the log: `orderId` for `order_id`, `eventId` for `eventID`. */
function inCamelCase(name: string): string {
  return `${name.replace(/_?id$/i, '')}Id`;
}

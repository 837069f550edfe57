import type { FastifyRequest } from 'fastify';
import { knownPrincipalOf } from './authentication.ts';
import type { HttpServer } from './server.ts';

const SERVER_FAULT = 500;
/** The levels at which a request that did not fail has a line. */
const DETAILED: ReadonlySet<string> = new Set(['debug', 'trace']);
/** What a request may be about, by the names that paths, queries and bodies have for it. */
const SUBJECT = /^(?:order|ticket|event|session|organization|payment|intent|refund)_?id$/i;
/** Ours are UUIDs, Stripe's begin with what they are of; anything else might be something that no log should have. */
const ID = /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?:pi|re|evt|ch)_\w{1,64})$/i;

export interface RequestLog {
  /** What a request fails for; it stands in the request's line. */
  failed(request: FastifyRequest, error: Error): void;
  /** The request's line is one at `debug`, although it fails: a metric counts those. */
  shed(request: FastifyRequest): void;
}

/**
 * A line for each request when its answer has ended: at `error` when it failed on our side, else at `debug`. It has
 * the ids of the caller and of what the request names, and no address, query, header or body.
 */
export function logRequests(app: HttpServer): RequestLog {
  const errors = new WeakMap<FastifyRequest, Error>();
  const quiet = new WeakSet<FastifyRequest>();
  const aborted = new WeakSet<FastifyRequest>();

  app.addHook('onRequest', (request, reply, done) => {
    // Unlike Fastify's own, this event also comes for an answer whose client has gone.
    reply.raw.once('close', () => {
      const isAborted = !reply.raw.writableFinished;
      if (isAborted) aborted.add(request);
      const isFailure =
        reply.statusCode >= SERVER_FAULT && !quiet.has(request) && !request.routeOptions.config.whileStopping;
      // At most levels this is the end of nearly every request: a line that is not written is not put together.
      if (!isFailure && !DETAILED.has(request.log.level)) return;
      const error = errors.get(request);
      const line = {
        ...describe(request),
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
        ...(isAborted ? { aborted: true } : {}),
        ...(error ? { err: error } : {}),
      };
      if (isFailure) request.log.error(line, 'request failed');
      else request.log.debug(line, 'request');
    });
    done();
  });

  return {
    failed(request, error) {
      errors.set(request, error);
      // The client has gone, and the line with it; the work failed all the same.
      if (aborted.has(request))
        request.log.error({ ...describe(request), err: error }, 'request failed after its client had gone');
    },
    shed: (request) => void quiet.add(request),
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

/** One name for each in the log: `orderId`, also where the field is `order_id` or `eventID`. */
function inCamelCase(name: string): string {
  return `${name.replace(/_?id$/i, '')}Id`;
}

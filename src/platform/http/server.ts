import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
  type RawServerDefault,
} from 'fastify';
import { AppError, type ErrorCode, type Errors } from '../../kernel/errors.ts';
import { platformErrors } from '../errors.ts';
import { Addresses } from './addresses.ts';
import { isPreflight } from './cors.ts';
import { takeJsonBodies } from './json-bodies.ts';
import { handleWith } from './listener.ts';
import { problemHeaders, toProblem } from './problem.ts';
import { logRequests, type RequestLog } from './request-log.ts';
import { bodyMissing, compileValidator, toInvalidRequest } from './validation.ts';

/** Limit of a request body, unless its route has its own. */
export const MAX_BODY_BYTES = 65_536;
const MAX_PARAM_CHARS = 200;
const SERVER_FAULT = 500;

declare module 'fastify' {
  interface FastifyInstance {
    readonly errors: Errors;
    /** Sets what answers at addresses without a route; when it returns false, the answer is a problem document. */
    readonly onNothing: (answer: AnswerNothing) => void;
  }
}

export type HttpServer = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** Answers a request at an address without a route, and returns true; false leaves it to the next answer. */
export type AnswerNothing = (request: FastifyRequest, reply: FastifyReply) => boolean;

/** Answers a plain Node.js request that must not reach the routes, and returns true; false leaves it to the routes. */
export type Shed = (request: IncomingMessage, response: ServerResponse) => boolean;

/**
 * The HTTP server as production runs it: no coercion of bodies, every error as a problem document, one log line for each
 * request (see `logRequests`). `server` is bound already; `open` makes it answer. `onProblem` is called with the code of
 * each error that is answered.
 */
export function createHttpServer(options: {
  readonly server: Server;
  readonly log: FastifyBaseLogger;
  readonly requestId: () => string;
  readonly errors: Errors;
  readonly onProblem: (code: ErrorCode) => void;
}): {
  readonly app: HttpServer;
  /** Starts to answer requests; `shed` sees each request before the routes do. */
  readonly open: (shed?: Shed) => void;
} {
  let handle: RequestListener | undefined;
  const answer = answerWith(options.errors, options.onProblem);
  let requestLog: RequestLog | undefined;
  const answerError = (error: FastifyError | Error, request: FastifyRequest, reply: FastifyReply) => {
    const known = toAppError(error, request);
    // An overload refuses thousands of requests: a log line for each would cost more than the refusal.
    if (known.code === 'overloaded') requestLog?.shed(request);
    else if (options.errors[known.code].status >= SERVER_FAULT)
      requestLog?.failed(request, known.code === 'internal' ? error : known);
    answer(reply, known);
  };
  const answerFailure: typeof answerError = (error, request, reply) => {
    // An address without a route gets 404, whatever else is wrong with the request.
    const isNowhere = request.is404 && !(error instanceof AppError);
    answerError(isNowhere ? nothingAt(request) : error, request, reply);
  };
  const app = Fastify({
    serverFactory: (handler) => {
      handle = handler;
      return options.server;
    },
    loggerInstance: options.log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: options.requestId,
    requestIdHeader: false,
    bodyLimit: MAX_BODY_BYTES,
    // A request with an unreadable address has no route, so it gets its own error and not a 404.
    frameworkErrors: answerError,
    // The listener answers requests that cannot be parsed, also before the routes are there.
    clientErrorHandler: () => undefined,
    routerOptions: { maxParamLength: MAX_PARAM_CHARS, ignoreTrailingSlash: true },
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.decorate('errors', options.errors);
  takeJsonBodies(app);
  app.setValidatorCompiler(compileValidator);
  app.setErrorHandler(answerFailure);
  // Hooks of every request use a callback, because a promise would cost more than the hook itself.
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done();
  });
  requestLog = logRequests(app);
  const refusalOfMethod = refuseOtherMethods(app);
  let answerNothing: AnswerNothing = () => false;
  app.decorate('onNothing', (chosen) => {
    answerNothing = chosen;
  });
  app.setNotFoundHandler((request, reply) => {
    const refusal = refusalOfMethod(request);
    if (refusal || !answerNothing(request, reply)) answer(reply, refusal ?? nothingAt(request));
  });
  return {
    app,
    // A request that arrived before the routes are ready would end the process.
    open(shed = () => false) {
      const routes = handle;
      if (!routes) return;
      handleWith(options.server, (request, response) => {
        if (!shed(request, response)) routes(request, response);
      });
    },
  };
}

/**
 * Answers 405 when an address has other methods only, before anything else is checked. The router alone would read
 * `PUT /api/order/ticket` as an order with the id `ticket`. Returns the function that finds this error for a request.
 */
function refuseOtherMethods(app: HttpServer): (request: FastifyRequest) => AppError | undefined {
  const addresses = new Addresses();
  const refusalOf = (request: FastifyRequest): AppError | undefined => {
    const methods = addresses.methodsOf(pathOf(request));
    if (!methods || methods.has(request.method)) return undefined;
    const allowed = [...methods].toSorted();
    const detail = `${pathOf(request)} takes ${allowed.join(', ')}, not ${request.method}.`;
    return new AppError('method_not_allowed', detail, { allowed });
  };
  app.addHook('onRoute', ({ method, url }) => addresses.add(url, [method].flat()));
  app.addHook('onRequest', (request, _reply, done) => {
    const refusal = refusalOf(request);
    // Preflights are answered by later hooks; one without an answer gets its error from the 404 handler.
    const isForLaterHook = refusal && (isPreflight(request) || request.routeOptions.url?.includes('*'));
    done(isForLaterHook ? undefined : refusal);
  });
  return refusalOf;
}

function nothingAt(request: FastifyRequest): AppError {
  return new AppError('not_found', `There is nothing at ${pathOf(request)}.`);
}

/** The requested path without its query, which may contain confidential values. */
export function pathOf({ url = '' }: Pick<IncomingMessage, 'url'>): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

function answerWith(errors: Errors, onProblem: (code: ErrorCode) => void) {
  return (reply: FastifyReply, error: AppError): void => {
    onProblem(error.code);
    const facts = errors[error.code];
    reply
      .code(facts.status)
      .headers(problemHeaders(error, facts))
      .serializer((payload: unknown) => JSON.stringify(payload))
      .send(toProblem(error, facts));
  };
}

function toAppError(error: FastifyError | Error, request: FastifyRequest): AppError {
  if (error instanceof AppError) return error;
  if ('validation' in error && error.validation) {
    const part = error.validationContext ?? 'body';
    return part === 'body' && request.body === undefined ? bodyMissing() : toInvalidRequest(error.validation, part);
  }
  const status = 'statusCode' in error ? (error.statusCode ?? SERVER_FAULT) : SERVER_FAULT;
  if (status === platformErrors.body_too_large.status) {
    const maxBytes = request.routeOptions.bodyLimit ?? MAX_BODY_BYTES;
    return new AppError('body_too_large', `The body is larger than ${maxBytes} bytes.`);
  }
  if (status === platformErrors.unsupported_media_type.status) {
    return new AppError('unsupported_media_type', 'Send the body as application/json.');
  }
  // Other statuses below 500 come from the framework's own checks, whose messages contain no internals.
  if (status < SERVER_FAULT) return new AppError('invalid_request', error.message);
  return new AppError('internal', 'Something went wrong on our side. Try again; if it stays, tell us the time.');
}

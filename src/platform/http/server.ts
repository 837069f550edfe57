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
import { createAddresses } from './addresses.ts';
import { isPreflight } from './cors.ts';
import { takeJsonBodies } from './json-bodies.ts';
import { handleWith } from './listener.ts';
import { problemHeaders, toProblem } from './problem.ts';
import { logRequests, type RequestLog } from './request-log.ts';
import { bodyMissing, compileValidator, toInvalidRequest } from './validation.ts';

/** Of a request, where its route says nothing else. */
export const MAX_BODY_BYTES = 65_536;
const MAX_PARAM_CHARS = 200;
const SERVER_FAULT = 500;

declare module 'fastify' {
  interface FastifyInstance {
    /** What each error code means. */
    readonly errors: Errors;
  }
}

export type HttpServer = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** Answers a request itself, as a plain one of Node's, when it has to be refused; false leaves it to the routes. */
export type Shed = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface HttpServerOptions {
  /** Bound already; the instance takes over its requests with `open`, when it is ready. */
  readonly server: Server;
  readonly log: FastifyBaseLogger;
  readonly requestId: () => string;
  /** What each error code means. */
  readonly errors: Errors;
  /** Told of each error that is answered. */
  readonly onProblem: (code: ErrorCode) => void;
}

/**
 * The HTTP server as production runs it: bodies taken as they are (no coercion), every error as a problem document,
 * one log line for a request (see `logRequests`).
 */
export function createHttpServer(options: HttpServerOptions): {
  readonly app: HttpServer;
  /** Answers from now on; `shed` is asked first. */
  readonly open: (shed?: Shed) => void;
} {
  let handle: RequestListener | undefined;
  const answer = answerWith(options);
  let requestLog: RequestLog | undefined;
  const answerError = (error: FastifyError | Error, request: FastifyRequest, reply: FastifyReply) => {
    const known = toAppError(error, request);
    // Refused by the thousand when there are too many: a line for each would cost more than they do.
    if (known.code === 'overloaded') requestLog?.shed(request);
    else if (options.errors[known.code].status >= SERVER_FAULT)
      requestLog?.failed(request, known.code === 'internal' ? error : known);
    answer(reply, known);
  };
  const answerFailure: typeof answerError = (error, request, reply) => {
    // Where there is nothing it does not matter what the framework would have minded there.
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
    // These have no route because their address cannot be read, so that is what they are told.
    frameworkErrors: answerError,
    routerOptions: { maxParamLength: MAX_PARAM_CHARS, ignoreTrailingSlash: true },
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.decorate('errors', options.errors);
  takeJsonBodies(app);
  app.setValidatorCompiler(compileValidator);
  app.setErrorHandler(answerFailure);
  // The hooks that every request runs have a callback: a promise for each costs more than what they do.
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done();
  });
  requestLog = logRequests(app);
  const refusalOfMethod = refuseOtherMethods(app);
  app.setNotFoundHandler((request, reply) => {
    answer(reply, refusalOfMethod(request) ?? nothingAt(request));
  });
  return {
    app,
    // Only now: a request that came before the routes are there would end the process.
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
 * Answers 405 where an address takes other methods, before anything else is asked of the request. The router alone would
 * take `PUT /api/order/ticket` for an order by the id `ticket`. Gives what says so; undefined where it is no reason.
 */
function refuseOtherMethods(app: HttpServer): (request: FastifyRequest) => AppError | undefined {
  const addresses = createAddresses();
  const refusalOf = (request: FastifyRequest): AppError | undefined => {
    const address = addresses.find(pathOf(request));
    if (!address || address.methods.has(request.method)) return undefined;
    const allowed = [...address.methods].toSorted();
    const detail = `${pathOf(request)} takes ${allowed.join(', ')}, not ${request.method}.`;
    return new AppError('method_not_allowed', detail, { allowed });
  };
  app.addHook('onRoute', ({ method, url }) => addresses.add(url, [method].flat()));
  app.addHook('onRequest', (request, _reply, done) => {
    const refusal = refusalOf(request);
    // Who answers a preflight answers it in a hook of their own; one that nobody answers is refused at the end.
    const isLeft = refusal && (isPreflight(request) || request.routeOptions.url?.includes('*'));
    done(isLeft ? undefined : refusal);
  });
  return refusalOf;
}

function nothingAt(request: FastifyRequest): AppError {
  return new AppError('not_found', `There is nothing at ${pathOf(request)}.`);
}

/** The path as it was asked for, without the query string: a query may hold what no log should. */
function pathOf(request: FastifyRequest): string {
  const query = request.url.indexOf('?');
  return query === -1 ? request.url : request.url.slice(0, query);
}

function answerWith({ errors, onProblem }: Pick<HttpServerOptions, 'errors' | 'onProblem'>) {
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
    return part === 'body' && request.body === undefined
      ? bodyMissing()
      : toInvalidRequest(error.validation, part);
  }
  const status = 'statusCode' in error ? (error.statusCode ?? SERVER_FAULT) : SERVER_FAULT;
  if (status === platformErrors.body_too_large.status) {
    const maxBytes = request.routeOptions.bodyLimit ?? MAX_BODY_BYTES;
    return new AppError('body_too_large', `The body is larger than ${maxBytes} bytes.`);
  }
  if (status === platformErrors.unsupported_media_type.status) {
    return new AppError('unsupported_media_type', 'Send the body as application/json.');
  }
  // What is left below 500 comes from the framework's own checks of the request, whose words name no internals.
  if (status < SERVER_FAULT) return new AppError('invalid_request', error.message);
  return new AppError(
    'internal',
    'Something went wrong on our side. Try again; if it stays, tell us the time.',
  );
}

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
import { AppError, type ErrorCode } from '../../kernel/errors.ts';
import { takeJsonBodies } from './json-bodies.ts';
import { handleWith } from './listener.ts';
import { problemHeaders, STATUS_OF, toProblem } from './problem.ts';
import { bodyMissing, compileValidator, toInvalidRequest } from './validation.ts';

/** Of a request, where its route says nothing else. */
export const MAX_BODY_BYTES = 65_536;
const MAX_PARAM_CHARS = 200;
const SERVER_FAULT = 500;
/** Refused by the thousand when there are too many: a metric counts them, and a line for each would cost more than they do. */
const shedRequests = new WeakSet<FastifyRequest>();

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
  /** Told of each error that is answered. */
  readonly onProblem: (code: ErrorCode) => void;
}

/**
 * The HTTP server as production runs it: bodies taken as they are (no coercion), every error as a problem document,
 * one log line for a request at `debug` (at `error` when it failed on our side) without query, headers or body.
 */
export function createHttpServer(options: HttpServerOptions): {
  readonly app: HttpServer;
  /** Answers from now on; `shed` is asked first. */
  readonly open: (shed?: Shed) => void;
} {
  let handle: RequestListener | undefined;
  const answer = answerWith(options.onProblem);
  const answerError = (error: FastifyError | Error, request: FastifyRequest, reply: FastifyReply) =>
    answer(reply, explain(error, request));
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
    frameworkErrors: answerError,
    routerOptions: { maxParamLength: MAX_PARAM_CHARS, ignoreTrailingSlash: true },
  }).withTypeProvider<TypeBoxTypeProvider>();

  takeJsonBodies(app);
  app.setValidatorCompiler(compileValidator);
  app.setErrorHandler(answerError);
  const methodsAt = rememberRoutes(app);
  app.setNotFoundHandler((request, reply) => {
    const allowed = methodsAt(pathOf(request));
    if (allowed.length === 0)
      answer(reply, new AppError('not_found', `There is nothing at ${pathOf(request)}.`));
    else answer(reply, methodNotAllowed(request, allowed));
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  app.addHook('onResponse', async (request, reply) => logRequest(request, reply));
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

/** Which methods an address takes: the router itself tells only whether there is a route for one of them. */
function rememberRoutes(app: HttpServer): (path: string) => string[] {
  const known: { readonly methods: readonly string[]; readonly pattern: RegExp }[] = [];
  app.addHook('onRoute', ({ method, url }) => {
    if (url.includes('*')) return;
    const pattern = new RegExp(`^${url.replaceAll(/:[^/]+/g, '[^/]+')}/?$`);
    known.push({ methods: [method].flat(), pattern });
  });
  return (path) => [
    ...new Set(known.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods)),
  ];
}

function methodNotAllowed(request: FastifyRequest, allowed: readonly string[]): AppError {
  const detail = `${pathOf(request)} takes ${allowed.join(', ')}, not ${request.method}.`;
  return new AppError('method_not_allowed', detail, { allowed });
}

/** The path as it was asked for, without the query string: a query may hold what no log should. */
function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? '';
}

function logRequest(request: FastifyRequest, reply: FastifyReply): void {
  const line = {
    method: request.method,
    route: request.routeOptions.url ?? 'none',
    status: reply.statusCode,
    ms: Math.round(reply.elapsedTime),
  };
  if (reply.statusCode >= SERVER_FAULT && !shedRequests.has(request))
    request.log.warn(line, 'request failed');
  else request.log.debug(line, 'request');
}

/** Whatever was thrown, as one of our codes; what is our own fault is logged. */
function explain(error: FastifyError | Error, request: FastifyRequest): AppError {
  const known = toAppError(error, request);
  if (known.code === 'internal') request.log.error({ err: error }, 'unexpected error');
  else if (known.code === 'overloaded') shedRequests.add(request);
  else if (STATUS_OF[known.code] >= SERVER_FAULT) request.log.warn({ err: known.cause }, known.message);
  return known;
}

function answerWith(onProblem: HttpServerOptions['onProblem']) {
  return (reply: FastifyReply, error: AppError): void => {
    onProblem(error.code);
    reply
      .code(STATUS_OF[error.code])
      .headers(problemHeaders(error))
      .serializer((payload: unknown) => JSON.stringify(payload))
      .send(toProblem(error));
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
  if (status === STATUS_OF.body_too_large) {
    const maxBytes = request.routeOptions.bodyLimit ?? MAX_BODY_BYTES;
    return new AppError('body_too_large', `The body is larger than ${maxBytes} bytes.`);
  }
  if (status === STATUS_OF.unsupported_media_type) {
    return new AppError('unsupported_media_type', 'Send the body as application/json.');
  }
  // What is left below 500 comes from the framework's own checks of the request, whose words name no internals.
  if (status < SERVER_FAULT) return new AppError('invalid_request', error.message);
  return new AppError(
    'internal',
    'Something went wrong on our side. Try again; if it stays, tell us the time.',
  );
}

import { createServer, type RequestListener, type Server } from 'node:http';
import { withTimeLimit } from '../../kernel/time-limit.ts';
import { oneAtATime, UnreadAnswers } from './unread-answers.ts';
import { answerUnreadable } from './unreadable-requests.ts';

/** A port of this process. It is bound before anything answers on it, so that the parts built next know their address. */
export interface Listener {
  readonly server: Server;
  readonly port: number;
  /** Starts to accept connections, unless it does already. */
  listen(): Promise<void>;
  /** Accepts no more connections and closes idle ones; resolves when that is done. */
  stopAccepting(): Promise<void>;
  /** Stops accepting, waits at most `drainMs` for requests in progress, and cuts the remaining connections. */
  close(drainMs: number): Promise<void>;
}

/** Another process listens on the port. */
export class PortTaken extends Error {
  constructor(port: number) {
    super(`Port ${port} is taken by another process. Stop that one, or choose another with PORT.`);
    this.name = 'PortTaken';
  }
}

const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_MS = 72_000;
const MAX_HEADER_BYTES = 32_768;
/** Connections waiting to be accepted: a sale opens with thousands in one second. */
const BACKLOG = 4_096;
/** Maximum time for accepting the connections that are waiting when the port is to be closed. */
const TAKE_WAITING_MS = 1_000;
/** After this many event loop turns in a row without a new connection or request, none is waiting. */
const QUIET_TURNS = 20;

/** Binds `host:port` (0: a free port) and answers with `starting` until `handleWith` is called. Throws `PortTaken`. */
export async function bind(port: number, host: string, starting: RequestListener = refuse): Promise<Listener> {
  const server = newServer(starting);
  await listen(server, port, host);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return { server, port: address.port, listen: async () => undefined, ...closingOf(server) };
}

/** A listener that is bound by `listen`, which throws `PortTaken`. */
export async function bindLater(port: number, host: string): Promise<Listener> {
  const server = newServer(refuse);
  return { server, port, listen: () => listen(server, port, host), ...closingOf(server) };
}

function newServer(starting: RequestListener): Server {
  const server = createServer({
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
  });
  const unread = new UnreadAnswers(server);
  server.on('clientError', answerUnreadable);
  const handle: RequestListener = (request, response) => (handlers.get(server) ?? starting)(request, response);
  server.on('request', oneAtATime(unread, handle));
  return server;
}

const handlers = new WeakMap<Server, RequestListener>();

/** Passes all further requests to `handler`. */
export function handleWith(server: Server, handler: RequestListener): void {
  handlers.set(server, handler);
}

/** Answers requests before any handler is set. */
const refuse: RequestListener = (_request, response) => void response.writeHead(503).end();

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      fail(error.code === 'EADDRINUSE' ? new PortTaken(port) : error);
    });
    server.listen({ port, backlog: BACKLOG, ...(host === '' ? {} : { host }) }, done);
  });
}

/**
 * Accepts the connections that are waiting in the kernel and reads the requests that have arrived on others, because closing
 * the port would reset them. A turn of the event loop may accept only one connection, so this continues until several turns
 * in a row bring nothing. A connection that arrives between then and the close is still reset; only a filter before the
 * socket could prevent that.
 */
async function takeWaiting(server: Server): Promise<void> {
  let quietTurns = 0;
  const restart = () => {
    quietTurns = 0;
  };
  server.on('connection', restart);
  server.on('request', restart);
  const beganMs = performance.now();
  while (quietTurns < QUIET_TURNS && performance.now() - beganMs < TAKE_WAITING_MS) {
    quietTurns += 1;
    await new Promise((turned) => setImmediate(turned));
  }
  server.off('connection', restart);
  server.off('request', restart);
}

function closingOf(server: Server): Pick<Listener, 'stopAccepting' | 'close'> {
  const ended = Promise.withResolvers<void>();
  let stopped: Promise<void> | undefined;
  async function stop(): Promise<void> {
    if (!server.listening) return ended.resolve();
    await takeWaiting(server);
    server.close(() => ended.resolve());
    server.closeIdleConnections();
  }
  function stopAccepting(): Promise<void> {
    stopped ??= stop();
    return stopped;
  }
  return {
    stopAccepting,
    async close(drainMs) {
      await stopAccepting();
      server.closeIdleConnections();
      await withTimeLimit(drainMs, ended.promise, () => {
        server.closeAllConnections();
        return ended.promise;
      });
    },
  };
}

import { createServer, type RequestListener, type Server } from 'node:http';

/** A port that is ours, before anything answers on it: what is built next can know its own address. */
export interface Listener {
  readonly server: Server;
  readonly port: number;
  /** Takes connections from now on, where it does not yet. */
  listen(): Promise<void>;
  /** Takes no more connections and closes those that no request is on; resolves when that is so. */
  stopAccepting(): Promise<void>;
  /** The same, then lets requests under way finish for at most `drainMs` and cuts the rest. */
  close(drainMs: number): Promise<void>;
}

/** Somebody else listens there. */
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
/** Connections that wait to be taken when the port is to be closed have so long to be. */
const TAKE_WAITING_MS = 1_000;
/** Turns of the event loop in a row without a new connection or request: then none is waiting. */
const QUIET_TURNS = 20;

/** Binds `host:port` (0: a free one) and answers by `starting` until a handler takes over. Throws `PortTaken`. */
export async function bind(
  port: number,
  host: string,
  starting: RequestListener = refuse,
): Promise<Listener> {
  const server = newServer(starting);
  await listen(server, port, host);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return { server, port: address.port, listen: async () => undefined, ...closingOf(server) };
}

/** The same, but bound by `listen` alone, which throws `PortTaken`. */
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
  server.on('request', starting);
  return server;
}

/** Hands all further requests to `handler`. */
export function handleWith(server: Server, handler: RequestListener): void {
  server.removeAllListeners('request');
  server.on('request', handler);
}

/** Answers a server that was given nothing to answer with. */
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
 * Takes the connections that wait in the kernel and reads the requests that have come on others: closing resets them. Each
 * turn of the event loop may take only one, so it goes on until some turns in a row have brought neither. What comes between
 * that and the close is still reset; nothing but a filter before the socket could prevent it.
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
  let closed: Promise<void> | undefined;
  /** Resolves with a promise of the last connection's end. */
  async function stopAccepting(): Promise<{ readonly ended: Promise<void> }> {
    if (closed === undefined && server.listening) {
      const ended = Promise.withResolvers<void>();
      closed = ended.promise;
      await takeWaiting(server);
      server.close(() => ended.resolve());
      server.closeIdleConnections();
    }
    return { ended: closed ?? Promise.resolve() };
  }
  return {
    async stopAccepting() {
      await stopAccepting();
    },
    async close(drainMs) {
      const { ended } = await stopAccepting();
      const cut = setTimeout(() => server.closeAllConnections(), drainMs);
      server.closeIdleConnections();
      await ended;
      clearTimeout(cut);
    },
  };
}

import { createServer, type RequestListener, type Server } from 'node:http';
import type { Shed } from './server.ts';

/** A port that is ours, before anything answers on it: what is built next can know its own address. */
export interface Listener {
  readonly server: Server;
  readonly port: number;
  /** Takes connections from now on, where it does not yet. */
  listen(): Promise<void>;
  /** Stops taking connections, lets requests under way finish for at most `drainMs`, then cuts the rest. */
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

/**
 * Binds `host:port` (0: a free one) and answers 503 until somebody handles requests; `first` sees each of them before.
 * Throws `PortTaken`.
 */
export async function bind(port: number, host: string, first: Shed = () => false): Promise<Listener> {
  const server = newServer();
  server.on('request', (request, response) => {
    if (!first(request, response)) notReady(request, response);
  });
  await listen(server, port, host);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const close = (drainMs: number) => closeServer(server, drainMs);
  return { server, port: address.port, listen: async () => undefined, close };
}

/** The same, but bound by `listen` alone, which throws `PortTaken`. */
export async function bindLater(port: number, host: string): Promise<Listener> {
  const server = newServer();
  const close = (drainMs: number) => closeServer(server, drainMs);
  return { server, port, listen: () => listen(server, port, host), close };
}

function newServer(): Server {
  const server = createServer({
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
  });
  return server;
}

/** Hands all further requests to `handler`. */
export function handleWith(server: Server, handler: RequestListener): void {
  server.removeAllListeners('request');
  server.on('request', handler);
}

const notReady: RequestListener = (_request, response) => {
  response.writeHead(503, { 'retry-after': '1', 'content-type': 'text/plain' }).end('starting\n');
};

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      fail(error.code === 'EADDRINUSE' ? new PortTaken(port) : error);
    });
    server.listen({ port, backlog: BACKLOG, ...(host === '' ? {} : { host }) }, done);
  });
}

async function closeServer(server: Server, drainMs: number): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise((done) => server.close(done));
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearTimeout(cut);
}

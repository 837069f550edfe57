import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** What an answer may ask of its reader. */
export interface ReadingLimits {
  /** A connection is cut when its reader takes nothing for this long, although something waits for it. */
  readonly maxPauseMs: number;
  /** Bytes of all answers that wait for their readers; beyond it, connections are cut, the longest open first. */
  readonly maxWaitingBytes: number;
}

export const READING_LIMITS: ReadingLimits = { maxPauseMs: 60_000, maxWaitingBytes: 67_108_864 };
const LOOK_EVERY_MS = 1_000;
/** The open answers are also looked at when this many have begun, so that many at once are bounded, too. */
const LOOK_EVERY_ANSWERS = 256;
/** Requests that wait behind another one of their connection; beyond it, the connection is cut. */
export const MAX_WAITING_REQUESTS = 32;

/** Cuts answers that are requested and not read, because the process keeps what the reader has not taken. */
export class UnreadAnswers {
  readonly #limits: ReadingLimits;
  /** The open answers, the oldest first. */
  readonly #open = new Set<ServerResponse>();
  #begun = 0;

  constructor(server: Server, limits: ReadingLimits = READING_LIMITS) {
    this.#limits = limits;
    const looking = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
    server.once('close', () => clearInterval(looking));
  }

  /** Bounds an answer from now on; called when its request is handled. */
  watch(response: ServerResponse): void {
    this.#open.add(response);
    response.once('close', () => this.#open.delete(response));
    this.#begun += 1;
    if (this.#begun % LOOK_EVERY_ANSWERS === 0) this.#look();
  }

  #look(): void {
    let waitingBytes = 0;
    for (const { socket } of this.#open) {
      if (!socket) continue;
      // Node's timeout of a socket ends when the reader takes a part of a long write; it is off while nothing waits, so that
      // a handler may take its time.
      const timeoutMs = socket.writableLength > 0 ? this.#limits.maxPauseMs : 0;
      if (socket.timeout !== timeoutMs) socket.setTimeout(timeoutMs);
      waitingBytes += socket.writableLength;
    }
    for (const { socket } of this.#open) {
      if (waitingBytes <= this.#limits.maxWaitingBytes) return;
      if (!socket || socket.writableLength === 0) continue;
      waitingBytes -= socket.writableLength;
      socket.destroy();
    }
  }
}

/**
 * Handles the requests of a connection one after the other, so that a client that sends many at once holds no more than one
 * answer in memory. Answers have this order in any case. Requests whose connection has ended are dropped, and a connection
 * on which more than `MAX_WAITING_REQUESTS` wait is cut.
 */
export function oneAtATime(unread: UnreadAnswers, handle: RequestListener): RequestListener {
  const waiting = new WeakMap<Socket, [IncomingMessage, ServerResponse][]>();
  const begin = (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    response.once('close', () => {
      const next = socket.destroyed ? undefined : waiting.get(socket)?.shift();
      if (next) begin(...next);
      else waiting.delete(socket);
    });
    unread.watch(response);
    handle(request, response);
  };
  return (request, response) => {
    const before = waiting.get(request.socket);
    if (before) {
      if (before.length < MAX_WAITING_REQUESTS) before.push([request, response]);
      else request.socket.destroy();
      return;
    }
    waiting.set(request.socket, []);
    begin(request, response);
  };
}

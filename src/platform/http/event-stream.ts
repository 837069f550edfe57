import { once } from 'node:events';
import type { FastifyReply } from 'fastify';
import { OK } from '../../kernel/http-status.ts';

/** Where the frames of a stream are written, which is one open response. */
export interface EventSink {
  write(frames: string | Buffer): void;
  /** Bytes written that the reader has not taken yet. */
  bufferedBytes(): number;
  /** Resolves when the reader has taken all of it, or has disconnected. */
  drained(): Promise<void>;
  /** Ends the response after what was written. */
  end(): void;
  /** Cuts the connection at once; bytes not taken yet are lost. */
  cut(): void;
}

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  // Live data must not be cached or changed; a token in the address requires the same (RFC 6750 section 5.3).
  'cache-control': 'no-store, no-transform',
  // nginx and compatible proxies buffer an answer otherwise.
  'x-accel-buffering': 'no',
};

/**
 * Turns a response into a stream of server-sent events. `onClose` is called once, when the client or the service has ended
 * the stream, or at once if it has ended already.
 */
export function openEventStream(reply: FastifyReply, onClose: () => void): EventSink {
  const { raw } = reply;
  reply.hijack();
  const closed = new Promise<void>((done) => {
    const close = () => {
      onClose();
      done();
    };
    if (raw.destroyed) close();
    else raw.once('close', close);
  });
  // A client that disconnects during a write is not an error; `close` follows.
  raw.on('error', () => undefined);
  if (!raw.destroyed) raw.writeHead(OK, { ...(reply.getHeaders() as Record<string, string>), ...HEADERS });

  return {
    write: (frames) => void raw.write(frames),
    bufferedBytes: () => raw.writableLength,
    drained: () => (raw.writableNeedDrain ? drainOf(raw, closed) : afterThisTurn(closed)),
    end: () => void raw.end(),
    cut: () => void raw.destroy(),
  };
}

async function drainOf(raw: FastifyReply['raw'], closed: Promise<void>): Promise<void> {
  const stop = new AbortController();
  await Promise.race([once(raw, 'drain', { signal: stop.signal }).catch(() => undefined), closed]);
  stop.abort();
}

/** The buffer is below the mark at which `drain` is emitted: it is sent in this turn of the event loop. */
function afterThisTurn(closed: Promise<void>): Promise<void> {
  return Promise.race([new Promise<void>((done) => setImmediate(done)), closed]);
}

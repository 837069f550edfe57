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
  // What is live is nobody's to keep or to change; a token in the address asks for the same (RFC 6750 section 5.3).
  'cache-control': 'no-store, no-transform',
  // nginx and those that follow it hold an answer back until they have a buffer full.
  'x-accel-buffering': 'no',
};

/**
 * Takes a response over as a stream of server-sent events. `onClose` is called once, when its reader or we have ended it,
 * at once where that has already happened.
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
  // A reader that goes away while it is written to is no error of ours; `close` follows.
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

/** Below the mark at which `drain` comes: what was written goes out with this turn of the event loop. */
function afterThisTurn(closed: Promise<void>): Promise<void> {
  return Promise.race([new Promise<void>((done) => setImmediate(done)), closed]);
}

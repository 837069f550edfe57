import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { FromReader } from './picture-reader.worker.ts';

/** Reads pictures of QR codes in a thread of its own, one after the other, so that no request waits for it. */
export interface PictureReader {
  /** Starts the thread where there is none. Rejects when it cannot read at all. */
  start(): Promise<void>;
  /** The text in a PNG; undefined when there is none. Rejects when the thread died or took too long; start it again then. */
  read(picture: Uint8Array): Promise<string | undefined>;
  /** Ends the thread. */
  rest(): Promise<void>;
}

export interface PictureReaderOptions {
  /** How long the thread may take for its start, and for a picture. */
  readonly maxWaitMs?: number;
}

/** A picture takes 3 ms, and the start 100. */
const MAX_WAIT_MS = 10_000;

export function createPictureReader({ maxWaitMs = MAX_WAIT_MS }: PictureReaderOptions = {}): PictureReader {
  let thread: Worker | undefined;

  async function rest(): Promise<void> {
    const last = thread;
    thread = undefined;
    await last?.terminate();
  }

  async function nextFrom(asked: Worker): Promise<FromReader> {
    const waiting = new AbortController();
    const timer = setTimeout(() => waiting.abort(), maxWaitMs);
    const giveUp = () => waiting.abort();
    asked.once('exit', giveUp);
    try {
      const [message] = await once(asked, 'message', { signal: waiting.signal });
      return message;
    } catch (error) {
      await rest();
      throw new Error('the thread that reads pictures failed', { cause: error });
    } finally {
      clearTimeout(timer);
      asked.off('exit', giveUp);
    }
  }

  return {
    async start() {
      if (thread) return;
      // What the process was started with is not the thread's: a module to load first, a debugger's port.
      const started = new Worker(new URL('./picture-reader.worker.ts', import.meta.url), { execArgv: [] });
      thread = started;
      // The process outlives a thread that dies between two pictures.
      started.on('error', () => undefined);
      started.on('exit', () => {
        if (thread === started) thread = undefined;
      });
      await nextFrom(started);
    },
    async read(picture) {
      if (!thread) throw new Error('the thread that reads pictures was not started');
      const answer = nextFrom(thread);
      // A copy: a small Buffer is a window into a large one, which would be sent whole.
      thread.postMessage(new Uint8Array(picture));
      const message = await answer;
      return message === 'ready' ? undefined : message.text;
    },
    rest,
  };
}

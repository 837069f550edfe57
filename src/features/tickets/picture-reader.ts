import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { FromReader } from './picture-reader.worker.ts';

/** A picture takes 3 ms, and the start 100. */
const MAX_WAIT_MS = 10_000;

/** Reads pictures of QR codes in a thread of its own, one after the other, so that no request waits for it. */
export class PictureReader {
  readonly #maxWaitMs: number;
  #thread: Worker | undefined;

  /** `maxWaitMs`: how long the thread may take for its start, and for a picture. */
  constructor(maxWaitMs = MAX_WAIT_MS) {
    this.#maxWaitMs = maxWaitMs;
  }

  /** Starts the thread where there is none. Rejects when it cannot read at all. */
  async start(): Promise<void> {
    if (this.#thread) return;
    // What the process was started with is not the thread's: a module to load first, a debugger's port.
    const started = new Worker(new URL('./picture-reader.worker.ts', import.meta.url), { execArgv: [] });
    this.#thread = started;
    // The process outlives a thread that dies between two pictures.
    started.on('error', () => undefined);
    started.on('exit', () => {
      if (this.#thread === started) this.#thread = undefined;
    });
    await this.#nextFrom(started);
  }

  /** The text in a PNG; undefined when there is none. Rejects when the thread died or took too long; start it again then. */
  async read(picture: Uint8Array): Promise<string | undefined> {
    if (!this.#thread) throw new Error('the thread that reads pictures was not started');
    const answer = this.#nextFrom(this.#thread);
    // A copy: a small Buffer is a window into a large one, which would be sent whole.
    this.#thread.postMessage(new Uint8Array(picture));
    const message = await answer;
    return message === 'ready' ? undefined : message.text;
  }

  /** Ends the thread. */
  async rest(): Promise<void> {
    const last = this.#thread;
    this.#thread = undefined;
    await last?.terminate();
  }

  async #nextFrom(asked: Worker): Promise<FromReader> {
    const waiting = new AbortController();
    const stop = () => waiting.abort();
    const timer = setTimeout(stop, this.#maxWaitMs);
    asked.once('exit', stop);
    try {
      const [message] = await once(asked, 'message', { signal: waiting.signal });
      return message;
    } catch (error) {
      await this.rest();
      throw new Error('the thread that reads pictures failed', { cause: error });
    } finally {
      clearTimeout(timer);
      asked.off('exit', stop);
    }
  }
}

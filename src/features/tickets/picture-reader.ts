import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { FromReader } from './picture-reader.worker.ts';

/** A picture takes about 3 ms, the start 100 ms. */
const MAX_WAIT_MS = 10_000;

/** Reads pictures of QR codes one by one in a worker thread, so that requests are not held up. */
export class PictureReader {
  readonly #maxWaitMs: number;
  #thread: Worker | undefined;

  /** `maxWaitMs` limits the start of the thread and the reading of each picture. */
  constructor(maxWaitMs = MAX_WAIT_MS) {
    this.#maxWaitMs = maxWaitMs;
  }

  /** Starts the thread if it is not running. Rejects if it cannot load its decoder. */
  async start(): Promise<void> {
    if (this.#thread) return;
    // The process's own Node options (preloaded modules, a debugger port) are not for the thread.
    const started = new Worker(new URL('./picture-reader.worker.ts', import.meta.url), { execArgv: [] });
    this.#thread = started;
    // An error event without a listener would end the process.
    started.on('error', () => undefined);
    started.on('exit', () => {
      if (this.#thread === started) this.#thread = undefined;
    });
    await this.#nextFrom(started);
  }

  /** The text in a PNG, or undefined. Rejects if the thread ended or took too long; call `start` before the next read. */
  async read(picture: Uint8Array): Promise<string | undefined> {
    if (!this.#thread) throw new Error('the thread that reads pictures was not started');
    const answer = this.#nextFrom(this.#thread);
    // A small Buffer may be a view of a large pool, which would be copied as a whole.
    this.#thread.postMessage(new Uint8Array(picture));
    const message = await answer;
    return message === 'ready' ? undefined : message.text;
  }

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

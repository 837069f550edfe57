import { Worker } from 'node:worker_threads';
import { AppError } from '../../kernel/errors.ts';
import type { TicketPage } from './page.ts';
import type { Drawn } from './page.worker.ts';

/** Limits of drawing. */
export interface DrawingLimits {
  /** PDFs that may wait. */
  readonly maxWaiting: number;
  /** Maximum time that a PDF waits for its turn. */
  readonly maxWaitMs: number;
  /** Maximum time to draw a PDF, including the start of the thread. After that the thread is replaced. */
  readonly maxDrawMs: number;
}

const LIMITS: DrawingLimits = { maxWaiting: 100, maxWaitMs: 10_000, maxDrawMs: 15_000 };

interface Job {
  readonly pages: readonly TicketPage[];
  readonly done: PromiseWithResolvers<Buffer>;
  timer: NodeJS.Timeout;
}

/**
 * Draws tickets in a worker thread, one PDF after another, so that other requests are not held up: reading the fonts takes
 * two seconds and a page up to 30 ms. The thread starts with the first PDF.
 */
export class Drawing {
  readonly #limits: DrawingLimits;
  readonly #waiting: Job[] = [];
  #current: Job | undefined;
  #thread: Worker | undefined;
  #isClosed = false;

  constructor(limits: Partial<DrawingLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  /** A PDF with one page for each ticket. Throws `printing_busy`, and `shutting_down` after `close`. */
  async draw(pages: readonly TicketPage[]): Promise<Buffer> {
    if (this.#isClosed) throw new AppError('shutting_down', 'The service is stopping. Try again shortly.');
    if (this.#waiting.length >= this.#limits.maxWaiting) throw busy();
    const job: Job = {
      pages,
      done: Promise.withResolvers(),
      timer: setTimeout(() => this.#giveUp(job), this.#limits.maxWaitMs),
    };
    this.#waiting.push(job);
    if (!this.#current) this.#next();
    return job.done.promise.finally(() => clearTimeout(job.timer));
  }

  /** Ends the thread and refuses waiting PDFs. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const left = this.#waiting.splice(0);
    if (this.#current) left.push(this.#current);
    this.#current = undefined;
    for (const job of left) job.done.reject(new AppError('shutting_down', 'The service is stopping.'));
    const last = this.#thread;
    this.#thread = undefined;
    await last?.terminate();
  }

  #next(): void {
    this.#current ??= this.#waiting.shift();
    const job = this.#current;
    if (!job) return;
    clearTimeout(job.timer);
    job.timer = setTimeout(() => this.#giveUp(job), this.#limits.maxDrawMs);
    this.#thread ??= this.#start();
    this.#thread.postMessage(job.pages);
  }

  #start(): Worker {
    // The process's own Node options (preloaded modules, a debugger port) are not for the thread.
    const started = new Worker(new URL('./page.worker.ts', import.meta.url), { execArgv: [] });
    started.on('message', (drawn: Drawn) => {
      if (started !== this.#thread) return;
      if ('pdf' in drawn) this.#finish((job) => job.done.resolve(Buffer.from(drawn.pdf)));
      else this.#finish((job) => job.done.reject(new Error(`a page was not drawn: ${drawn.failure}`)));
    });
    started.on('error', (error) => this.#lose(started, error));
    started.on('exit', (code) => this.#lose(started, new Error(`the thread that draws ended with ${code}`)));
    return started;
  }

  #finish(settle: (job: Job) => void): void {
    if (this.#current) settle(this.#current);
    this.#current = undefined;
    this.#next();
  }

  /** Fails the current PDF. The next one starts a new thread. */
  #lose(lost: Worker, error: unknown): void {
    if (lost !== this.#thread) return;
    this.#thread = undefined;
    this.#finish((job) => job.done.reject(error));
  }

  #giveUp(job: Job): void {
    job.done.reject(busy());
    const place = this.#waiting.indexOf(job);
    if (place >= 0) this.#waiting.splice(place, 1);
    if (job !== this.#current || !this.#thread) return;
    const stuck = this.#thread;
    this.#lose(stuck, busy());
    void stuck.terminate();
  }
}

function busy(): AppError {
  return new AppError('printing_busy', 'Too many tickets are being printed. Try again shortly.');
}

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createGate } from '../../kernel/concurrency.ts';
import { AppError } from '../../kernel/errors.ts';
import { FairTurns } from '../../kernel/fair-turns.ts';
import type { UserId } from '../../kernel/ids.ts';
import { withTimeLimit } from '../../kernel/time-limit.ts';
import type { TicketPage } from './page.ts';
import type { Drawn, DrawPage } from './page.worker.ts';

/** Limits of drawing. */
export interface DrawingLimits {
  /** PDFs that are drawn or wait, of all users. */
  readonly maxPdfs: number;
  readonly maxPdfsOfUser: number;
  /** Maximum time that a PDF waits for its first page. */
  readonly maxWaitMs: number;
  /** Maximum time from the first page of a PDF to its end, with the pages of other users in between. */
  readonly maxDrawMs: number;
  /** Maximum time to draw a page, including the start of the thread. After that the thread is replaced. */
  readonly maxPageMs: number;
}

const LIMITS: DrawingLimits = {
  maxPdfs: 500,
  maxPdfsOfUser: 20,
  maxWaitMs: 10_000,
  maxDrawMs: 60_000,
  maxPageMs: 15_000,
};

/** A PDF on its way. */
interface Job {
  readonly id: number;
  readonly userId: UserId;
  readonly pages: readonly TicketPage[];
  readonly started: PromiseWithResolvers<void>;
  isGivenUp: boolean;
}

/** The PDFs of one user. */
interface Own {
  readonly oneAtATime: ReturnType<typeof createGate>;
  count: number;
}

/**
 * Draws tickets in a worker thread, so that other requests are not held up: reading the fonts takes two seconds and a page up
 * to 30 ms. Users take turns page by page, each with one PDF at a time, so that a PDF waits for one page of every other user
 * and not for their PDFs. The thread starts with the first PDF.
 */
export class Drawing {
  readonly #limits: DrawingLimits;
  readonly #turns = new FairTurns<UserId>();
  readonly #users = new Map<UserId, Own>();
  #pdfs = 0;
  #lastId = 0;
  #thread: Worker | undefined;
  #isClosed = false;

  constructor(limits: Partial<DrawingLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  /** A PDF with one page for each ticket. Throws `printing_busy`, and `shutting_down` after `close`. */
  async draw(userId: UserId, pages: readonly TicketPage[]): Promise<Buffer> {
    if (this.#isClosed) throw stopping();
    const own = this.#users.get(userId) ?? { oneAtATime: createGate(1), count: 0 };
    if (this.#pdfs >= this.#limits.maxPdfs) throw busy();
    if (own.count >= this.#limits.maxPdfsOfUser) {
      throw new AppError('printing_busy', `You have ${own.count} PDFs on their way. Wait until one of them is there.`);
    }
    this.#users.set(userId, own);
    own.count += 1;
    this.#pdfs += 1;
    this.#lastId += 1;
    const job: Job = { id: this.#lastId, userId, pages, started: Promise.withResolvers(), isGivenUp: false };
    const done = own
      .oneAtATime(() => this.#drawAll(job))
      .finally(() => {
        own.count -= 1;
        this.#pdfs -= 1;
        if (own.count === 0) this.#users.delete(userId);
      });
    const giveUp = () => {
      job.isGivenUp = true;
      throw busy();
    };
    await withTimeLimit(this.#limits.maxWaitMs, Promise.race([job.started.promise, done]), giveUp);
    return withTimeLimit(this.#limits.maxDrawMs, done, giveUp);
  }

  /** Ends the thread and refuses the PDFs that are not finished. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#thread?.terminate();
  }

  async #drawAll(job: Job): Promise<Buffer> {
    for (let at = 0; ; ) {
      const drawn = await this.#turns.run(job.userId, () => this.#drawPage(job, at));
      if (drawn.outcome === 'done') return Buffer.from(drawn.pdf);
      if (drawn.outcome === 'failed') throw new Error(`a page was not drawn: ${drawn.reason}`);
      at = drawn.outcome === 'lost' ? 0 : at + 1;
    }
  }

  async #drawPage({ id, pages, started, isGivenUp }: Job, at: number): Promise<Drawn> {
    const page = pages[at];
    if (isGivenUp || !page) {
      this.#thread?.postMessage({ abandoned: id });
      throw busy();
    }
    started.resolve();
    return this.#ask({ pdf: id, at, page, isLast: at === pages.length - 1 });
  }

  async #ask(page: DrawPage): Promise<Drawn> {
    if (this.#isClosed) throw stopping();
    this.#thread ??= this.#start();
    const asked = this.#thread;
    const ended = new AbortController();
    const stop = () => ended.abort();
    asked.once('exit', stop);
    try {
      const answer = once(asked, 'message', { signal: ended.signal });
      asked.postMessage(page);
      const [drawn] = await withTimeLimit(this.#limits.maxPageMs, answer, () => {
        throw busy();
      });
      return drawn;
    } catch (error) {
      if (this.#thread === asked) this.#thread = undefined;
      void asked.terminate();
      throw this.#isClosed ? stopping() : error;
    } finally {
      asked.off('exit', stop);
    }
  }

  #start(): Worker {
    // The process's own Node options (preloaded modules, a debugger port) are not for the thread.
    const started = new Worker(new URL('./page.worker.ts', import.meta.url), { execArgv: [] });
    // An error event without a listener would end the process.
    started.on('error', () => undefined);
    started.on('exit', () => {
      if (this.#thread === started) this.#thread = undefined;
    });
    return started;
  }
}

function busy(): AppError {
  return new AppError('printing_busy', 'Too many tickets are being printed. Try again shortly.');
}

function stopping(): AppError {
  return new AppError('shutting_down', 'The service is stopping. Try again shortly.');
}

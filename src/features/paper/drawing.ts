import { Worker } from 'node:worker_threads';
import { AppError } from '../../kernel/errors.ts';
import type { TicketPage } from './page.ts';
import type { Drawn } from './page.worker.ts';

/**
 * Draws the pages of tickets in a thread of its own: reading the fonts takes two seconds and a page up to 30 ms, which no
 * other request waits for. The thread starts with the first page.
 */
export interface Drawing {
  /** A PDF of one page a ticket. Throws `printing_busy`, and `shutting_down` once it is closed. */
  draw(pages: readonly TicketPage[]): Promise<Buffer>;
  /** Ends the thread; what waits is refused. */
  close(): Promise<void>;
}

export interface DrawingOptions {
  /** How many PDFs wait for the one being drawn at most. */
  readonly maxWaiting?: number;
  /** How long it waits for its turn at most. */
  readonly maxWaitMs?: number;
  /** How long it is drawn at most, the start of the thread included; after that the thread is taken for stuck. */
  readonly maxDrawMs?: number;
}

const MAX_WAITING = 100;
const MAX_WAIT_MS = 10_000;
const MAX_DRAW_MS = 15_000;

interface Job {
  readonly pages: readonly TicketPage[];
  readonly done: PromiseWithResolvers<Buffer>;
  timer: NodeJS.Timeout;
}

export function createDrawing(options: DrawingOptions): Drawing {
  const { maxWaiting = MAX_WAITING, maxWaitMs = MAX_WAIT_MS, maxDrawMs = MAX_DRAW_MS } = options;
  const waiting: Job[] = [];
  let current: Job | undefined;
  let thread: Worker | undefined;
  let isClosed = false;

  function next(): void {
    current ??= waiting.shift();
    if (!current) return;
    clearTimeout(current.timer);
    current.timer = setTimeout(giveUp, maxDrawMs, current);
    thread ??= start();
    thread.postMessage(current.pages);
  }

  function start(): Worker {
    // What the process was started with is not the thread's: a module to load first, a debugger's port.
    const started = new Worker(new URL('./page.worker.ts', import.meta.url), { execArgv: [] });
    started.on('message', (drawn: Drawn) => {
      if (started !== thread) return;
      if ('pdf' in drawn) finish((job) => job.done.resolve(Buffer.from(drawn.pdf)));
      else finish((job) => job.done.reject(new Error(`a page was not drawn: ${drawn.failure}`)));
    });
    started.on('error', (error) => lose(started, error));
    started.on('exit', (code) => lose(started, new Error(`the thread that draws ended with ${code}`)));
    return started;
  }

  function finish(settle: (job: Job) => void): void {
    if (current) settle(current);
    current = undefined;
    next();
  }

  /** The next page starts another thread. */
  function lose(lost: Worker, error: unknown): void {
    if (lost !== thread) return;
    thread = undefined;
    finish((job) => job.done.reject(error));
  }

  function giveUp(job: Job): void {
    job.done.reject(busy());
    const place = waiting.indexOf(job);
    if (place >= 0) waiting.splice(place, 1);
    if (job !== current || !thread) return;
    const stuck = thread;
    lose(stuck, busy());
    void stuck.terminate();
  }

  return {
    async draw(pages) {
      if (isClosed) throw new AppError('shutting_down', 'The service is stopping. Try again shortly.');
      if (waiting.length >= maxWaiting) throw busy();
      const job: Job = {
        pages,
        done: Promise.withResolvers(),
        timer: setTimeout(() => giveUp(job), maxWaitMs),
      };
      waiting.push(job);
      if (!current) next();
      return job.done.promise.finally(() => clearTimeout(job.timer));
    },
    async close() {
      isClosed = true;
      const left = waiting.splice(0);
      if (current) left.push(current);
      current = undefined;
      for (const job of left) job.done.reject(new AppError('shutting_down', 'The service is stopping.'));
      const last = thread;
      thread = undefined;
      await last?.terminate();
    },
  };
}

function busy(): AppError {
  return new AppError('printing_busy', 'As many tickets are being drawn as may be. Try again shortly.');
}

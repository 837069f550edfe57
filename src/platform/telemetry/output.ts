import { fstatSync, writeSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { withTimeLimit } from '../../kernel/time-limit.ts';

/** Maximum size of the unwritten lines; further lines are dropped and counted. */
export const MAX_WAITING_BYTES = 1_048_576;
/** PIPE_BUF: writes up to this size are atomic, so that the lines of several workers do not mix on one pipe. */
const MAX_WRITE_BYTES = 4_096;

/** Writes a chunk and calls `done`, with an error when it could not be written. */
export type Sink = (chunk: string, done: (error?: Error | null) => void) => void;

/** The sink of a stream, such as standard output when it is a pipe. */
export function streamSink(stream: Writable): Sink {
  // The callback of a failed write reports it; without a listener the event would end the process.
  stream.on('error', () => undefined);
  return (chunk, done) => stream.write(chunk, done);
}

/** The sink of an open file. Writes are synchronous, so that a full disk loses only the lines of that time. */
export function fileSink(fd: number): Sink {
  return (chunk, done) => {
    try {
      writeSync(fd, chunk);
      done();
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  };
}

/** The sink of standard output (1) or standard error (2). */
export function standardSink(fd: 1 | 2): Sink {
  return fstatSync(fd).isFile() ? fileSink(fd) : streamSink(fd === 1 ? process.stdout : process.stderr);
}

/**
 * The destination of log lines: a bounded queue before `sink`, with one write at a time, of whole lines. Writing never blocks
 * and never throws, whatever the reader does.
 */
export class Output {
  readonly #sink: Sink;
  readonly #maxWaitingBytes: number;
  readonly #waiting: string[] = [];
  readonly #listeners: ((dropped: number) => void)[] = [];
  #waitingBytes = 0;
  #dropped = 0;
  #reported = 0;
  #isWriting = false;
  #idle = Promise.withResolvers<void>();

  constructor(sink: Sink, maxWaitingBytes = MAX_WAITING_BYTES) {
    this.#sink = sink;
    this.#maxWaitingBytes = maxWaitingBytes;
  }

  write(line: string): void {
    const size = Buffer.byteLength(line);
    if (this.#waitingBytes + size > this.#maxWaitingBytes) {
      this.#dropped += 1;
      return;
    }
    this.#waiting.push(line);
    this.#waitingBytes += size;
    this.#writeNext();
  }

  /** Number of lines dropped so far. */
  dropped(): number {
    return this.#dropped;
  }

  /** Calls `listener` with the number of dropped lines each time that writing continues. */
  onResume(listener: (dropped: number) => void): void {
    this.#listeners.push(listener);
  }

  /** Resolves when everything is written, or after `timeoutMs`. */
  async flush(timeoutMs: number): Promise<void> {
    if (!this.#isWriting && this.#waiting.length === 0) return;
    this.#idle = Promise.withResolvers();
    await withTimeLimit(timeoutMs, this.#idle.promise, () => undefined);
  }

  #writeNext(): void {
    if (this.#isWriting) return;
    if (this.#waiting.length === 0) {
      this.#idle.resolve();
      return;
    }
    this.#isWriting = true;
    const lines = this.#nextLines();
    this.#sink(lines.join(''), (error) => {
      this.#isWriting = false;
      if (error) this.#dropped += lines.length;
      // Only once half of the queue is free, so that there is one report for each gap and not one for each write.
      else if (this.#waitingBytes <= this.#maxWaitingBytes / 2) this.#reportDropped();
      this.#writeNext();
    });
  }

  #nextLines(): string[] {
    let lines = 0;
    let bytes = 0;
    for (const line of this.#waiting) {
      const size = Buffer.byteLength(line);
      if (lines > 0 && bytes + size > MAX_WRITE_BYTES) break;
      bytes += size;
      lines += 1;
    }
    this.#waitingBytes -= bytes;
    return this.#waiting.splice(0, lines);
  }

  #reportDropped(): void {
    const count = this.#dropped - this.#reported;
    this.#reported = this.#dropped;
    if (count > 0) for (const listener of this.#listeners) listener(count);
  }
}

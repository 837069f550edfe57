import { fstatSync, writeSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { withTimeLimit } from '../../kernel/time-limit.ts';

/** Maximum size of the unwritten lines; further lines are dropped and counted. */
export const MAX_WAITING_BYTES = 1_048_576;
/** PIPE_BUF: writes up to this size are atomic, so that the lines of several workers do not mix on one pipe. */
const MAX_WRITE_BYTES = 4_096;

/** The destination of log lines. Writing never blocks and never throws, whatever the reader does. */
export interface Output {
  write(line: string): void;
  /** Number of lines dropped so far. */
  dropped(): number;
  /** Calls `listener` with the number of dropped lines each time that writing continues. */
  onResume(listener: (dropped: number) => void): void;
  /** Resolves when everything is written, or after `timeoutMs`. */
  flush(timeoutMs: number): Promise<void>;
}

/** Whether a stream is an `Output`. */
export function isOutput(stream: object): stream is Output {
  return 'onResume' in stream && 'dropped' in stream;
}

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

/** An output with a bounded queue before `sink`. There is one write at a time, of whole lines. */
export function createOutput(sink: Sink, maxWaitingBytes = MAX_WAITING_BYTES): Output {
  const waiting: string[] = [];
  let waitingBytes = 0;
  let dropped = 0;
  let reported = 0;
  let isWriting = false;
  const listeners: ((dropped: number) => void)[] = [];
  let idle = Promise.withResolvers<void>();

  function drop(lines: number): void {
    dropped += lines;
  }

  function nextChunk(): { readonly text: string; readonly lines: number } {
    let lines = 0;
    let bytes = 0;
    for (const line of waiting) {
      const size = Buffer.byteLength(line);
      if (lines > 0 && bytes + size > MAX_WRITE_BYTES) break;
      bytes += size;
      lines += 1;
    }
    waitingBytes -= bytes;
    return { text: waiting.splice(0, lines).join(''), lines };
  }

  function writeNext(): void {
    if (isWriting) return;
    if (waiting.length === 0) {
      idle.resolve();
      return;
    }
    isWriting = true;
    const { text, lines } = nextChunk();
    sink(text, (error) => {
      isWriting = false;
      if (error) drop(lines);
      // Only once half of the queue is free, so that there is one report for each gap and not one for each write.
      else if (waitingBytes <= maxWaitingBytes / 2) reportDropped();
      writeNext();
    });
  }

  function reportDropped(): void {
    const count = dropped - reported;
    if (count === 0) return;
    reported = dropped;
    for (const listener of listeners) listener(count);
  }

  return {
    write(line) {
      const size = Buffer.byteLength(line);
      if (waitingBytes + size > maxWaitingBytes) {
        drop(1);
        return;
      }
      waiting.push(line);
      waitingBytes += size;
      writeNext();
    },
    dropped: () => dropped,
    onResume: (listener) => void listeners.push(listener),
    async flush(timeoutMs) {
      if (!isWriting && waiting.length === 0) return;
      idle = Promise.withResolvers();
      await withTimeLimit(timeoutMs, idle.promise, () => undefined);
    },
  };
}

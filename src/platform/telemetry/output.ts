import { fstatSync, writeSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { withTimeLimit } from '../../kernel/time-limit.ts';

/** Lines that wait for their reader take at most this many bytes; those beyond it are dropped and counted. */
export const MAX_WAITING_BYTES = 1_048_576;
/** One write is whole in a pipe up to this size, so that lines of several workers on one pipe do not mix (PIPE_BUF). */
const MAX_WRITE_BYTES = 4_096;

/** Where log lines go. Writing never blocks and never throws, whatever the reader at the other end does. */
export interface Output {
  write(line: string): void;
  /** How many lines were dropped so far. */
  dropped(): number;
  /** Calls `listener` with the number of dropped lines each time that writing goes on. */
  onResume(listener: (dropped: number) => void): void;
  /** Resolves when everything is written, at the latest after `timeoutMs`. */
  flush(timeoutMs: number): Promise<void>;
}

/** Whether a stream of log lines is bounded, and knows what it dropped. */
export function isOutput(stream: object): stream is Output {
  return 'onResume' in stream && 'dropped' in stream;
}

/** Calls `done` when the chunk is written, with an error when it could not be. */
export type Sink = (chunk: string, done: (error?: Error | null) => void) => void;

/** The sink of an open stream, such as standard output when it is a pipe. Its errors are those of single writes. */
export function streamSink(stream: Writable): Sink {
  // The callback of a failed write reports it; without a listener the event would end the process.
  stream.on('error', () => undefined);
  return (chunk, done) => stream.write(chunk, done);
}

/** The sink of an open file: written at once, so that a full disk costs the lines of that time and no later ones. */
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

/** The sink of standard output (1) or standard error (2), whatever it leads to. */
export function standardSink(fd: 1 | 2): Sink {
  return fstatSync(fd).isFile() ? fileSink(fd) : streamSink(fd === 1 ? process.stdout : process.stderr);
}

/** An output with a bounded queue before `sink`: one write at a time, whole lines in each. */
export function createOutput(sink: Sink, maxWaitingBytes = MAX_WAITING_BYTES): Output {
  const waiting: string[] = [];
  let waitingBytes = 0;
  let dropped = 0;
  let told = 0;
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
      // Not before there is room again: one line about each gap, and not one for each write to a slow reader.
      else if (waitingBytes <= maxWaitingBytes / 2) tellDropped();
      writeNext();
    });
  }

  function tellDropped(): void {
    const count = dropped - told;
    if (count === 0) return;
    told = dropped;
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

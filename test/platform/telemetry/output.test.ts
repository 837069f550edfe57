import { describe, expect, test } from 'vitest';
import { createLog } from '../../../src/platform/telemetry/log.ts';
import { Output, type Sink } from '../../../src/platform/telemetry/output.ts';

/** A reader that takes a write only when the test lets it. */
function stalledReader() {
  const read: string[] = [];
  let done: Parameters<Sink>[1] | undefined;
  const sink: Sink = (chunk, written) => {
    read.push(chunk);
    done = written;
  };
  return {
    sink,
    text: () => read.join(''),
    chunks: read,
    isWaitedFor: () => done !== undefined,
    take(error?: Error) {
      const written = done;
      done = undefined;
      written?.(error);
    },
  };
}

describe('stalled-log: the buffer of log lines', () => {
  test('it is bounded, and lines beyond the bound are dropped and counted', () => {
    const reader = stalledReader();
    const output = new Output(reader.sink, 100);
    for (let line = 0; line < 1_000; line += 1) output.write('123456789\n');
    // One is being written, and ten wait.
    expect(output.dropped()).toBe(1_000 - 11);
    while (reader.isWaitedFor()) reader.take();
    expect(reader.text()).toBe('123456789\n'.repeat(11));
  });

  test('the number of dropped lines is logged once when writing resumes', () => {
    const reader = stalledReader();
    const output = new Output(reader.sink, 400);
    const log = createLog('info', output);
    for (let line = 0; line < 50; line += 1) log.info({ line }, 'something happened');
    const dropped = output.dropped();
    expect(dropped).toBeGreaterThan(40);
    while (reader.isWaitedFor()) reader.take();
    const lines = reader
      .text()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.filter((line) => line.dropped !== undefined)).toEqual([
      expect.objectContaining({ level: 40, dropped }),
    ]);
  });

  test('each write consists of whole lines of at most 4,096 bytes, so that workers on one pipe do not mix them', () => {
    const reader = stalledReader();
    const output = new Output(reader.sink);
    for (let line = 0; line < 100; line += 1) output.write(`${'x'.repeat(99)}\n`);
    output.write(`${'y'.repeat(9_999)}\n`);
    while (reader.isWaitedFor()) reader.take();
    expect(reader.chunks.map((chunk) => chunk.length)).toEqual([100, 4_000, 4_000, 1_900, 10_000]);
    for (const chunk of reader.chunks) expect(chunk.endsWith('\n')).toBe(true);
  });

  test('a write that fails loses its own lines, which are counted, and no later ones', () => {
    const reader = stalledReader();
    const output = new Output(reader.sink);
    output.write('lost\n');
    reader.take(new Error('ENOSPC'));
    output.write('kept\n');
    expect(output.dropped()).toBe(1);
    expect(reader.chunks).toEqual(['lost\n', 'kept\n']);
  });

  test('a flush ends when everything is written, and does not wait for a stalled reader', async () => {
    const reader = stalledReader();
    const output = new Output(reader.sink);
    await output.flush(60_000);
    output.write('one\n');
    await output.flush(1);
    const flushed = output.flush(60_000);
    reader.take();
    await flushed;
    expect(reader.text()).toBe('one\n');
  });
});

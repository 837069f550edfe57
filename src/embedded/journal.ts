import { appendFile, chmod, mkdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OWNER_FILE, OWNER_FOLDER, readIfThere } from './kept-file.ts';

/**
 * A small key-value store in a file of JSON lines, for the state that an embedded part must keep after a crash. A change
 * appends a line; opening reads all lines and rewrites the file without overwritten ones.
 */
export interface Journal<Value> {
  get(key: string): Value | undefined;
  values(): IterableIterator<Value>;
  /**
   * Resolves when the change is in the file (in the page cache: it survives a killed process, not a power failure). Rejects
   * with `NotStored` when the file cannot be written; this change and all later ones are then undone.
   */
  put(key: string, value: Value): Promise<void>;
  /** Stores several changes. A crash may keep only the first ones. */
  putAll(entries: readonly (readonly [key: string, value: Value])[]): Promise<void>;
  /** Removes entries; resolves when that is in the file. */
  remove(keys: readonly string[]): Promise<void>;
  /** Resolves when every earlier change is in the file, or has failed. */
  close(): Promise<void>;
}

/** Called once when a journal's file cannot be written any more, and once when it can be written again. */
export interface JournalWatch {
  failed(error: NotStored): void;
  recovered(path: string): void;
}

/** A change could not be written to the file, and was undone. */
export class NotStored extends Error {
  constructor(path: string, cause: Error) {
    super(`${path} cannot be written (${cause.message}). Make room on its disk; the next change tries again.`, {
      cause,
    });
    this.name = 'NotStored';
  }
}

const UNWATCHED: JournalWatch = { failed: () => undefined, recovered: () => undefined };

interface Line<Value> {
  readonly key: string;
  /** Undefined: the entry is removed. */
  readonly value?: Value;
}

/** Opens or creates the journal at `path`. An incomplete last line, as after a crash, is dropped. */
export async function openJournal<Value>(path: string, watch: JournalWatch = UNWATCHED): Promise<Journal<Value>> {
  const entries = new Map<string, Value>();
  for (const line of ((await readIfThere(path)) ?? '').split('\n')) {
    const entry = parseLine<Value>(line);
    if (entry?.value !== undefined) entries.set(entry.key, entry.value);
    else if (entry) entries.delete(entry.key);
  }
  await mkdir(dirname(path), { recursive: true, mode: OWNER_FOLDER });
  // An earlier version made the folder readable; one of another user's is as they want it.
  await chmod(dirname(path), OWNER_FOLDER).catch(() => undefined);
  const compact = [...entries].map(([key, value]) => toLine({ key, value })).join('');
  // The draft of a killed process may have wider permissions.
  await rm(`${path}.new`, { force: true });
  await writeFile(`${path}.new`, compact, { mode: OWNER_FILE });
  await rename(`${path}.new`, path);

  const file = appendTo(path, Buffer.byteLength(compact), watch);
  function change(lines: readonly Line<Value>[]): Promise<void> {
    const before = lines.map(({ key }) => ({ key, value: entries.get(key) }) as Line<Value>);
    for (const line of lines) apply(entries, line);
    const undo = () => {
      for (const line of before.toReversed()) apply(entries, line);
    };
    return file.append(lines.map(toLine).join(''), undo);
  }
  return {
    get: (key) => entries.get(key),
    values: () => entries.values(),
    put: (key, value) => change([{ key, value }]),
    putAll: (changes) => change(changes.map(([key, value]) => ({ key, value }))),
    remove: (keys) => change(keys.map((key) => ({ key }))),
    close: file.settled,
  };
}

function apply<Value>(entries: Map<string, Value>, { key, value }: Line<Value>): void {
  if (value === undefined) entries.delete(key);
  else entries.set(key, value);
}

function toLine<Value>(line: Line<Value>): string {
  return `${JSON.stringify(line)}\n`;
}

interface Append {
  readonly lines: string;
  readonly undo: () => void;
  readonly done: PromiseWithResolvers<void>;
}

/**
 * Appends in the order of the calls; appends that arrive during a write are combined into the next one. If a write fails, the
 * waiting appends fail too, because they were based on state that is undone.
 */
function appendTo(path: string, length: number, watch: JournalWatch) {
  let wholeBytes = length;
  let isTorn = false;
  let waiting: Append[] = [];
  let underWay: Promise<void> | undefined;

  async function write(lines: string): Promise<void> {
    // A failed write may have written a part of its lines.
    if (isTorn) await truncate(path, wholeBytes);
    await appendFile(path, lines, { mode: OWNER_FILE });
    wholeBytes += Buffer.byteLength(lines);
    if (isTorn) watch.recovered(path);
    isTorn = false;
  }

  function fail(appends: readonly Append[], cause: Error): void {
    const error = new NotStored(path, cause);
    for (const { undo } of appends.toReversed()) undo();
    for (const { done } of appends) done.reject(error);
    if (!isTorn) watch.failed(error);
    isTorn = true;
  }

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        await write(batch.map(({ lines }) => lines).join(''));
        for (const { done } of batch) done.resolve();
      } catch (error) {
        const behind = waiting;
        waiting = [];
        fail([...batch, ...behind], error instanceof Error ? error : new Error(String(error)));
      }
    }
    underWay = undefined;
  }

  return {
    append(lines: string, undo: () => void): Promise<void> {
      const done = Promise.withResolvers<void>();
      waiting.push({ lines, undo, done });
      underWay ??= writeAll();
      return done.promise;
    },
    settled: async () => underWay,
  };
}

function parseLine<Value>(line: string): Line<Value> | undefined {
  if (line === '') return undefined;
  try {
    return JSON.parse(line) as Line<Value>;
  } catch {
    return undefined;
  }
}

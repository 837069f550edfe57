import { appendFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { readIfThere } from './kept-file.ts';

/** Journals hold what people did and who they are: only the owner of the process may read them. */
const OWNER_FILE = 0o600;
const OWNER_FOLDER = 0o700;

/**
 * A small keyed store in one file of JSON lines, for the state an embedded part must find again after a kill.
 * A change is one appended line; opening reads them all and rewrites the file without what was overwritten.
 */
export interface Journal<Value> {
  get(key: string): Value | undefined;
  values(): IterableIterator<Value>;
  /** Resolves when the change is in the file (in the page cache: it survives a killed process, not a power cut). */
  put(key: string, value: Value): Promise<void>;
  /** The same for several at once: a kill leaves all of them or, in the last line, some. */
  putAll(entries: readonly (readonly [key: string, value: Value])[]): Promise<void>;
  /** Forgets entries; resolves when that is in the file. */
  remove(keys: readonly string[]): Promise<void>;
  /** Resolves when every change so far is in the file. */
  close(): Promise<void>;
}

interface Line<Value> {
  readonly key: string;
  /** Absent: the entry is forgotten. */
  readonly value?: Value;
}

/** Opens or creates the journal at `path`. A torn last line, as a kill leaves it, is dropped. */
export async function openJournal<Value>(path: string): Promise<Journal<Value>> {
  const entries = new Map<string, Value>();
  for (const line of ((await readIfThere(path)) ?? '').split('\n')) {
    const entry = parseLine<Value>(line);
    if (entry?.value !== undefined) entries.set(entry.key, entry.value);
    else if (entry) entries.delete(entry.key);
  }
  await mkdir(dirname(path), { recursive: true, mode: OWNER_FOLDER });
  const compact = [...entries].map(([key, value]) => `${JSON.stringify({ key, value })}\n`).join('');
  // The draft that a killed process left may be open to others.
  await rm(`${path}.new`, { force: true });
  await writeFile(`${path}.new`, compact, { mode: OWNER_FILE });
  await rename(`${path}.new`, path);

  const append = appendTo(path);
  function putAll(changes: readonly (readonly [string, Value])[]): Promise<void> {
    let lines = '';
    for (const [key, value] of changes) {
      entries.set(key, value);
      lines += `${JSON.stringify({ key, value })}\n`;
    }
    return append(lines);
  }
  return {
    get: (key) => entries.get(key),
    values: () => entries.values(),
    put: (key, value) => putAll([[key, value]]),
    putAll,
    remove(keys) {
      for (const key of keys) entries.delete(key);
      return append(keys.map((key) => `${JSON.stringify({ key })}\n`).join(''));
    },
    close: () => append(''),
  };
}

/** Appends in the order of the calls; what is asked while a write is under way goes into the file in the next one. */
function appendTo(path: string): (lines: string) => Promise<void> {
  let waiting = '';
  let next: Promise<void> | undefined;
  let underWay: Promise<void> = Promise.resolve();
  return (lines) => {
    waiting += lines;
    next ??= underWay
      .catch(() => undefined)
      .then(() => {
        const together = waiting;
        waiting = '';
        next = undefined;
        underWay = appendFile(path, together);
        return underWay;
      });
    return next;
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

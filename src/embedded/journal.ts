import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

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
  /** Resolves when every change so far is in the file. */
  close(): Promise<void>;
}

interface Line<Value> {
  readonly key: string;
  readonly value: Value;
}

/** Opens or creates the journal at `path`. A torn last line, as a kill leaves it, is dropped. */
export async function openJournal<Value>(path: string): Promise<Journal<Value>> {
  const entries = new Map<string, Value>();
  for (const line of (await readIfThere(path)).split('\n')) {
    const entry = parseLine<Value>(line);
    if (entry) entries.set(entry.key, entry.value);
  }
  await mkdir(dirname(path), { recursive: true });
  const compact = [...entries].map(([key, value]) => `${JSON.stringify({ key, value })}\n`).join('');
  await writeFile(`${path}.new`, compact);
  await rename(`${path}.new`, path);

  let lastWrite: Promise<void> = Promise.resolve();
  function putAll(changes: readonly (readonly [string, Value])[]): Promise<void> {
    let lines = '';
    for (const [key, value] of changes) {
      entries.set(key, value);
      lines += `${JSON.stringify({ key, value })}\n`;
    }
    lastWrite = lastWrite.catch(() => undefined).then(() => appendFile(path, lines));
    return lastWrite;
  }
  return {
    get: (key) => entries.get(key),
    values: () => entries.values(),
    put: (key, value) => putAll([[key, value]]),
    putAll,
    close: () => lastWrite,
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

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

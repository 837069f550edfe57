import { randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * The text of a file that only its owner may read, made with `make` the first time. Callers that come at once all get
 * what the first of them made.
 */
export async function readOrCreateFile(path: string, make: () => string | Promise<string>): Promise<string> {
  return (await readIfThere(path)) ?? createOnce(path, await make());
}

/** The secret kept in a file: base64 of `bytes` random bytes. */
export function readOrCreateSecret(path: string, bytes: number): Promise<string> {
  return readOrCreateFile(path, () => randomBytes(bytes).toString('base64'));
}

/** The text of a file, or undefined when there is none. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function createOnce(path: string, text: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${randomUUID()}.new`;
  try {
    // On disk before it has its name: a power cut must not leave an empty file that every later start would read.
    await writeFile(draft, text, { mode: 0o600, flush: true });
    // A link appears whole or not at all, and never replaces the file that is there.
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
  return readFile(path, 'utf8');
}

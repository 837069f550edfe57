import { randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** What the stand-ins keep is secret or personal, so only the owner of the process may read it. */
export const OWNER_FILE = 0o600;
export const OWNER_FOLDER = 0o700;

/**
 * The text of a file that only its owner may read. It is created with `make` the first time; concurrent callers all get the
 * text of the first one.
 */
export async function readOrCreateFile(path: string, make: () => string | Promise<string>): Promise<string> {
  return (await readIfThere(path)) ?? createOnce(path, await make());
}

/** A secret stored in a file: base64 of `bytes` random bytes. */
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
  await mkdir(dirname(path), { recursive: true, mode: OWNER_FOLDER });
  const draft = `${path}.${randomUUID()}.new`;
  try {
    // Flushed before it gets its name, because every later start would read an empty file after a power failure.
    await writeFile(draft, text, { mode: OWNER_FILE, flush: true });
    // Creating a link is atomic, and never replaces an existing file.
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
  return readFile(path, 'utf8');
}

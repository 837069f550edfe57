import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The secret kept in a file: base64 of `bytes` random bytes, made the first time, readable by its owner only. */
export async function readOrCreateSecret(path: string, bytes: number): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.new`;
  await writeFile(draft, randomBytes(bytes).toString('base64'), { mode: 0o600 });
  try {
    // A link appears whole or not at all, and never replaces the secret that is there.
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
  return (await readFile(path, 'utf8')).trim();
}

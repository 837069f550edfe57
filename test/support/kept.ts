import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * A file or folder that is made once per machine and kept beside the packages. `make` works in a folder of its own and
 * returns what is kept of it: what it left incomplete is never used.
 */
export async function kept(name: string, make: (draft: string) => Promise<string>): Promise<string> {
  const place = resolve('node_modules/.cache/ms-ticketing', name);
  if (existsSync(place)) return place;
  await mkdir(dirname(place), { recursive: true });
  const draft = await mkdtemp(`${place}-`);
  try {
    // Another process may have been quicker; what it made is as good.
    await rename(await make(draft), place).catch((error: unknown) => {
      if (!existsSync(place)) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return place;
}

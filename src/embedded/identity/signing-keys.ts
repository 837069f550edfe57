import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, type JWK } from 'jose';

export interface SigningKeys {
  readonly keys: JWK[];
}

/** The provider's signing keys, made at the first start and kept, so that a token outlives a restart. */
export async function readOrCreateSigningKeys(dataDir: string): Promise<SigningKeys> {
  await mkdir(dataDir, { recursive: true });
  const path = join(dataDir, 'identity-keys.json');
  const known = await readIfThere(path);
  return JSON.parse(known ?? (await createKeys(path))) as SigningKeys;
}

async function createKeys(path: string): Promise<string> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const key = { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: randomUUID() };
  const draft = `${path}.${process.pid}.new`;
  await writeFile(draft, JSON.stringify({ keys: [key] }), { mode: 0o600 });
  // A link appears whole or not at all, and never replaces keys that are there.
  await link(draft, path).catch(() => undefined);
  await rm(draft, { force: true });
  return readFile(path, 'utf8');
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

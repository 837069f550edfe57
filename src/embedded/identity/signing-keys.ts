import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { readOrCreateFile } from '../kept-file.ts';

export interface SigningKeys {
  readonly keys: JWK[];
}

/** The provider's signing keys, created at the first start and stored, so that tokens stay valid after a restart. */
export async function readOrCreateSigningKeys(dataDir: string): Promise<SigningKeys> {
  return JSON.parse(await readOrCreateFile(join(dataDir, 'identity-keys.json'), createKeys)) as SigningKeys;
}

async function createKeys(): Promise<string> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const key = { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: randomUUID() };
  return JSON.stringify({ keys: [key] });
}

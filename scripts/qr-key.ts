/**
 * Creates the key of QR codes in the file that QR_SECRET_KEY_FILE names, unless the file exists or QR_SECRET_KEY is set. The
 * key is never printed.
 */
import { readIfThere, readOrCreateSecret } from '../src/embedded/kept-file.ts';

const KEY_BYTES = 32;
const { QR_SECRET_KEY = '', QR_SECRET_KEY_FILE: path = '' } = process.env;

try {
  if (QR_SECRET_KEY.trim() === '') {
    if (path === '') throw new Error('QR_SECRET_KEY_FILE: must be set to the file that holds the key.');
    if ((await readIfThere(path)) === undefined) {
      await readOrCreateSecret(path, KEY_BYTES);
      console.error(`A new key of QR codes was created in ${path}. Keep a copy: without it, no issued ticket admits.`);
    }
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

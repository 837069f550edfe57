import { readFileSync, statSync } from 'node:fs';

/** Far longer than a list of keys. */
const MAX_SECRET_BYTES = 65_536;

/** A problem with a secret's file; the message completes a sentence that begins with the variable and the path. */
class BadSecretFile extends Error {}

/** The variable with the path of a secret's file: `QR_SECRET_KEY_FILE` for `QR_SECRET_KEY`. */
export function fileVariableOf(name: string): string {
  return `${name}_FILE`;
}

/**
 * The secret in the file that the environment names, or undefined when it names none. An unusable file is a problem, not an
 * unset secret, because a stand-in would otherwise replace the server.
 */
export function secretFromFile(
  name: string,
  environment: Readonly<Record<string, string | undefined>>,
  problems: string[],
): string | undefined {
  const variable = fileVariableOf(name);
  const path = environment[variable]?.trim();
  if (!path) return undefined;
  try {
    return readSecret(path);
  } catch (error) {
    problems.push(`${variable}: ${JSON.stringify(path)} ${reasonOf(error)}`);
    return undefined;
  }
}

function readSecret(path: string): string {
  const file = statSync(path);
  if (!file.isFile()) throw new BadSecretFile('is not a file; it must hold the secret on one line.');
  if (file.size > MAX_SECRET_BYTES) {
    throw new BadSecretFile(`is longer than ${MAX_SECRET_BYTES} bytes; it must hold the secret on one line.`);
  }
  const secret = readFileSync(path, 'utf8').trim();
  if (secret === '') throw new BadSecretFile('is empty; it must hold the secret on one line.');
  if (/[\r\n]/.test(secret)) {
    throw new BadSecretFile('has several lines; it must hold the secret on one line.');
  }
  return secret;
}

function reasonOf(error: unknown): string {
  if (error instanceof BadSecretFile) return error.message;
  const code = error instanceof Error && 'code' in error ? ` (${error.code})` : '';
  return `cannot be read${code}; it must be a file that the service's user may read.`;
}

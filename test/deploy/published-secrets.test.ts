import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { isPublished } from '../../src/config.published.ts';

const run = promisify(execFile);
const KEY_BYTES = 32;
/** Base64 of 32 bytes, standing alone; the service takes it without its padding, too. */
const KEY = /(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{43}=?(?![A-Za-z0-9+/=])/g;
/**
 * A long path or name has the length of a key by chance; random bytes without a digit or a capital are rarer
 * still.
 */
const LOOKS_RANDOM = /^(?=.*\d)(?=.*[A-Z])(?=.*[a-z])/;
/** The digest of a Go module has the same length, and shows by its prefix what it is. */
const GO_DIGEST = /h1:[A-Za-z0-9+/]{43}=/g;

/** The parts of a text that could be a key of QR codes. */
function keysIn(text: string): string[] {
  return (text.replace(GO_DIGEST, '').match(KEY) ?? []).filter(
    (word) => (word.endsWith('=') || LOOKS_RANDOM.test(word)) && Buffer.from(word, 'base64').length === KEY_BYTES,
  );
}

describe('published-secrets', () => {
  test('production refuses every secret in the Compose file and in the realm', async () => {
    const compose = await readFile('compose.yaml', 'utf8');
    const demo = [...compose.matchAll(/^ +(\w+): (?:&dsn )?(\S+) # demo only$/gm)].map(([, , value = '']) =>
      value.replace(/^\$\{\w+:-(.*)\}$/, '$1'),
    );
    const realm = await readFile('deploy/keycloak/event-ticketing-realm.json', 'utf8');
    const imported = [...realm.matchAll(/"(?:secret|value)": "([^"]+)"/g)].map(([, value]) => value);
    expect(demo.length).toBeGreaterThan(3);
    expect(imported).toContain('demo-service-secret');
    expect([...demo, ...imported].filter((secret) => !isPublished(secret))).toEqual([]);
  });
});

describe('committed files', () => {
  test('no file contains a key of QR codes', async () => {
    const { stdout } = await run('git', ['ls-files', '--cached', '--others', '--exclude-standard']);
    const paths = stdout.trim().split('\n');
    expect(paths).toEqual(expect.arrayContaining(['compose.yaml', 'src/config.ts', 'docs/operations.md']));
    const texts = await Promise.all(
      paths.map(async (path) => [path, await readFile(path, 'latin1').catch(() => '')] as const),
    );
    expect(texts.flatMap(([path, text]) => keysIn(text).map(() => path))).toEqual([]);
  });

  test('a key would be found in a variable, a quotation and a list', () => {
    const key = createHash('sha256').update('any bytes').digest('base64');
    for (const text of [`A: ${key}`, `A="${key}"`, `A: \${A:-${key}}`, `A=x,${key},y`, `A=${key}`]) {
      expect(keysIn(text), text).toEqual([key]);
      expect(keysIn(text.replace(key, key.slice(0, -1))), text).toEqual([key.slice(0, -1)]);
    }
  });
});

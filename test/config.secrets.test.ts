import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readConfig, secretFileVariables } from '../src/config.ts';
import { problemsOf } from './support/config-problems.ts';
import { testFolder } from './support/folders.ts';

const KEY = Buffer.alloc(32, 9).toString('base64');
const OTHER_KEY = Buffer.alloc(32, 8).toString('base64');

/** A file with this text, in a folder of its own. */
async function fileWith(text: string): Promise<string> {
  const path = join(await testFolder(), 'secret');
  await writeFile(path, text);
  return path;
}

const messageOf = (environment: Record<string, string>) => problemsOf(environment).join('\n');

describe('a secret in a file', () => {
  test('it can hold every secret, and nothing else', () => {
    expect(secretFileVariables().toSorted()).toEqual([
      'KAFKA_PASSWORD_FILE',
      'POSTGRES_DSN_FILE',
      'QR_SECRET_KEY_FILE',
      'REDIS_PASSWORD_FILE',
      'STRIPE_SECRET_KEY_FILE',
      'STRIPE_WEBHOOK_SECRET_FILE',
      'TICKET_CLIENT_SECRET_FILE',
    ]);
  });

  test('it is read without the line break at its end', async () => {
    const POSTGRES_DSN_FILE = await fileWith('postgres://u:p@host/db\n');
    const QR_SECRET_KEY_FILE = await fileWith(`${KEY}, ${OTHER_KEY}\r\n`);
    expect(readConfig({ POSTGRES_DSN_FILE, QR_SECRET_KEY_FILE })).toMatchObject({
      POSTGRES_DSN: 'postgres://u:p@host/db',
      QR_SECRET_KEY: [KEY, OTHER_KEY],
    });
  });

  test('it counts as set where production needs it', async () => {
    const QR_SECRET_KEY_FILE = await fileWith(KEY);
    const message = messageOf({ NODE_ENV: 'production', QR_SECRET_KEY_FILE });
    expect(message).toContain('POSTGRES_DSN (PostgreSQL)');
    expect(message).not.toContain('QR_SECRET_KEY');
  });

  test('it is used only when the secret’s own variable is not set or empty', async () => {
    const QR_SECRET_KEY_FILE = await fileWith(KEY);
    expect(readConfig({ QR_SECRET_KEY: OTHER_KEY, QR_SECRET_KEY_FILE }).QR_SECRET_KEY).toEqual([OTHER_KEY]);
    expect(readConfig({ QR_SECRET_KEY: ' ', QR_SECRET_KEY_FILE }).QR_SECRET_KEY).toEqual([KEY]);
    expect(readConfig({ QR_SECRET_KEY: OTHER_KEY, QR_SECRET_KEY_FILE: ' ' }).QR_SECRET_KEY).toEqual([OTHER_KEY]);
  });

  test.each([
    ['is empty', ' \n'],
    ['has several lines', 'one\ntwo'],
    ['is longer than 65536 bytes', 'x'.repeat(65_537)],
  ])('it stops the start when it %s, and no stand-in takes its place', async (reason, text) => {
    const POSTGRES_DSN_FILE = await fileWith(text);
    expect(messageOf({ POSTGRES_DSN_FILE })).toBe(
      `POSTGRES_DSN_FILE: ${JSON.stringify(POSTGRES_DSN_FILE)} ${reason}; it must hold the secret on one line.`,
    );
  });

  test('it stops the start when it does not exist or is a folder', () => {
    expect(messageOf({ POSTGRES_DSN_FILE: '/nowhere/dsn' })).toBe(
      'POSTGRES_DSN_FILE: "/nowhere/dsn" cannot be read (ENOENT); it must be a file that the service\'s user may read.',
    );
    expect(messageOf({ REDIS_PASSWORD_FILE: tmpdir() })).toContain('is not a file');
  });

  test('it is refused by its own variable’s name when it is bad, and its text is not shown', async () => {
    const QR_SECRET_KEY_FILE = await fileWith('hidden');
    expect(messageOf({ QR_SECRET_KEY_FILE })).toBe(
      'QR_SECRET_KEY: the value set is not allowed; it must be base64 of 32 bytes, or several with commas.',
    );
  });
});

import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { atEnd } from '../support/at-end.ts';
import { bareEnvironment } from '../support/child-server.ts';
import { emptyDatabase } from '../support/own-database.ts';

const SCRIPT = resolve('scripts/migrate.sh');
const run = promisify(execFile);

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ticketing-migrate-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs the script from a folder, with these variables and this way of finding programs. */
async function migrate(cwd: string, env: Record<string, string>, ...args: string[]): Promise<string> {
  const { stdout } = await run(SCRIPT, args, { cwd, env: { ...bareEnvironment(), ...env } });
  return stdout.trim();
}

async function newestMigration(): Promise<string | undefined> {
  const files = (await readdir('migrations')).filter((name) => name.endsWith('.up.sql')).toSorted();
  return files.at(-1)?.replace('.up.sql', '');
}

describe('scripts/migrate.sh', () => {
  test('it applies the repository’s migrations from any folder', async () => {
    const POSTGRES_DSN = await emptyDatabase();
    const elsewhere = await emptyFolder();
    expect(await migrate(elsewhere, { POSTGRES_DSN }, '-a', 'up')).toContain('000001_init_schema');
    expect(await migrate(elsewhere, { POSTGRES_DSN }, '-a', 'version')).toBe(await newestMigration());
    expect(await migrate(resolve('.'), { POSTGRES_DSN }, '-a', 'up')).toBe('nothing to do');
  });

  test('it creates a pair of files without a database, in the folder relative to the caller’s', async () => {
    const folder = await emptyFolder();
    await migrate(folder, { MIGRATIONS_DIR: '.' }, '-a', 'create', '-n', 'add_something');
    const files = ['000001_add_something.down.sql', '000001_add_something.up.sql'];
    expect((await readdir(folder)).toSorted()).toEqual(files);
    const [down, up] = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
    expect(down).toMatch(/^-- Loses: /);
    expect(up).toBe('');
  });

  test('it runs with npm’s Node, whichever Node the machine has', async () => {
    const folder = await emptyFolder();
    const PATH = '/usr/bin:/bin';
    await migrate(folder, { MIGRATIONS_DIR: folder, PATH }, '-a', 'create', '-n', 'one');
    expect(await readdir(folder)).toHaveLength(2);
  });

  test('it finds the same files when CDPATH names a folder', async () => {
    const POSTGRES_DSN = await emptyDatabase();
    const CDPATH = resolve('.');
    const { stdout } = await run('scripts/migrate.sh', ['-a', 'version'], {
      env: { ...bareEnvironment(), POSTGRES_DSN, CDPATH },
    });
    expect(stdout.trim()).toBe('none');
  });
});

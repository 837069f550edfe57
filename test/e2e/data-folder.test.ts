import { lstat, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { testFolder } from '../support/folders.ts';
import { newVisitor, REALM, signInAddress } from '../support/identity.ts';
import { startTestApp } from '../support/test-app.ts';

const OF_OTHERS = 0o077;

test('files: only the service’s user may read what the stand-ins keep, also in the folders of an earlier version', async () => {
  const folder = join(await testFolder(), 'data');
  for (const part of ['identity', 'venue', 'stripe']) await mkdir(join(folder, part), { recursive: true });
  await writeFile(join(folder, 'stripe', 'stripe.jsonl'), '');
  await writeFile(join(folder, 'venue', 'seats.jsonl'), '');
  const app = await startTestApp({ DATA_DIR: folder });
  const visit = newVisitor(app.url + REALM);
  const { location } = await visit(signInAddress({ redirect_uri: `${app.app.url}/` }, 'registrations'));
  const password = { password: 'a long password', 'password-confirm': 'a long password' };
  await visit(location, { username: 'nell', email: 'n@example.com', firstName: 'N', lastName: 'C', ...password });

  const paths = await readdir(folder, { recursive: true });
  expect(paths).toEqual(
    expect.arrayContaining(['qr.key', 'identity/accounts.jsonl', 'venue/seats.jsonl', 'stripe/stripe.jsonl']),
  );
  const modes = await Promise.all(paths.map(async (path) => [path, (await lstat(join(folder, path))).mode] as const));
  expect(modes.filter(([, mode]) => (mode & OF_OTHERS) !== 0)).toEqual([]);
});

test('files: the data folder that the service makes is its user’s alone', async () => {
  const folder = join(await testFolder(), 'deep', 'data');
  await startTestApp({ DATA_DIR: folder }, {}, { background: false });
  expect((await lstat(folder)).mode & OF_OTHERS).toBe(0);
});

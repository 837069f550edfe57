import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { claimDataDir, DataDirInUse } from '../../src/embedded/data-dir.ts';
import { createEmbeddedEventLog } from '../../src/embedded/event-log.ts';
import { NotStored, openJournal } from '../../src/embedded/journal.ts';
import { readOrCreateSecret } from '../../src/embedded/kept-file.ts';
import { instant } from '../../src/kernel/clock.ts';
import type { EventMessage } from '../../src/kernel/events.ts';
import { testFolder } from '../support/folders.ts';

describe('the claim on a data folder', () => {
  test('it is held by one process at a time', async () => {
    const folder = join(await testFolder(), 'data');
    const claim = await claimDataDir(folder);
    await expect(claimDataDir(folder)).rejects.toThrow(DataDirInUse);
    await claim.release();
    await (await claimDataDir(folder)).release();
  });

  test('it ends with its process, however the process ends', async () => {
    const folder = join(await testFolder(), 'data');
    const program = `const { claimDataDir } = await import(${JSON.stringify(join(process.cwd(), 'src/embedded/data-dir.ts'))});
      await claimDataDir(${JSON.stringify(folder)}); console.log('claimed'); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
    await once(child.stdout, 'data');
    await expect(claimDataDir(folder)).rejects.toThrow('in use by another running service');
    child.kill('SIGKILL');
    await once(child, 'close');
    await (await claimDataDir(folder)).release();
  });
});

describe('a journal', () => {
  test('it is read again without overwritten values and without a torn last line', async () => {
    const path = join(await testFolder(), 'deep', 'journal.jsonl');
    const journal = await openJournal<number>(path);
    await journal.put('a', 1);
    await journal.putAll([
      ['b', 2],
      ['a', 3],
    ]);
    await journal.close();
    await appendFile(path, '{"key":"c","val');
    const again = await openJournal<number>(path);
    expect([again.get('a'), again.get('b'), again.get('c')]).toEqual([3, 2, undefined]);
    expect((await readFile(path, 'utf8')).trim().split('\n')).toHaveLength(2);
  });

  test('it can be read only by its owner, also after a kill left a readable draft', async () => {
    const folder = join(await testFolder(), 'deep');
    const path = join(folder, 'journal.jsonl');
    await (await openJournal<number>(path)).put('a', 1);
    await writeFile(`${path}.new`, '', { mode: 0o644 });
    await (await openJournal<number>(path)).put('b', 2);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });

  test('it keeps the order of concurrent changes', async () => {
    const path = join(await testFolder(), 'journal.jsonl');
    const journal = await openJournal<number>(path);
    await Promise.all(Array.from({ length: 200 }, (_, n) => journal.put('k', n)));
    expect((await openJournal<number>(path)).get('k')).toBe(199);
  });
});

describe('disk-full-embedded: a journal whose disk is full', () => {
  /** The file is on a full disk until it is restored: the kernel refuses every write to this device. */
  async function fill(path: string): Promise<() => Promise<void>> {
    await rename(path, `${path}.aside`);
    await symlink('/dev/full', path);
    return () => rename(`${path}.aside`, path);
  }

  test('it refuses the change, reports that once, and undoes it with the changes made after it', async () => {
    const path = join(await testFolder(), 'journal.jsonl');
    const said: string[] = [];
    const journal = await openJournal<number>(path, {
      failed: (error) => said.push(error.message),
      recovered: (where) => said.push(where),
    });
    await journal.put('a', 1);
    const restore = await fill(path);
    const changes = [journal.put('a', 2), journal.put('b', 1), journal.remove(['a']), journal.put('a', 3)];
    for (const change of changes) await expect(change).rejects.toThrow(NotStored);
    expect([journal.get('a'), journal.get('b')]).toEqual([1, undefined]);
    await expect(journal.put('a', 4)).rejects.toThrow('Make room');
    await journal.close();
    expect(said).toHaveLength(1);

    await restore();
    await journal.put('c', 5);
    expect(said).toEqual([expect.stringContaining('ENOSPC'), path]);
    const again = await openJournal<number>(path);
    expect([...again.values()]).toEqual([1, 5]);
  });

  test('it drops the part that a refused change left in the file before it writes the next', async () => {
    const path = join(await testFolder(), 'journal.jsonl');
    const journal = await openJournal<number>(path);
    await journal.put('a', 1);
    const restore = await fill(path);
    await expect(journal.put('b', 2)).rejects.toThrow(NotStored);
    await restore();
    await appendFile(path, '{"key":"b","value":2}\n{"key":"a","val');
    await journal.put('c', 3);
    expect((await readFile(path, 'utf8')).trim().split('\n')).toEqual([
      '{"key":"a","value":1}',
      '{"key":"c","value":3}',
    ]);
  });
});

test('a secret is made once, also for concurrent callers, and can be read only by its owner', async () => {
  const path = join(await testFolder(), 'x.secret');
  const secrets = new Set(await Promise.all(Array.from({ length: 10 }, () => readOrCreateSecret(path, 32))));
  expect(secrets.size).toBe(1);
  expect(Buffer.from([...secrets][0] ?? '', 'base64')).toHaveLength(32);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test('the event log hands messages on in order, one publish after the other, and fails with its subscriber', async () => {
  const log = createEmbeddedEventLog();
  const got: string[] = [];
  let fails = true;
  log.subscribe('group', 't', async ({ value }) => {
    await new Promise(setImmediate);
    if (value === '2' && fails) throw new Error('not now');
    got.push(value);
  });
  const message = (value: string, topic = 't'): EventMessage => ({
    eventId: value,
    topic,
    key: 'k',
    value,
    committedAt: instant(0),
  });
  const [first, second] = await Promise.allSettled([
    log.publish([message('1'), message('2')]),
    log.publish([message('3'), message('4', 'other')]),
  ]);
  expect([first?.status, second?.status, got]).toEqual(['rejected', 'fulfilled', ['1', '3']]);
  fails = false;
  await log.publish([message('2')]);
  expect(got).toEqual(['1', '3', '2']);
});

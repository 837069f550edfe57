import { expect, test } from 'vitest';
import { sourceFiles } from '../../../house/source-files.ts';

test('the reading half is five files that neither sign nor need Node', () => {
  const files = new Map(sourceFiles('src').map((file) => [file.path, file]));
  const folder = 'src/features/tickets/qr';
  const reached = new Set([`${folder}/scanner.ts`]);
  for (const path of reached) {
    for (const { target, isTypeOnly } of files.get(path)?.imports ?? []) if (!isTypeOnly) reached.add(target);
  }
  const names = ['base45', 'earlier-text', 'opener', 'qr-text', 'scanner'];
  expect([...reached].sort()).toEqual(names.map((name) => `${folder}/${name}.ts`));
  for (const path of reached) expect(files.get(path)?.text).not.toMatch(/\bBuffer\b|node:|\.sign\(/);
  for (const name of ['keys', 'sealer']) {
    expect(files.get(`${folder}/${name}.ts`)?.text).not.toMatch(/\bBuffer\b|node:/);
  }
});

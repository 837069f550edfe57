import { expect, test } from 'vitest';
import { sourceFiles } from '../../../house/source-files.ts';

test('the reading half is three files that neither sign nor need Node', () => {
  const files = new Map(sourceFiles('src').map((file) => [file.path, file]));
  const folder = 'src/features/tickets/qr';
  const reached = new Set([`${folder}/opener.ts`]);
  for (const path of reached) {
    for (const { target, isTypeOnly } of files.get(path)?.imports ?? []) if (!isTypeOnly) reached.add(target);
  }
  expect([...reached].sort()).toEqual(['base45', 'opener', 'qr-text'].map((name) => `${folder}/${name}.ts`));
  for (const path of reached) expect(files.get(path)?.text).not.toMatch(/\bBuffer\b|node:|\.sign\(/);
  for (const name of ['keys', 'sealer']) {
    expect(files.get(`${folder}/${name}.ts`)?.text).not.toMatch(/\bBuffer\b|node:/);
  }
});

import { expect, test } from 'vitest';
import { PERMISSIONS } from '../../src/features/access/index.ts';
import { sourceFiles } from './source-files.ts';

test('every permission is named by a route or a use case', () => {
  const texts = sourceFiles('src')
    .filter(({ path }) => !path.startsWith('src/features/access/'))
    .map(({ text }) => text);
  const isNamed = (permission: string) => texts.some((text) => text.includes(`'${permission}'`));
  expect(Object.keys(PERMISSIONS).filter((permission) => !isNamed(permission))).toEqual([]);
});

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CHECKS } from '../../src/checks.ts';
import type { Check } from '../../src/platform/feature.ts';
import { MAX_TRIES } from '../../src/platform/jobs/due-work.ts';
import { sourceFiles } from './source-files.ts';

test('npm run verify runs the checks of every feature', async () => {
  const files = sourceFiles('src').filter(({ path }) => path.endsWith('/checks.store.ts'));
  expect(files.length).toBeGreaterThan(5);
  const modules = await Promise.all(
    files.map(({ path }) => import(`../../${path}`) as Promise<Record<string, readonly Check[]>>),
  );
  const all = modules.flatMap((module) => Object.values(module).flat());
  expect(new Set(CHECKS)).toEqual(new Set(all));
  expect(CHECKS).toHaveLength(all.length);
});

test('the migration that names states gives up after as many tries as the service', () => {
  const migration = readFileSync('migrations/000014_named_states.up.sql', 'utf8');
  const limits = [...migration.matchAll(/attempts < (\d+)|GREATEST\(NEW\.attempts, (\d+)\)/g)].map(
    ([, below, atLeast]) => Number(below ?? atLeast),
  );
  expect(new Set(limits)).toEqual(new Set([MAX_TRIES]));
});

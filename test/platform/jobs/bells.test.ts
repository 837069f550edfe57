import { expect, test } from 'vitest';
import { Bells } from '../../../src/platform/jobs/bells.ts';

const HOUR_MS = 3_600_000;

test('a job hears the bell of its name, also when it rang before', async () => {
  const bells = new Bells();
  bells.of('relay').ring();
  await bells.of('relay').wait(HOUR_MS);
});

test('a bell that no job hears is refused, before the jobs are known and after', () => {
  const bells = new Bells();
  bells.of('rellay');
  expect(() => bells.onlyFor(['relay'])).toThrow('no job is named rellay');
  const known = new Bells();
  known.of('relay');
  known.onlyFor(['relay']);
  expect(() => known.of('rellay')).toThrow('no job is named rellay');
});

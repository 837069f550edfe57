import { describe, expect, test } from 'vitest';
import { readArguments } from '../../bench/arguments.ts';
import { drawPicture } from '../../bench/report/picture.ts';
import { type Figure, failuresOf, nothingOf, type Section } from '../../bench/report/section.ts';
import { missingServer } from '../../bench/stage/missing.ts';
import { newestFirst } from '../../bench/stage/pgbench.ts';

const section = (...figures: Figure[]): Section => ({
  title: 'A part',
  how: '',
  columns: [],
  rows: [],
  figures,
});
const figure = (value: number, isRatio: boolean): Figure => ({
  what: 'it',
  value,
  goal: 1,
  better: 'more',
  isRatio,
});

describe('the bench fails', () => {
  test('in the quick run by a ratio below half, and by no other figure', () => {
    expect(failuresOf([section(figure(0.4, false), figure(0.6, true))], true)).toEqual([]);
    expect(failuresOf([section(figure(0.4, true))], true)).toHaveLength(1);
    expect(failuresOf([section(figure(Number.NaN, true))], true)).toHaveLength(1);
  });

  test('in the whole run by any figure', () => {
    expect(failuresOf([section(figure(0.9, false), figure(0.9, true), figure(1, false))], false)).toHaveLength(2);
  });

  test('when a section breaks off, and not when one only lacks an optional server', () => {
    const enoent = Object.assign(new Error('spawn'), { code: 'ENOENT', syscall: 'spawn redis-server' });
    const absent = Object.assign(enoent, { path: 'redis-server' });
    expect(failuresOf([nothingOf('a part', absent, missingServer(absent))], true)).toEqual([]);
    const broken = new Error('it was refused');
    expect(failuresOf([nothingOf('a part', broken, missingServer(broken))], true)).toHaveLength(1);
  });

  test('when a program other than the optional servers is missing', () => {
    const error = Object.assign(new Error('spawn'), { code: 'ENOENT', syscall: 'spawn postgres', path: 'postgres' });
    expect(missingServer(error)).toBeUndefined();
  });
});

test('the arguments are known options and sections, or are refused in one line', () => {
  const parts = ['orders', 'growth'] as const;
  expect(readArguments(['--quick', '--only', 'growth'], parts)).toEqual({ isQuick: true, only: 'growth' });
  expect(readArguments([], parts)).toEqual({ isQuick: false, only: undefined });
  for (const strange of [['--quik'], ['quick'], ['--only', 'nonsense'], ['--only'], ['-q']]) {
    expect(() => readArguments(strange, parts), strange.join(' ')).toThrow(/^[^\n]*use --quick|^--only takes/);
  }
});

test('a bar without a measurement is left out', () => {
  const picture = { unit: 's', labels: ['a', 'b'], series: [{ name: 'x', values: [1, Number.NaN] }] };
  expect(drawPicture('T', picture)).not.toContain('NaN');
});

test('the newest version of a program is the one with the greatest number', () => {
  expect(newestFirst(['9.6', '15', '18'])).toEqual(['18', '15', '9.6']);
});

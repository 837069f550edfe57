import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Column, csvHeader, csvLine, workbookRow } from '../../../src/features/analytics/export.ts';

const text: Column = { name: 'seat_label', kind: 'text' };
const line = (value: string) => csvLine([text, text], [value, 'next']);

/** What an RFC 4180 parser finds in the first cell. */
function firstCell(csv: string): string {
  const quoted = /^"((?:[^"]|"")*)",next\r\n$/.exec(csv)?.[1];
  if (quoted !== undefined) return quoted.replaceAll('""', '"');
  return /^([^",\r\n]*),next\r\n$/.exec(csv)?.[1] ?? 'not a line of CSV';
}

describe('text in CSV', () => {
  test.each([
    ['=1+1', "'=1+1"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t1', "'\t1"],
    ['\t=1', "'\t'=1"],
    [' =1', "' =1"],
    ['"=1', '\'"=1'],
    ['A;=1', "A;'=1"],
    ['A; "@SUM(1)', 'A;\' "@SUM(1)'],
    ['A\r\n+1', "A\r\n'+1"],
    ['A; B', 'A; B'],
    ['\r=1', "'\r'=1"],
    ['＝1', "'＝1"],
    ['A-1', 'A-1'],
    ['1=1', '1=1'],
    ['', ''],
  ])('%j is written so that no spreadsheet computes it', (value, written) => {
    expect(firstCell(line(value))).toBe(written);
  });

  const BLANKS = [
    '\u00A0',
    '\u3000',
    '\uFEFF',
    '\u000B',
    '\u000C',
    '\u0085',
    '\u2003',
    '\u2028',
    '\u200B',
    '\u2060',
    '\u00AD',
    '\u115F',
    '\u2800',
    '\u0000',
    '\u007F',
  ];
  test.each(BLANKS)('csv-space: after the blank character %j a formula is written as text', (blank) => {
    for (const sign of '=+-@＝＋－＠﹢−') {
      expect(firstCell(line(`${blank}${sign}1`))).toBe(`'${blank}${sign}1`);
      expect(firstCell(line(`${blank} ${blank}${sign}1`))).toBe(`'${blank} ${blank}${sign}1`);
      expect(firstCell(line(`A;${blank}${sign}1`))).toBe(`A;'${blank}${sign}1`);
    }
    expect(firstCell(line(`${blank}A-1`))).toBe(`${blank}A-1`);
  });

  test('csv-space: a long text of blanks is written in linear time', () => {
    const blanks = '\t\u00A0;'.repeat(200_000);
    expect(line(blanks).length).toBeGreaterThan(blanks.length);
  });

  test('it is read back as it was, except for the apostrophe', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.array(fc.constantFrom('', '=', '-', '"', ',', ';', '\r\n', '\t', ' ')).map((all) => all.join('')),
        (value, before) => {
          const [cell, wanted] = [firstCell(line(before + value)), before + value];
          expect(cell.replaceAll("'", '')).toBe(wanted.replaceAll("'", ''));
          expect(cell).not.toMatch(/(^|[;\t\r\n])[\s"]*[=+\-@＝＋－＠]|^[\t\r\n]/);
        },
      ),
    );
  });
});

test('the other kinds of cell are written so that spreadsheets read them as such', () => {
  const columns: Column[] = [
    { name: 'price', kind: 'amount' },
    { name: 'tickets', kind: 'count' },
    { name: 'at_utc', kind: 'time' },
    { name: 'checked_in', kind: 'flag' },
    { name: 'code', kind: 'text' },
  ];
  const row = ['1234567.50', 2, Date.parse('2026-11-24T03:17:15.905Z'), true, null];
  expect(csvHeader(columns)).toBe('\uFEFFprice,tickets,at_utc,checked_in,code\r\n');
  expect(csvLine(columns, row)).toBe('1234567.50,2,2026-11-24 03:17:15,TRUE,\r\n');
  expect(workbookRow(columns, row)).toEqual([1_234_567.5, 2, new Date('2026-11-24T03:17:15.905Z'), true, null]);
});

test('text in a workbook is cut to the size of a cell and to what XML can hold', () => {
  expect(workbookRow([text], ['a\u0000b'])).toEqual(['a\uFFFDb']);
  expect(workbookRow([text], ['x'.repeat(40_000)])).toEqual(['x'.repeat(32_767)]);
  for (const label of ['=1+1', '\u00A0=1+1', '\uFEFF@SUM(A1)', '\u3000-1'])
    expect(workbookRow([text], [label])).toEqual([label]);
  expect(workbookRow([text], ['_x0041_ a_x1_'])).toEqual(['_x005F_x0041_ a_x1_']);
});

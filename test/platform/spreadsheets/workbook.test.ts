import { readXlsx } from 'hucre/xlsx';
import { describe, expect, test } from 'vitest';
import { writeWorkbook } from '../../../src/platform/spreadsheets/workbook.ts';

/** The cells of the second line of a workbook, with their number formats. */
async function written(kind: 'amount' | 'text', value: number | string, decimals: number) {
  async function* rows() {
    yield [value];
  }
  const parts: Uint8Array[] = [];
  for await (const part of writeWorkbook('orders', [{ name: 'column', kind }], decimals, rows())) parts.push(part);
  const { sheets } = await readXlsx(new Uint8Array(Buffer.concat(parts)), { readStyles: true });
  const [, [found] = []] = sheets[0]?.rows ?? [];
  const cells = [...(sheets[0]?.cells?.values() ?? [])];
  return {
    found,
    formats: [...new Set(cells.flatMap(({ style }) => style?.numFmt ?? []))],
    formulas: cells.filter(({ formula }) => formula !== undefined),
  };
}

describe('a workbook', () => {
  test.each([
    [0, 1_500, '#,##0'],
    [2, 1_500.5, '#,##0.00'],
    [3, 1_500.125, '#,##0.000'],
  ])('it shows amounts of a currency with %i decimals so', async (decimals, amount, format) => {
    expect(await written('amount', amount, decimals)).toMatchObject({ found: amount, formats: [format] });
  });

  test.each(['=1+1', '\u00A0=1+1', '\u3000=1+1', '\uFEFF=1+1', '+1', '@SUM(A1)'])(
    'csv-space: it holds %j as text and not as a formula',
    async (label) => {
      expect(await written('text', label, 2)).toMatchObject({ found: label, formulas: [] });
    },
  );
});

import { writeXlsxStream } from 'hucre/xlsx';
import type { ColumnKind, WriteWorkbook } from '../../features/analytics/index.ts';

/** Width of each kind of column in characters, and its number format. */
const LOOKS = {
  text: { width: 20 },
  amount: { width: 14, numFmt: '#,##0' },
  count: { width: 10, numFmt: '0' },
  time: { width: 20, numFmt: 'yyyy-mm-dd hh:mm:ss' },
  flag: { width: 10 },
} as const satisfies Record<ColumnKind, { width: number; numFmt?: string }>;

/**
 * An XLSX file of one table. It is written while the rows are read, so memory does not grow with their number. After the
 * 1,048,576 rows of a sheet, another sheet follows with the same header.
 */
export const writeWorkbook: WriteWorkbook = (name, columns, decimals, rows) => {
  const amount = { ...LOOKS.amount, numFmt: LOOKS.amount.numFmt + (decimals === 0 ? '' : `.${'0'.repeat(decimals)}`) };
  const looks = { ...LOOKS, amount };
  return writeXlsxStream(rows, {
    name,
    columns: columns.map((column) => ({ header: column.name, ...looks[column.kind] })),
    freezePane: { rows: 1 },
    zip64: true,
  });
};

import { writeXlsxStream } from 'hucre/xlsx';
import type { ColumnKind, WriteWorkbook } from '../../features/analytics/index.ts';

/** How each kind is shown and how wide; amounts keep all the decimals they have. */
const LOOKS = {
  text: { width: 20 },
  amount: { width: 14, numFmt: '#,##0.00##' },
  count: { width: 10, numFmt: '0' },
  time: { width: 20, numFmt: 'yyyy-mm-dd hh:mm:ss' },
  flag: { width: 10 },
} as const satisfies Record<ColumnKind, { width: number; numFmt?: string }>;

/**
 * An XLSX file of one table, its bytes made while its rows are read, so that memory does not grow with them. Past the
 * 1,048,576 rows of a sheet another one follows, with the header again.
 */
export const writeWorkbook: WriteWorkbook = (name, columns, rows) =>
  writeXlsxStream(rows, {
    name,
    columns: columns.map((column) => ({ header: column.name, ...LOOKS[column.kind] })),
    freezePane: { rows: 1 },
    zip64: true,
  });

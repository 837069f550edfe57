export type { ColumnKind } from './export.ts';
export type { WriteWorkbook } from './organiser-lists.ts';

export type { EventFiguresSchema, ListedOrderSchema } from './analytics.schemas.ts';
export { analyticsErrors } from './errors.ts';
export type { ColumnKind } from './export.rules.ts';
export type { WriteWorkbook } from './organiser-lists.service.ts';

export type { AuditState } from './entry.ts';
export type { RecordAction } from './list-entries.ts';

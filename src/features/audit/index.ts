export type { AuditState } from './audit.rules.ts';
export type { AuditEntriesSchema } from './audit.schemas.ts';
export type { RecordAction } from './audit.service.ts';

export type { AuditState } from './audit.rules.ts';
export type { RecordAction } from './audit.service.ts';

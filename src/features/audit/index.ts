import type { Clock } from '../../kernel/clock.ts';
import type { Core } from '../../platform/core.ts';
import type { Feature } from '../../platform/feature.ts';
import type { Transaction } from '../../platform/postgres/database.ts';
import type { Access } from '../access/index.ts';
import { insertEntry } from './entries.store.ts';
import type { AuditEntry } from './entry.ts';
import { ListEntries } from './list-entries.ts';
import { auditRoutes } from './routes.ts';

export { auditChecks } from './checks.store.ts';
export type { AuditState } from './entry.ts';

/** Port: records an action in the transaction that performs it, so that the entry exists exactly if the change does. */
export type RecordAction = (tx: Transaction, entry: AuditEntry) => Promise<void>;

/** Records actions with the clock's time. */
export function createRecordAction(clock: Clock): RecordAction {
  return (tx, entry) => insertEntry(tx, entry, clock.now());
}

/** The trail of what organisers and administrators did to orders and tickets. */
export interface Audit extends Feature {
  readonly record: RecordAction;
}

/** Builds the audit trail. */
export function createAudit(
  { database, clock }: Pick<Core, 'database' | 'clock'>,
  { access }: { readonly access: Access },
): Audit {
  const entries = new ListEntries(database, access);
  return { record: createRecordAction(clock), routes: (api) => auditRoutes(api, entries) };
}
export type { AuditEntriesSchema } from './schemas.ts';

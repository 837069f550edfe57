import type { EventId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Database } from '../../platform/postgres/database.ts';
import type { Access } from '../access/index.ts';
import { exportedRows } from './export.store.ts';
import {
  type Cell,
  type Column,
  csvHeader,
  csvLine,
  EXPORTS,
  type Exported,
  type WorkbookCell,
  workbookRow,
} from './export.ts';
import type { LongAnswers, Parts } from './long-answers.ts';

/** Port: writes a workbook with one table, and yields its bytes while the rows are read. Amounts have so many decimals. */
export type WriteWorkbook = (
  name: string,
  columns: readonly Column[],
  decimals: number,
  rows: AsyncIterable<WorkbookCell[]>,
) => AsyncIterable<Uint8Array>;

export type ExportFormat = 'csv' | 'xlsx';

type Rows = readonly Cell[][];

/** Exports all rows of one kind of an event. */
export class ExportEvent {
  readonly #database: Database;
  readonly #access: Access;
  readonly #longAnswers: LongAnswers;
  readonly #writeWorkbook: WriteWorkbook;

  constructor(database: Database, access: Access, longAnswers: LongAnswers, writeWorkbook: WriteWorkbook) {
    this.#database = database;
    this.#access = access;
    this.#longAnswers = longAnswers;
    this.#writeWorkbook = writeWorkbook;
  }

  /**
   * A file from one consistent snapshot; for the event's organiser and administrators. Throws `exports_busy`,
   * `export_under_way`, `forbidden`, `seating_unavailable`.
   */
  async export(
    eventId: EventId,
    what: Exported,
    format: ExportFormat,
    who: Principal,
  ): Promise<Parts<string | Uint8Array>> {
    await this.#access.require('analytics.event', who, { event: eventId });
    const columns = EXPORTS[what];
    return this.#longAnswers.open<Rows, string | Uint8Array>(
      who.userId,
      () => exportedRows(this.#database, eventId, what),
      (batches) =>
        format === 'csv'
          ? asCsv(columns, batches)
          : this.#writeWorkbook(what, columns, this.#database.currency.exponent, asWorkbookRows(columns, batches)),
    );
  }
}

async function* asCsv(columns: readonly Column[], batches: AsyncIterable<Rows>): AsyncGenerator<string, void, void> {
  let before = csvHeader(columns);
  for await (const rows of batches) {
    yield before + rows.map((row) => csvLine(columns, row)).join('');
    before = '';
  }
  if (before !== '') yield before;
}

async function* asWorkbookRows(
  columns: readonly Column[],
  batches: AsyncIterable<Rows>,
): AsyncGenerator<WorkbookCell[], void, void> {
  for await (const rows of batches) {
    for (const row of rows) yield workbookRow(columns, row);
  }
}

import { type Instant, toRfc3339 } from '../../kernel/clock.ts';

/** How a column is written, so that spreadsheets can add amounts and sort times and leave ids unchanged. */
export type ColumnKind = 'text' | 'amount' | 'count' | 'time' | 'flag';

export interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
}

/** A cell from the database: amounts are decimal text, times are epoch milliseconds. */
export type Cell = string | number | boolean | null;

const columns = (kind: ColumnKind, ...names: string[]): Column[] => names.map((name) => ({ name, kind }));
const text = (...names: string[]) => columns('text', ...names);
const amount = (...names: string[]) => columns('amount', ...names);
/** Spreadsheet times have no zone, so the column's name states it. */
const time = (...names: string[]) => columns('time', ...names.map((name) => `${name}_utc`));

/** The exports of an event with their columns, which `export.store.ts` selects by name. */
export const EXPORTS = {
  orders: [
    ...text('order_id', 'status'),
    ...time('created_at', 'completed_at', 'cancelled_at'),
    ...text('cancel_reason', 'session_id', 'user_id'),
    ...columns('count', 'tickets'),
    ...amount('subtotal'),
    ...text('discount_code'),
    ...amount('discount_amount', 'price', 'money_taken', 'money_refunded'),
    ...text('payment_intent_id'),
  ],
  tickets: [
    ...text('ticket_id', 'order_id', 'session_id', 'user_id', 'seat_id', 'seat_label', 'tier_id', 'tier_name'),
    ...amount('price_at_purchase'),
    ...time('issued_at'),
    ...columns('flag', 'checked_in'),
    ...time('checked_in_time'),
  ],
  checkins: [
    ...text('ticket_id', 'order_id', 'session_id', 'seat_id', 'seat_label', 'tier_name'),
    ...time('checked_in_time'),
    ...text('checked_in_by'),
  ],
  discounts: [
    ...text('order_id'),
    ...time('created_at'),
    ...text('session_id', 'user_id', 'discount_id', 'discount_code'),
    ...amount('subtotal', 'discount_amount', 'price'),
  ],
} as const satisfies Record<string, readonly Column[]>;

export type Exported = keyof typeof EXPORTS;

/** Without it spreadsheets do not recognise UTF-8. */
const BYTE_ORDER_MARK = '\uFEFF';
const LINE_END = '\r\n';

/** The first line of a CSV file (RFC 4180), with the UTF-8 byte order mark. */
export function csvHeader(columns: readonly Column[]): string {
  return BYTE_ORDER_MARK + columns.map((column) => column.name).join(',') + LINE_END;
}

/** A line of a CSV file. Text that a spreadsheet would take for a formula gets an apostrophe in front. */
export function csvLine(columns: readonly Column[], row: readonly Cell[]): string {
  return columns.map(({ kind }, at) => csvCell(kind, row[at] ?? null)).join(',') + LINE_END;
}

function csvCell(kind: ColumnKind, cell: Cell): string {
  if (cell === null) return '';
  switch (kind) {
    case 'text':
      return quoted(String(cell));
    case 'time':
      return toSeconds(cell as Instant);
    case 'flag':
      return cell ? 'TRUE' : 'FALSE';
    case 'amount':
    case 'count':
      return String(cell);
    default:
      return kind satisfies never;
  }
}

/** Signs that start a formula in some spreadsheet: also the full-width and small forms, and the minus sign. */
const FORMULA_SIGNS = '=+\\-@\uFF1D\uFF0B\uFF0D\uFF20\uFE66\uFE62\uFE63\uFE6B\u2212';
/**
 * Characters that show nothing, which a spreadsheet may remove from the beginning of a cell: spaces of all kinds, controls,
 * what Unicode ignores by default, and two blank symbols. A quote is taken for one as well. Tabs and line breaks begin a
 * cell themselves.
 */
const BLANK = '[[\\p{White_Space}\\p{Cc}\\p{Cf}\\p{Default_Ignorable_Code_Point}\u2800\uFFFC"]--[\\t\\r\\n]]';
/**
 * The place before a formula in a cell. It is also looked for after semicolons: in locales with decimal commas a semicolon
 * ends a cell, even inside quotes.
 */
const BEFORE_FORMULA = new RegExp(`(^|[;\\t\\r\\n])(?=${BLANK}*[${FORMULA_SIGNS}])`, 'gv');
const BREAK = /^[\t\r\n]/;
const NEEDS_QUOTES = /[",\r\n]|^\s|\s$/;

function quoted(value: string): string {
  const hidden = value.replaceAll(BEFORE_FORMULA, "$1'");
  const harmless = BREAK.test(hidden) ? `'${hidden}` : hidden;
  return NEEDS_QUOTES.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

const DATE_CHARS = 10;
const TIME_FROM = 11;
const TIME_TO = 19;

/** `2026-11-24 03:17:15`, which spreadsheets read as a time in every locale. */
function toSeconds(at: Instant): string {
  const iso = toRfc3339(at);
  return `${iso.slice(0, DATE_CHARS)} ${iso.slice(TIME_FROM, TIME_TO)}`;
}

/** A typed cell of a workbook; text in it is never taken for a formula. */
export type WorkbookCell = string | number | boolean | Date | null;

/** The limit of the workbook format. */
const MAX_CELL_CHARS = 32_767;
/** Characters that XML cannot hold, even escaped. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the expression looks for them
const NOT_IN_XML = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g;

/** Spreadsheets read `_x0041_` as an escaped A. */
const READ_AS_ESCAPE = /_(?=x[0-9a-f]{4}_)/gi;

/** A row of a workbook. */
export function workbookRow(columns: readonly Column[], row: readonly Cell[]): WorkbookCell[] {
  return columns.map(({ kind }, at) => workbookCell(kind, row[at] ?? null));
}

function workbookCell(kind: ColumnKind, cell: Cell): WorkbookCell {
  if (cell === null) return null;
  switch (kind) {
    case 'text':
      return String(cell)
        .replaceAll(NOT_IN_XML, '\uFFFD')
        .slice(0, MAX_CELL_CHARS)
        .replaceAll(READ_AS_ESCAPE, '_x005F_');
    case 'amount':
    case 'count':
      return Number(cell);
    case 'time':
      return new Date(Number(cell));
    case 'flag':
      return cell === true;
    default:
      return kind satisfies never;
  }
}

import type { Core } from '../../platform/core.ts';
import type { Feature, Job } from '../../platform/feature.ts';
import type { Access } from '../access/index.ts';
import type { RecordSales } from '../orders/index.ts';
import { saleChanges } from '../sales/index.ts';
import { ExportEvent, type WriteWorkbook } from './export-event.ts';
import { AnalyticsJson } from './json.ts';
import { ListOrders } from './list-orders.ts';
import { listRoutes } from './list-routes.ts';
import { ListTickets } from './list-tickets.ts';
import { LongAnswers } from './long-answers.ts';
import { ReadFigures } from './read-figures.ts';
import { analyticsRoutes } from './routes.ts';
import { addSales, foldCounted } from './sales.store.ts';

export { analyticsChecks } from './checks.store.ts';
export type { ColumnKind } from './export.ts';
export type { WriteWorkbook } from './export-event.ts';
export { addMoney } from './sales.store.ts';

/** How often rows of sums are merged. It changes no sum and makes figures faster. */
const FOLDING_MS = 2_000;

/** The organisers' figures, lists and exports. */
export interface Analytics extends Feature {
  readonly jobs: readonly Job[];
}

export interface AnalyticsNeeds {
  readonly access: Access;
  readonly writeWorkbook: WriteWorkbook;
  /** Maximum number of concurrent exports and long lists. */
  readonly maxExports: number;
}

/** Adds changes of sales to the figures in the transaction that makes them. */
export const addToFigures: RecordSales = (tx, changes) => addSales(tx, saleChanges(changes));

/** Builds the organiser's figures, lists and exports. */
export function createAnalytics({ database }: Core, needs: AnalyticsNeeds): Analytics {
  const { access, writeWorkbook, maxExports } = needs;
  const longAnswers = new LongAnswers(maxExports);
  const json = new AnalyticsJson(database.currency);
  return {
    routes(api) {
      analyticsRoutes(api, new ReadFigures(database, access), json);
      listRoutes(api, json, {
        listOrders: new ListOrders(database, access),
        listTickets: new ListTickets(database, access, longAnswers),
        exportEvent: new ExportEvent(database, access, longAnswers, writeWorkbook),
      });
    },
    jobs: [{ name: 'folding', everyMs: FOLDING_MS, turn: () => foldCounted(database) }],
  };
}
export { analyticsErrors } from './errors.ts';
export type { EventFiguresSchema, ListedOrderSchema } from './schemas.ts';

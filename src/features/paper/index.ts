import type { Core } from '../../platform/core.ts';
import type { Feature } from '../../platform/feature.ts';
import type { Access } from '../access/index.ts';
import type { Catalogue } from '../catalogue/index.ts';
import type { ViewTickets } from '../tickets/index.ts';
import { Drawing } from './drawing.ts';
import { PrintTickets } from './print-tickets.ts';
import { createReadGoodOrder, type GetOrder } from './read-good-order.ts';
import { paperRoutes } from './routes.ts';
import { createWriteCalendar } from './write-calendar.ts';

export interface PaperNeeds {
  readonly access: Access;
  readonly tickets: ViewTickets;
  readonly getOrder: GetOrder;
  readonly catalogue: Catalogue;
  /** IANA time zone of printed times. */
  readonly timeZone: string;
}

export function createPaper(core: Core, { access, tickets, getOrder, catalogue, timeZone }: PaperNeeds): Feature {
  const drawing = new Drawing();
  core.onClose(() => drawing.close());
  const readGoodOrder = createReadGoodOrder(access, getOrder);
  const print = new PrintTickets({ access, readGoodOrder, tickets, catalogue, drawing, timeZone });
  const writeCalendar = createWriteCalendar(core, readGoodOrder, catalogue);
  return { routes: (api) => paperRoutes(api, print, writeCalendar) };
}
export { paperErrors } from './errors.ts';

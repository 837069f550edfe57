import type { Core } from '../../platform/core.ts';
import type { Feature } from '../../platform/feature.ts';
import type { Access } from '../access/index.ts';
import type { Catalogue } from '../catalogue/index.ts';
import type { ViewTickets } from '../tickets/index.ts';
import { Drawing } from './drawing.ts';
import { PrintTickets } from './print-tickets.ts';
import { createReadGoodOrder, type FindOrder } from './read-good-order.ts';
import { paperRoutes } from './routes.ts';
import { WriteCalendar } from './write-calendar.ts';

export interface PaperNeeds {
  readonly access: Access;
  readonly tickets: ViewTickets;
  readonly findOrder: FindOrder;
  readonly catalogue: Catalogue;
  /** IANA time zone of printed times. */
  readonly timeZone: string;
}

/** Builds PDF tickets and calendar files. */
export function createPaper(core: Core, needs: PaperNeeds): Feature {
  const { access, catalogue } = needs;
  const drawing = new Drawing();
  core.onClose(() => drawing.close());
  const readGoodOrder = createReadGoodOrder(access, needs.findOrder);
  const { tickets, timeZone } = needs;
  const print = new PrintTickets({ access, readGoodOrder, tickets, catalogue, drawing, timeZone });
  const calendar = new WriteCalendar(readGoodOrder, catalogue, core.clock);
  return { routes: (api) => paperRoutes(api, print, calendar) };
}
export { paperErrors } from './errors.ts';

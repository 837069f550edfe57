import type { Core } from '../../platform/core.ts';
import type { Feature } from '../../platform/feature.ts';
import type { Once } from '../../platform/http/once.ts';
import type { Access } from '../access/index.ts';
import type { RecordAction } from '../audit/index.ts';
import type { Catalogue } from '../catalogue/index.ts';
import type { HoldSeats, OrderBook } from '../orders/index.ts';
import type { Payments } from '../payments/index.ts';
import { AmendTicket } from './amend-ticket.ts';
import { IssueTicket } from './issue-ticket.ts';
import { BoxOfficeJson } from './json.ts';
import { boxOfficeRoutes } from './routes.ts';
import { VoidTicket } from './void-ticket.ts';

export interface BoxOfficeNeeds {
  readonly orders: OrderBook;
  readonly seats: HoldSeats;
  readonly catalogue: Pick<Catalogue, 'place'>;
  readonly payments: Pick<Payments, 'takeCash' | 'refundTicket'>;
  readonly access: Access;
  readonly audit: { readonly record: RecordAction };
  readonly once: Once;
  readonly holdMs: number;
}

/** Builds the box office: organisers and administrators issue, amend and void tickets. The audit trail has each action. */
export function createBoxOffice(core: Core, needs: BoxOfficeNeeds): Feature {
  const { access, orders, seats, catalogue, payments, audit, once, holdMs } = needs;
  const issue = new IssueTicket(core, { access, orders, seats, catalogue, payments, audit, holdMs });
  const amend = new AmendTicket(core, { access, orders, seats, audit, holdMs });
  const voiding = new VoidTicket(core, { access, orders, payments, audit });
  const json = new BoxOfficeJson(core.database);
  return { routes: (api) => boxOfficeRoutes(api, { issue, amend, void: voiding, once, json }) };
}
export { boxOfficeErrors } from './errors.ts';

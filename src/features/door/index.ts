import type { Core } from '../../platform/core.ts';
import type { Feature } from '../../platform/feature.ts';
import type { Once } from '../../platform/http/once.ts';
import type { Access } from '../access/index.ts';
import type { RecordAction } from '../audit/index.ts';
import type { Catalogue } from '../catalogue/index.ts';
import type { EarlierCodes, TicketJson, TicketSealer, ViewTickets } from '../tickets/index.ts';
import { AllowReentry } from './allow-reentry.ts';
import { CheckIn } from './check-in.ts';
import { ListConflicts } from './list-conflicts.ts';
import { MakeBundle } from './make-bundle.ts';
import { ReadCode } from './read-code.ts';
import { RefusalLog } from './refusal-log.ts';
import { doorRoutes } from './routes.ts';
import type { DoorHours } from './scan.ts';
import { SessionTimesCache } from './session-times.ts';
import { TakeBatch } from './take-batch.ts';
import { UndoCheckIn } from './undo-check-in.ts';

export { doorChecks } from './checks.store.ts';
export type { DoorHours } from './scan.ts';

export interface DoorNeeds {
  readonly access: Access;
  readonly sealer: TicketSealer;
  readonly earlierCodes: EarlierCodes;
  readonly tickets: { readonly views: Pick<ViewTickets, 'find'>; readonly json: TicketJson };
  readonly recordAction: RecordAction;
  readonly catalogue: Catalogue;
  readonly once: Once;
  readonly hours: DoorHours;
}

/** Builds the door: check-in with and without a network. */
export function createDoor({ database, clock, metrics }: Core, needs: DoorNeeds): Feature {
  const { access, sealer, earlierCodes, tickets, recordAction, catalogue, once, hours } = needs;
  const readCode = new ReadCode(sealer, earlierCodes);
  const times = new SessionTimesCache(catalogue, clock);
  return {
    routes: (api) =>
      doorRoutes(api, once, {
        ticketJson: (ticket) => tickets.json.ticket(ticket),
        checkIn: new CheckIn({ database, access, readCode, times, hours, clock }),
        takeBatch: new TakeBatch({ database, access, readCode, clock }),
        makeBundle: new MakeBundle({ database, access, sealer, times }),
        undoCheckIn: new UndoCheckIn({ database, access, tickets: tickets.views, recordAction, clock }),
        allowReentry: new AllowReentry({ database, access, catalogue, recordAction }),
        listConflicts: new ListConflicts(database, access),
        refusedScans: new RefusalLog({
          clock,
          level: 'info',
          message: 'scans were refused',
          maxLinesAMinute: 20,
          count: metrics.refusedScan,
        }),
        refusedBundles: new RefusalLog({
          clock,
          level: 'warn',
          message: 'a user who is not a scanner of the session requested a bundle',
          maxLinesAMinute: 5,
        }),
      }),
  };
}
export { doorErrors } from './errors.ts';
export type { CheckInResponseSchema } from './schemas.ts';

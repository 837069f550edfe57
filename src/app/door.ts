import type { RecordAction } from '../features/audit/list-entries.ts';
import type { Catalogue } from '../features/catalogue/session-info.ts';
import { createCheckIn, createDoorsOf, createReadTicket } from '../features/door/check-in.ts';
import { createMakeBundle } from '../features/door/make-bundle.ts';
import type { DoorHours } from '../features/door/scan.ts';
import { askOnce, rememberScanners } from '../features/door/scanner.service.ts';
import { createTimesOf } from '../features/door/session-times.ts';
import { createTakeBatch } from '../features/door/take-batch.ts';
import { createTurnstile } from '../features/door/turnstile.ts';
import { createDoorOversight, type DoorOversightOptions } from '../features/door/undo-check-in.ts';
import type { EarlierCodes } from '../features/tickets/earlier-codes.ts';
import type { TicketSealer } from '../features/tickets/qr/sealer.ts';
import type { Base } from './foundation.ts';
import type { Postgres, Servers } from './servers.ts';

const MS_PER_HOUR = 3_600_000;
const DEFAULT_DOOR_HOURS = 24;

interface DoorParts {
  readonly sealer: TicketSealer;
  readonly earlierCodes: EarlierCodes;
  readonly recordAction: RecordAction;
  readonly find: DoorOversightOptions['findOrder'];
  readonly catalogue: Catalogue;
}

/** Check-in, with a network and without. */
export function wireDoor(
  base: Base,
  { database }: Postgres,
  { seating }: Servers,
  { sealer, earlierCodes, recordAction, find, catalogue }: DoorParts,
) {
  const { clock } = base;
  const { currency } = base.config;
  const isScanner = rememberScanners(seating);
  const reading = { sealer, findEarlier: earlierCodes.find };
  const readTicket = createReadTicket({ ...reading, isScanner });
  const turnstile = createTurnstile({ database, currency });
  const timesOf = createTimesOf(catalogue.session, clock);
  const doorsOf = createDoorsOf(timesOf, doorHours(base), clock);
  return {
    checkIn: createCheckIn({ readTicket, doorsOf, turnstile, clock }),
    takeBatch: createTakeBatch({
      createReader: () => createReadTicket({ ...reading, isScanner: askOnce(isScanner) }),
      turnstile,
      clock,
    }),
    makeBundle: createMakeBundle({ database, sealer, isScanner, timesOf }),
    oversight: createDoorOversight({
      database,
      seating,
      findOrder: find,
      findSession: catalogue.session,
      recordAction,
      clock,
      currency,
    }),
  };
}

/** The embedded venue's sessions begin days after any start, so its doors are open. */
function doorHours({ config, embedded }: Base): DoorHours {
  const usual = embedded.has('EVENT_SEATING_SERVICE_URL') ? undefined : DEFAULT_DOOR_HOURS;
  const toMs = (hours: number | undefined) => (hours === undefined ? undefined : hours * MS_PER_HOUR);
  return {
    openMsBefore: toMs(config.DOORS_OPEN_HOURS ?? usual),
    closeMsAfter: toMs(config.DOORS_CLOSE_HOURS ?? usual),
  };
}

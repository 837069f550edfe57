import { BOX_OFFICE_FLOWS } from './flows.box-office.ts';
import { DOOR_FLOWS } from './flows.door.ts';
import { MONEY_FLOWS } from './flows.money.ts';
import { ORDER_FLOWS } from './flows.orders.ts';
import { PLATFORM_FLOWS } from './flows.platform.ts';
import type { World } from './world.ts';

/** What people do with the service, from a new database on. It must be free of chance: each time the same points. */
export type Flow = (world: World) => Promise<void>;

/** Together they come through every write and every call; the shortest first, for a point belongs to the first. */
export const FLOWS: Readonly<Record<string, Flow>> = {
  ...PLATFORM_FLOWS,
  ...ORDER_FLOWS,
  ...BOX_OFFICE_FLOWS,
  ...DOOR_FLOWS,
  ...MONEY_FLOWS,
};

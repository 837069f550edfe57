import { BOX_OFFICE_FLOWS } from './flows.box-office.ts';
import { DOOR_FLOWS } from './flows.door.ts';
import { MONEY_FLOWS } from './flows.money.ts';
import { ORDER_FLOWS } from './flows.orders.ts';
import { PLATFORM_FLOWS } from './flows.platform.ts';
import type { World } from './world.ts';

/**
 * The flows that users go through, each from a new database on. A flow must be deterministic, so that it has
 * the same points each time.
 */
export type Flow = (world: World) => Promise<void>;

/**
 * Together they reach every write and every call; the shortest first, because a point belongs to the first
 * flow that reaches it.
 */
export const FLOWS: Readonly<Record<string, Flow>> = {
  ...PLATFORM_FLOWS,
  ...ORDER_FLOWS,
  ...BOX_OFFICE_FLOWS,
  ...DOOR_FLOWS,
  ...MONEY_FLOWS,
};

import { common } from './common.ts';
import { events } from './events.ts';
import { order } from './order.ts';
import { session } from './session.ts';
import { tickets } from './tickets.ts';

export const si = { ...common, ...events, ...session, ...order, ...tickets };

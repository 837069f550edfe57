import { common } from './common.ts';
import { events } from './events.ts';
import { session } from './session.ts';

export const ta = { ...common, ...events, ...session };

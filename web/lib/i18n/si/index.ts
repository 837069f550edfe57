import { common } from './common.ts';
import { events } from './events.ts';

export const si = { ...common, ...events };

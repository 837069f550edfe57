export { liveErrors } from './errors.ts';
export type { EventSink, SalesSignal } from './live.ports.ts';

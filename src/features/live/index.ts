export type { EventSink, SalesSignal } from './live.ports.ts';

export type { Catalogue, SessionInfo } from './catalogue.ports.ts';

export type { Catalogue, SessionInfo } from './session-info.ts';

export { type Catalogue, createCatalogue } from './catalogue.ts';
export type { SessionInfo } from './session-info.ts';

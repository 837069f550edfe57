export { type Catalogue, createCatalogue, type SessionInfo, type SessionPlace } from './catalogue.ts';

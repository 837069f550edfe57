export { type Catalogue, createCatalogue, type SessionInfo } from './catalogue.ts';

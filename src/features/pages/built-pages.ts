import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { BuiltPages } from './page-routes.ts';

const BUILT = fileURLToPath(new URL('../../../web/dist/', import.meta.url));

/** The pages that `npm run build` made; undefined if they have not been built. */
export function findBuiltPages(): BuiltPages | undefined {
  return existsSync(`${BUILT}buyer/index.html`) ? { folder: BUILT } : undefined;
}

import type { Feature } from '../../platform/feature.ts';
import { type BuiltPages, pageRoutes } from './page-routes.ts';
import { settingsRoute } from './routes.ts';
import type { PageSettings } from './schemas.ts';

export { findBuiltPages } from './built-pages.ts';
export type { BuiltPages } from './page-routes.ts';
export type { PageSettings } from './schemas.ts';

export interface PagesNeeds {
  readonly settings: PageSettings;
  /** The files that `npm run build` made; undefined: only the API is served. */
  readonly built: BuiltPages | undefined;
}

/** The pages for people, and the settings that they read from the service. */
export function createPages({ settings, built }: PagesNeeds): Feature {
  return {
    routes: (api) => settingsRoute(api, settings),
    pages(site) {
      if (built) pageRoutes(site, built, settings);
    },
  };
}

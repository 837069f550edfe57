import { problems } from '../../platform/http/schemas.ts';
import type { HttpServer } from '../../platform/http/server.ts';
import { type PageSettings, PageSettingsSchema } from './schemas.ts';

const MAX_AGE_S = 60;

/** The settings of the pages over HTTP. */
export function settingsRoute(scope: HttpServer, settings: PageSettings): void {
  scope.get(
    '/api/order/config',
    {
      config: { access: 'public' },
      schema: {
        tags: ['Pages'],
        summary: 'Settings for web pages: currency, sign-in, catalogue and payment',
        response: { 200: PageSettingsSchema, ...problems },
      },
    },
    async (_request, reply) => {
      reply.header('cache-control', `public, max-age=${MAX_AGE_S}`);
      return settings;
    },
  );
}

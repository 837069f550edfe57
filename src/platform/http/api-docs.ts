import fastifySwagger from '@fastify/swagger';
import fastifySwaggerUi from '@fastify/swagger-ui';
import type { HttpServer } from './server.ts';

/**
 * `/openapi.json` and the pages at `/docs`, made from the schemas that validate. Register it before the routes;
 * a route without a tag (a stand-in's) is left out.
 */
export async function serveApiDocs(app: HttpServer, version: string): Promise<void> {
  await app.register(fastifySwagger, {
    hideUntagged: true,
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'ms-ticketing',
        version,
        description: 'Orders for seats, payments, tickets with QR codes and check-in.',
      },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
    },
    transform: ({ schema, url, route }) => {
      const isPublic = route.config?.access === 'public';
      return { url, schema: { ...schema, ...(isPublic ? {} : { security: [{ bearer: [] }] }) } };
    },
  });
  await app.register(fastifySwaggerUi, { routePrefix: '/docs' });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
}

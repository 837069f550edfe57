import fastifySwagger from '@fastify/swagger';
import fastifySwaggerUi from '@fastify/swagger-ui';
import type { ErrorCode, Errors } from '../../kernel/errors.ts';
import { collectRefusals, documentRefusals } from './refusals.ts';
import type { HttpServer } from './server.ts';

/**
 * Serves `/openapi.json` and the pages at `/docs`, generated from the validation schemas. Register it before the routes.
 * Routes without a tag, which belong to stand-ins, are left out.
 */
export async function serveApiDocs(
  app: HttpServer,
  version: string,
  ofPermission: (permission: string) => readonly ErrorCode[],
): Promise<void> {
  const refusals = collectRefusals(app, ofPermission);
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
    transformObject: (document) =>
      'openapiObject' in document
        ? documentRefusals(document.openapiObject, refusals, app.errors)
        : document.swaggerObject,
  });
  await app.register(fastifySwaggerUi, { routePrefix: '/docs' });
  app.get('/docs/errors', { schema: { hide: true } }, async (_request, reply) =>
    reply.type('text/html; charset=utf-8').send(errorsPage(app.errors)),
  );
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
}

/** The page that the `type` of a problem document links to; each code has an anchor. */
function errorsPage(errors: Errors): string {
  const rows = Object.entries(errors).map(
    ([code, { status, title, retry }]) =>
      `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${retry ? 'yes' : 'no'}</td><td>${title}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Errors</title>
<style>body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem; } td, th { padding: .25rem .75rem; text-align: left; } tr:target { background: #fef3c7; } @media (max-width: 40rem) { body { margin: .75rem; } td, th { padding: .25rem; vertical-align: top; } code { overflow-wrap: anywhere; } }</style></head>
<body><h1>Errors</h1><table><thead><tr><th>Code</th><th>Status</th><th>Retry helps</th><th>What it means</th></tr></thead>
<tbody>${rows.join('')}</tbody></table></body></html>
`;
}

import fastifySwagger from '@fastify/swagger';
import fastifySwaggerUi from '@fastify/swagger-ui';
import type { ErrorCode, Errors } from '../../kernel/errors.ts';
import { collectRefusals, documentRefusals } from './refusals.ts';
import { pagePolicy, sourceHash } from './secure-headers.ts';
import type { HttpServer } from './server.ts';

/** Swagger UI sets styles from its scripts, and calls the API. */
const DOCS_POLICY = pagePolicy(
  "script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; form-action 'none'",
);
const ERRORS_STYLE = `
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem; }
td, th { padding: .25rem .75rem; text-align: left; }
tr:target { background: #fef3c7; }
@media (max-width: 40rem) {
  body { margin: .75rem; }
  td, th { padding: .25rem; vertical-align: top; }
  code { overflow-wrap: anywhere; }
}`;
const ERRORS_POLICY = pagePolicy(`style-src ${sourceHash(ERRORS_STYLE)}; form-action 'none'`);

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
  await app.register(fastifySwaggerUi, { routePrefix: '/docs', staticCSP: DOCS_POLICY });
  app.get('/docs/errors', { schema: { hide: true } }, async (_request, reply) =>
    reply
      .headers({ 'content-type': 'text/html; charset=utf-8', 'content-security-policy': ERRORS_POLICY })
      .send(errorsPage(app.errors)),
  );
  // One text for all requests, so that one that is not read costs nothing.
  let document: Buffer | undefined;
  app.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) => {
    document ??= Buffer.from(JSON.stringify(app.swagger()));
    return reply.type('application/json; charset=utf-8').send(document);
  });
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
<style>${ERRORS_STYLE}</style></head>
<body><h1>Errors</h1><table><thead><tr><th>Code</th><th>Status</th><th>Retry helps</th><th>What it means</th></tr></thead>
<tbody>${rows.join('')}</tbody></table></body></html>
`;
}

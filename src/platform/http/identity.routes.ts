import { principalOf } from './authentication.ts';
import { plainText, problems } from './schemas.ts';
import type { HttpServer } from './server.ts';

/** A route that shows a caller who he is to us. */
export function identityRoutes(scope: HttpServer): void {
  scope.get(
    '/api/secure',
    {
      config: { permission: 'self.read' },
      schema: {
        tags: ['Identity'],
        summary: 'Whom the access token speaks for',
        response: {
          200: plainText('Whom the token speaks for', 'Signed in as aa59a6f4-b86c-4fdf-8440-3cb190b40159'),
          ...problems,
        },
      },
    },
    async (request, reply) => reply.type('text/plain').send(`Signed in as ${principalOf(request).userId}`),
  );
}

import { principalOf } from './authentication.ts';
import { plainText, problems } from './schemas.ts';
import type { HttpServer } from './server.ts';

/** A route that shows callers their own user id. */
export function identityRoutes(scope: HttpServer): void {
  scope.get(
    '/api/secure',
    {
      config: { permission: 'self.read' },
      schema: {
        tags: ['Identity'],
        summary: 'User of the access token',
        response: {
          200: plainText('User of the token', 'Signed in as aa59a6f4-b86c-4fdf-8440-3cb190b40159'),
          ...problems,
        },
      },
    },
    async (request, reply) => reply.type('text/plain').send(`Signed in as ${principalOf(request).userId}`),
  );
}

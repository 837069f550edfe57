import Fastify from 'fastify';
import { expect, test } from 'vitest';
import { instant } from '../../../src/kernel/clock.ts';
import { AppError } from '../../../src/kernel/errors.ts';
import { as } from '../../../src/kernel/ids.ts';
import { principalOf, requireAuthentication } from '../../../src/platform/http/authentication.ts';
import type { HttpServer } from '../../../src/platform/http/server.ts';

/** The token is the caller’s name; that of a service begins with `service`. */
const verifier = {
  verify: async (token: string) => ({
    userId: as<never>(token),
    isAdmin: false,
    scopes: [],
    expiresAt: instant(0),
    ...(token.startsWith('service') ? { isMachine: true as const } : {}),
  }),
};

test('a service’s token is refused unless the route names services', async () => {
  const app = Fastify() as unknown as HttpServer;
  app.setErrorHandler((error, _request, reply) => reply.code(403).send(error instanceof AppError ? error.code : ''));
  requireAuthentication(app, verifier);
  app.get('/users', { config: { permission: 'self.read' } }, async (request) => principalOf(request).userId);
  app.get(
    '/all',
    { config: { permission: 'self.read', machines: true } },
    async (request) => principalOf(request).userId,
  );
  const answerTo = async (url: string, token: string) =>
    (await app.inject({ url, headers: { authorization: `Bearer ${token}` } })).body;
  expect(await answerTo('/users', 'buyer')).toBe('buyer');
  expect(await answerTo('/users', 'service-1')).toBe('forbidden');
  expect(await answerTo('/all', 'service-1')).toBe('service-1');
});

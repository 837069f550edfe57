import { createServer } from 'node:http';
import Fastify, { type FastifyPluginAsync } from 'fastify';
import { onTestFinished } from 'vitest';
import { close, listen } from './servers.ts';

/** A Fastify app without routes on a server that already listens: what is registered may need its address. */
export async function listeningApp() {
  const server = createServer();
  const url = await listen(server);
  const app = Fastify({
    serverFactory: (handler) => {
      server.on('request', handler);
      return server;
    },
  });
  return { server, url, app };
}

/** A bare server for one embedded part: the address is known before the part is created, as in the service. */
export async function hostEmbedded(
  make: (url: string) => Promise<{ readonly plugin: FastifyPluginAsync }>,
): Promise<string> {
  const { server, url, app } = await listeningApp();
  const part = await make(url);
  await app.register(part.plugin);
  await app.ready();
  onTestFinished(() => close(server));
  return url;
}

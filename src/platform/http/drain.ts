import { AppError } from '../../kernel/errors.ts';
import type { HttpServer } from './server.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answered also while the process stops: it asks how that is. */
    readonly whileStopping?: true;
  }
}

/** Counts the requests of a scope and the work for them, so that a stop can let both finish. */
export interface Drain {
  /** Refuses requests from now on and resolves when those under way are answered and worked off, or after `timeoutMs`. */
  finish(timeoutMs: number): Promise<void>;
  isOpen(): boolean;
}

/**
 * Watches the scope's requests, and their handlers, which work on when a client has gone away. While stopping, new ones but
 * probes get 503 and are sent to another replica. Create it before the routes.
 */
export function createDrain(scope: HttpServer): Drain {
  let open = true;
  let underWay = 0;
  const idle = Promise.withResolvers<void>();

  function end(): void {
    underWay -= 1;
    if (!open && underWay === 0) idle.resolve();
  }

  scope.addHook('onRoute', (route) => {
    const { handler } = route;
    route.handler = async function work(request, reply) {
      underWay += 1;
      try {
        return await handler.call(this, request, reply);
      } finally {
        end();
      }
    };
  });

  scope.addHook('onRequest', async (request, reply) => {
    underWay += 1;
    // The one event that comes for every response, also when its client has gone away.
    reply.raw.once('close', end);
    if (open) return;
    reply.header('connection', 'close');
    if (request.routeOptions.config.whileStopping) return;
    throw new AppError('shutting_down', 'This replica is stopping. Try again.');
  });

  return {
    isOpen: () => open,
    async finish(timeoutMs) {
      open = false;
      if (underWay === 0) return;
      const timer = setTimeout(idle.resolve, timeoutMs);
      await idle.promise;
      clearTimeout(timer);
    },
  };
}

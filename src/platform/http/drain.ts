import { AppError } from '../../kernel/errors.ts';
import type { HttpServer } from './server.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answered also while the process stops: it asks how that is. */
    readonly whileStopping?: true;
  }
}

/** Counts the requests of a scope, so that a stop can let them finish. */
export interface Drain {
  /** Refuses requests from now on and resolves when those under way are answered, or after `timeoutMs`. */
  finish(timeoutMs: number): Promise<void>;
  isOpen(): boolean;
}

/** Watches the scope's requests. While stopping, new ones but probes get 503 and are sent to another replica. */
export function createDrain(scope: HttpServer): Drain {
  let open = true;
  let underWay = 0;
  const idle = Promise.withResolvers<void>();

  scope.addHook('onRequest', async (request, reply) => {
    underWay += 1;
    // The one event that comes for every response, also when its client has gone away.
    reply.raw.once('close', () => {
      underWay -= 1;
      if (!open && underWay === 0) idle.resolve();
    });
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

import { AppError } from '../../kernel/errors.ts';
import type { HttpServer } from './server.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answered also while the process stops: it asks how that is. */
    readonly whileStopping?: true;
  }
}

/**
 * How a process leaves its balancer: it serves; after `leave` it is not ready, serves as before and keeps no connection;
 * `finish` waits for what is under way; from then on it refuses. It never returns to an earlier state.
 */
export interface Drain {
  /** False from `leave` on. */
  isOpen(): boolean;
  /** Makes it not ready. Requests are answered as before, each as the last of its connection. */
  leave(): void;
  /**
   * Resolves when what is under way is answered and worked off, or after `timeoutMs`, with the number of requests that were
   * not. New requests are refused from then on.
   */
  finish(timeoutMs: number): Promise<number>;
}

/**
 * Watches the scope's requests, and their handlers, which work on when a client has gone away. Create it before the routes.
 */
export function createDrain(scope: HttpServer): Drain {
  let phase: 'open' | 'leaving' | 'finished' = 'open';
  let working = 0;
  let unanswered = 0;
  let isFinishing = false;
  const idle = Promise.withResolvers<void>();

  function settle(): void {
    if (isFinishing && working + unanswered === 0) idle.resolve();
  }

  scope.addHook('onRoute', (route) => {
    const { handler } = route;
    route.handler = async function work(request, reply) {
      working += 1;
      try {
        return await handler.call(this, request, reply);
      } finally {
        working -= 1;
        settle();
      }
    };
  });

  scope.addHook('onRequest', (request, reply, done) => {
    unanswered += 1;
    // The one event that comes for every response, also when its client has gone away.
    reply.raw.once('close', () => {
      unanswered -= 1;
      settle();
    });
    const isRefused = phase === 'finished' && !request.routeOptions.config.whileStopping;
    done(isRefused ? new AppError('shutting_down', 'This replica is stopping. Try again.') : undefined);
  });

  scope.addHook('onSend', (_request, reply, payload, done) => {
    if (phase !== 'open') reply.header('connection', 'close');
    done(null, payload);
  });

  return {
    isOpen: () => phase === 'open',
    leave() {
      if (phase === 'open') phase = 'leaving';
    },
    async finish(timeoutMs) {
      this.leave();
      isFinishing = true;
      settle();
      const timer = setTimeout(idle.resolve, timeoutMs);
      await idle.promise;
      clearTimeout(timer);
      phase = 'finished';
      return Math.max(working, unanswered);
    },
  };
}

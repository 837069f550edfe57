import { AppError } from '../../kernel/errors.ts';
import { withTimeLimit } from '../../kernel/time-limit.ts';
import type { HttpServer } from './server.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route answers also while the process stops, because it reports on the process. */
    readonly whileStopping?: true;
  }
}

/**
 * How a process leaves its load balancer. It counts the requests of the scope and their handlers, which keep working when a
 * client disconnects. Create it before the routes.
 *
 * | phase    | ready | requests                                                    | next                                  |
 * |----------|-------|-------------------------------------------------------------|---------------------------------------|
 * | open     | yes   | answered                                                    | leaving, by `leave`                   |
 * | leaving  | no    | answered, each as the last of its connection                | finished, when idle or out of time    |
 * | finished | no    | refused with `shutting_down`, except `whileStopping` routes | -                                     |
 */
export class Drain {
  #phase: 'open' | 'leaving' | 'finished' = 'open';
  #working = 0;
  #unanswered = 0;
  #isFinishing = false;
  readonly #idle = Promise.withResolvers<void>();

  constructor(scope: HttpServer) {
    const drain = this;
    scope.addHook('onRoute', (route) => {
      const { handler } = route;
      route.handler = async function work(request, reply) {
        drain.#working += 1;
        try {
          return await handler.call(this, request, reply);
        } finally {
          drain.#working -= 1;
          drain.#settle();
        }
      };
    });
    scope.addHook('onRequest', (request, reply, done) => {
      this.#unanswered += 1;
      // The one event that every response emits, also when its client has disconnected.
      reply.raw.once('close', () => {
        this.#unanswered -= 1;
        this.#settle();
      });
      const isRefused = this.#phase === 'finished' && !request.routeOptions.config.whileStopping;
      done(isRefused ? new AppError('shutting_down', 'This replica is stopping. Try again.') : undefined);
    });
    scope.addHook('onSend', (_request, reply, payload, done) => {
      if (this.#phase !== 'open') reply.header('connection', 'close');
      done(null, payload);
    });
  }

  isOpen(): boolean {
    return this.#phase === 'open';
  }

  /** Makes the process not ready. */
  leave(): void {
    if (this.#phase === 'open') this.#phase = 'leaving';
  }

  /**
   * Waits until all requests are answered and their handlers have ended, for at most `timeoutMs`; then refuses new requests.
   * Resolves with the number of requests that were not finished.
   */
  async finish(timeoutMs: number): Promise<number> {
    this.leave();
    this.#isFinishing = true;
    this.#settle();
    await withTimeLimit(timeoutMs, this.#idle.promise, () => undefined);
    this.#phase = 'finished';
    return Math.max(this.#working, this.#unanswered);
  }

  #settle(): void {
    if (this.#isFinishing && this.#working + this.#unanswered === 0) this.#idle.resolve();
  }
}

import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { backgroundWork, startBackground, type Work } from './app/background.ts';
import { wireFeatures } from './app/features.ts';
import { closeInReverse, layFoundation, type Overrides, tellUp } from './app/foundation.ts';
import { serveHttp } from './app/http.ts';
import { connectServers, openPostgres } from './app/servers.ts';
import type { Config } from './config.ts';
import type { HttpServer } from './platform/http/server.ts';

export { STOP_TIMEOUT_MS, type Work } from './app/background.ts';
export {
  logMigrations,
  logStart,
  type Overrides,
  systemClock,
  upAt,
  type Watch,
} from './app/foundation.ts';
export { buildReconcile } from './app/money.ts';

export interface App {
  readonly http: HttpServer;
  /** Where it answers, for people. */
  readonly url: string;
  /** The background work that `start` repeats; a simulator does it itself. */
  readonly work: Work;
  /** Begins the background work; requests are answered from the moment `buildApp` resolves. */
  start(): void;
  readonly log: Logger;
  /**
   * Stops cleanly: it is not ready from now on and serves for `delayMs` more, takes no new request, finishes those under way,
   * hands background work over and closes its connections.
   */
  close(delayMs?: number): Promise<void>;
}

/**
 * The whole service, wired by hand from top to bottom: what it stands on, the servers real or embedded, the features,
 * HTTP, background work. Nothing is left running when it throws.
 */
export async function buildApp(config: Config, overrides: Overrides = {}): Promise<App> {
  const closing = closeInReverse();
  try {
    const foundation = await layFoundation(config, overrides, closing);
    const database = await openPostgres(foundation);
    const base = { ...foundation, clock: database.clock };
    const servers = await connectServers(base, database);
    const features = await wireFeatures(base, database, servers);
    const work = backgroundWork(base, database, servers, features);
    const { http, drain } = await serveHttp(base, database, servers, features);
    return {
      http,
      url: base.publicUrl,
      work,
      log: base.log,
      start() {
        startBackground(base, work, drain, {
          kafka: servers.kafka,
          streams: features.live,
          jobs: features.jobs,
          clockWatch: database.clockWatch,
        });
        tellUp(base);
      },
      async close(delayMs = 0) {
        drain.leave();
        base.log.info({ delayMs }, 'not ready any more, and serving until the delay has passed');
        await pause(delayMs);
        await closing.run();
      },
    };
  } catch (error) {
    await closing.run();
    throw error;
  }
}

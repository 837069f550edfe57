import { buildApp } from '../../src/app.ts';
import { type Environment, readConfig } from '../../src/config.ts';
import { instant } from '../../src/kernel/clock.ts';
import { createFileEventLog } from './event-log-file.ts';
import { type Reached, watchPoints } from './points.ts';

/** What the test may cause besides HTTP requests: events of the world around the service. */
export type Happening =
  /** Time passes. */
  | { readonly kind: 'clock'; readonly aheadMs: number }
  /** Another system sends a message. */
  | { readonly kind: 'deliver'; readonly topic: string; readonly value: string }
  /** The event log refuses some messages, or accepts all again. */
  | { readonly kind: 'refuse'; readonly keys: 'none' | 'all' | { readonly key: string } }
  /** The daily comparison of payments with Stripe is due. */
  | { readonly kind: 'reconcile' };

export interface Service {
  readonly url: string;
  /** Rejects when the service refuses it, or ends before it answers. */
  ask(happening: Happening): Promise<unknown>;
  end(): Promise<void>;
}

/**
 * The service as production builds it, on the event log in a file (`EVENT_LOG`) and a clock that the test
 * advances (`CLOCK_AHEAD_MS`). `reached` is called at its points.
 */
export async function runService(environment: Environment, reached?: Reached): Promise<Service> {
  const clock = createClock(Number(environment.CLOCK_AHEAD_MS));
  const eventLog = createFileEventLog(environment.EVENT_LOG ?? '');
  const watch = reached ? { watch: watchPoints(reached) } : {};
  const app = await buildApp(readConfig(environment), { ...watch, eventLog, clock });
  app.start();
  const address = app.http.server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    async ask(happening) {
      switch (happening.kind) {
        case 'clock':
          return clock.setAhead(happening.aheadMs);
        case 'deliver':
          return eventLog.deliver({
            eventId: crypto.randomUUID(),
            topic: happening.topic,
            key: '',
            value: happening.value,
            committedAt: clock.now(),
          });
        case 'refuse':
          return eventLog.refuse(happening.keys);
        case 'reconcile':
          return app.turn('reconciliation');
        default:
          return happening satisfies never;
      }
    },
    end: () => app.close(),
  };
}

/** Real time plus what the test lets pass. */
function createClock(aheadMs: number) {
  let ahead = aheadMs;
  return {
    now: () => instant(Date.now() + ahead),
    setAhead(ms: number) {
      ahead = Math.max(ahead, ms);
    },
  };
}

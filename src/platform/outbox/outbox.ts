import { MS_PER_SECOND } from '../../kernel/clock.ts';
import type { Core } from '../core.ts';
import type { Feature } from '../feature.ts';
import { lagOf, type OutboxLag } from './outbox.store.ts';
import { type OutboxNeeds, RELAY_POLL_MS, Relay } from './relay.ts';

/** How far publishing is behind; `seconds` is the age of the oldest unpublished message. */
export interface Lag extends Pick<OutboxLag, 'waiting' | 'blocked'> {
  readonly seconds: number;
}

/** Publishes the events of transactions. */
export interface Outbox extends Feature {
  lag(): Promise<Lag>;
}

/** Builds the outbox. Its relay is a job that each stored event wakes. */
export function createOutbox({ database, clock, failed }: Core, needs: OutboxNeeds): Outbox {
  const relay = new Relay({ database, clock, ...needs, onError: failed('relay') });
  return {
    jobs: [{ name: 'relay', everyMs: RELAY_POLL_MS, turn: () => relay.turn() }],
    async lag() {
      const { waiting, oldest, blocked } = await lagOf(database);
      const seconds = oldest === null ? 0 : Math.max(0, (clock.now() - oldest) / MS_PER_SECOND);
      return { waiting, blocked, seconds };
    },
  };
}

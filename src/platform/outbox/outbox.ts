import { MS_PER_SECOND } from '../../kernel/clock.ts';
import type { EventPublisher, TopicNames } from '../../kernel/events.ts';
import type { Core } from '../core.ts';
import type { Feature } from '../feature.ts';
import type { Leader } from '../postgres/leader.ts';
import { lagOf } from './outbox.store.ts';
import { RELAY_POLL_MS, Relay } from './relay.ts';

/** How far publishing is behind. */
export interface Lag {
  readonly waiting: number;
  /** Keys that are blocked by a message that could not be published. */
  readonly blocked: number;
  /** Age of the oldest unpublished message. */
  readonly seconds: number;
}

/** Publishes the events of transactions. */
export interface Outbox extends Feature {
  /** How far publishing is behind. */
  lag(): Promise<Lag>;
}

export interface OutboxNeeds {
  readonly publisher: EventPublisher;
  /** Chooses the replica that publishes. */
  readonly leader: Pick<Leader, 'leads'>;
  readonly topics: TopicNames;
  /** How long published messages stay in the outbox. */
  readonly retentionMs: number;
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

import { MS_PER_SECOND } from '../../kernel/clock.ts';
import type { EventPublisher, TopicNames } from '../../kernel/events.ts';
import type { Core } from '../core.ts';
import type { Feature } from '../feature.ts';
import type { Leader } from '../postgres/leader.ts';
import { outboxChecks } from './checks.store.ts';
import { lagOf } from './outbox.store.ts';
import { createRelay, RELAY_POLL_MS } from './relay.ts';

/** How far publishing is behind. */
export interface Lag {
  readonly waiting: number;
  /** Messages that wait because they could not be published. */
  readonly blocked: number;
  /** Age of the oldest that waits. */
  readonly seconds: number;
}

/** Publishes what transactions announce. */
export interface Outbox extends Feature {
  /** How far publishing is behind. */
  lag(): Promise<Lag>;
}

export interface OutboxNeeds {
  readonly publisher: EventPublisher;
  /** Which of the replicas publishes. */
  readonly leader: Pick<Leader, 'leads'>;
  readonly topics: TopicNames;
  /** How long published messages are kept. */
  readonly retentionMs: number;
}

/** Builds the outbox: its relay is a job, woken by each stored announcement. */
export function createOutbox({ database, clock, failed }: Core, needs: OutboxNeeds): Outbox {
  const turn = createRelay({ database, clock, ...needs, onError: failed('relay') });
  return {
    jobs: [{ name: 'relay', everyMs: RELAY_POLL_MS, turn }],
    checks: outboxChecks,
    async lag() {
      const { waiting, oldest, blocked } = await lagOf(database);
      const seconds = oldest === null ? 0 : Math.max(0, (clock.now() - oldest) / MS_PER_SECOND);
      return { waiting, blocked, seconds };
    },
  };
}

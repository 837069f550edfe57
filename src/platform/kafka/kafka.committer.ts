import type { Consumer } from '@platformatic/kafka';
import { within } from './kafka.client.ts';

/** Where a message stands in its topic. */
export interface Position {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly leaderEpoch: number;
}

/** Commits what was handled, one request at a time; those that come meanwhile go together with the next. */
export interface Committer {
  /** The message at this position, and all before it in its partition, have had their effect. */
  commit(position: Position): void;
  /** Resolves when all is committed or could not be, within `timeoutMs`. */
  finish(timeoutMs: number): Promise<void>;
}

/** `onFailure` hears of a commit that failed for good: the reading must begin anew then. */
export function createCommitter(
  consumer: Pick<Consumer, 'commit' | 'assignments'>,
  onFailure: (error: unknown) => void,
): Committer {
  const due = new Map<string, Position>();
  let flushing: Promise<void> | undefined;

  async function flush(): Promise<void> {
    while (due.size > 0) {
      const offsets = [...due.values()].map((position) => ({ ...position, offset: position.offset + 1n }));
      due.clear();
      await consumer.commit({ offsets });
    }
  }

  return {
    commit({ topic, partition, offset, leaderEpoch }) {
      // Shared out to another meanwhile, who gives it again and commits for himself.
      const isOurs = consumer.assignments?.some(
        (assigned) => assigned.topic === topic && assigned.partitions.includes(partition),
      );
      if (!isOurs) return;
      due.set(`${topic} ${partition}`, { topic, partition, offset, leaderEpoch });
      flushing ??= flush()
        .catch(onFailure)
        .finally(() => {
          flushing = undefined;
        });
    },
    async finish(timeoutMs) {
      await within(timeoutMs, 'the last commit', flushing ?? Promise.resolve()).catch(onFailure);
    },
  };
}

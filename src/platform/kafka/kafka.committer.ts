import type { Consumer } from '@platformatic/kafka';
import { singleFlight } from '../../kernel/concurrency.ts';
import { within } from './kafka.client.ts';

/** The position of a message in its topic. */
export interface Position {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly leaderEpoch: number;
}

/**
 * Commits the positions of handled messages, one request at a time; positions that arrive during a request are committed
 * together by the next one. `onFailure` is called when a commit fails for good: reading must then start again.
 */
export class Committer {
  readonly #consumer: Pick<Consumer, 'commit' | 'assignments'>;
  readonly #due = new Map<string, Position>();
  readonly #onFailure: (error: unknown) => void;
  readonly #flush = singleFlight(() => this.#commitDue().catch(this.#onFailure));

  constructor(consumer: Pick<Consumer, 'commit' | 'assignments'>, onFailure: (error: unknown) => void) {
    this.#consumer = consumer;
    this.#onFailure = onFailure;
  }

  /** The message at this position, and all earlier ones of its partition, have been handled. */
  commit({ topic, partition, offset, leaderEpoch }: Position): void {
    // Another member may have been assigned the partition; it handles the message again and commits it.
    const isOurs = this.#consumer.assignments?.some(
      (assigned) => assigned.topic === topic && assigned.partitions.includes(partition),
    );
    if (!isOurs) return;
    this.#due.set(`${topic} ${partition}`, { topic, partition, offset, leaderEpoch });
    void this.#flush();
  }

  /** Resolves when every position is committed or could not be, or after `timeoutMs`. */
  async finish(timeoutMs: number): Promise<void> {
    await within(timeoutMs, 'the last commit', this.#flush()).catch(this.#onFailure);
  }

  async #commitDue(): Promise<void> {
    while (this.#due.size > 0) {
      const offsets = [...this.#due.values()].map((each) => ({ ...each, offset: each.offset + 1n }));
      this.#due.clear();
      await this.#consumer.commit({ offsets });
    }
  }
}

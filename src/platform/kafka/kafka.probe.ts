import { abandon, createAdmin, type KafkaAccess, KafkaError, within } from './kafka.client.ts';

/** A check of the brokers, without a cache. */
export interface KafkaProbe {
  /** Resolves when a broker answers and each partition of the topics has a leader; rejects otherwise, within `timeoutMs`. */
  check(timeoutMs: number, topics?: readonly string[]): Promise<void>;
  close(): void;
}

/** Up to this many configured brokers are asked at the same time, so that an unavailable one causes no delay. */
const MAX_BROKERS = 3;
/** Longer than a check: a connection that is established too late serves the next check. */
const BOUNDS = { connectTimeoutMs: 3_000, requestTimeoutMs: 3_000, retries: 0, retryDelayMs: 0 };

export function createKafkaProbe(access: KafkaAccess): KafkaProbe {
  const admins = access.brokers
    .slice(0, MAX_BROKERS)
    .map((broker) => createAdmin({ ...access, brokers: [broker] }, BOUNDS));
  return {
    async check(timeoutMs, topics = []) {
      const action = 'Kafka was asked for its topics';
      const asked = Promise.any(admins.map((admin) => admin.metadata({ topics: [...topics], forceUpdate: true })));
      const { topics: known } = await within(timeoutMs, action, asked).catch((error: unknown) => {
        throw error instanceof KafkaError ? error : new KafkaError(action, error);
      });
      const headless = topics.filter((topic) => known.get(topic)?.partitions.some((partition) => partition.leader < 0));
      if (headless.length > 0) throw new KafkaError(action, `no leader for ${headless.join(', ')}`);
    },
    close() {
      for (const admin of admins) abandon(admin);
    },
  };
}

import { Admin } from '@platformatic/kafka';
import { abandon, clientOptions, type KafkaAccess, KafkaError, within } from './kafka.client.ts';

/** Asks the brokers, each time anew. */
export interface KafkaProbe {
  /** Resolves when a broker answers and each partition of these topics has a leader; rejects otherwise, in time. */
  check(timeoutMs: number, topics?: readonly string[]): Promise<void>;
  close(): void;
}

const REQUEST_TIMEOUT_MS = 800;
/** However many brokers are named, one of them is heard within this. */
const CONNECT_TIMEOUT_MS = 800;
const MIN_CONNECT_TIMEOUT_MS = 200;

export function createKafkaProbe(access: KafkaAccess): KafkaProbe {
  const admin = new Admin({
    ...clientOptions(access, {
      connectTimeoutMs: Math.max(MIN_CONNECT_TIMEOUT_MS, CONNECT_TIMEOUT_MS / access.brokers.length),
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      retries: 0,
      retryDelayMs: 0,
    }),
  });
  admin.on('error', () => undefined);
  return {
    async check(timeoutMs, topics = []) {
      const doing = 'Kafka was asked for its topics';
      const asked = admin.metadata({ topics: [...topics], forceUpdate: true });
      const { topics: known } = await within(timeoutMs, doing, asked).catch((error: unknown) => {
        throw error instanceof KafkaError ? error : new KafkaError(doing, error);
      });
      const headless = topics.filter((topic) =>
        known.get(topic)?.partitions.some((partition) => partition.leader < 0),
      );
      if (headless.length > 0) throw new KafkaError(doing, `no leader for ${headless.join(', ')}`);
    },
    close: () => abandon(admin),
  };
}

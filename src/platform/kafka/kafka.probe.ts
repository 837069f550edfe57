import { Admin } from '@platformatic/kafka';
import { abandon, clientOptions, type KafkaAccess, KafkaError, within } from './kafka.client.ts';

/** Asks the brokers, each time anew. */
export interface KafkaProbe {
  /** Resolves when a broker answers and each partition of these topics has a leader; rejects otherwise, in time. */
  check(timeoutMs: number, topics?: readonly string[]): Promise<void>;
  close(): void;
}

/** So many of the brokers named are asked side by side: one that is dead does not make the others wait. */
const MAX_ASKED = 3;
/** Longer than a check may take: a connection that is slow to come is there for the next. */
const CONNECT_TIMEOUT_MS = 3_000;
const REQUEST_TIMEOUT_MS = 3_000;

export function createKafkaProbe(access: KafkaAccess): KafkaProbe {
  const admins = access.brokers
    .slice(0, MAX_ASKED)
    .map((broker) => createAdmin({ ...access, brokers: [broker] }));
  return {
    async check(timeoutMs, topics = []) {
      const doing = 'Kafka was asked for its topics';
      const asked = Promise.any(
        admins.map((admin) => admin.metadata({ topics: [...topics], forceUpdate: true })),
      );
      const { topics: known } = await within(timeoutMs, doing, asked).catch((error: unknown) => {
        throw error instanceof KafkaError ? error : new KafkaError(doing, error);
      });
      const headless = topics.filter((topic) =>
        known.get(topic)?.partitions.some((partition) => partition.leader < 0),
      );
      if (headless.length > 0) throw new KafkaError(doing, `no leader for ${headless.join(', ')}`);
    },
    close() {
      for (const admin of admins) abandon(admin);
    },
  };
}

function createAdmin(access: KafkaAccess): Admin {
  const admin = new Admin(
    clientOptions(access, {
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      retries: 0,
      retryDelayMs: 0,
    }),
  );
  admin.on('error', () => undefined);
  return admin;
}

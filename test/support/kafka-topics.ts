import { randomUUID } from 'node:crypto';
import { Admin, Consumer, stringDeserializers } from '@platformatic/kafka';
import { onTestFinished } from 'vitest';
import type { KafkaAccess } from '../../src/platform/kafka/kafka.client.ts';

/** A record as it stands in a topic, read by a client that knows nothing of ours. */
export interface StoredRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly value: string;
  readonly headers: Record<string, string>;
  readonly timestamp: number;
}

/** Who asks nothing and says nothing: the plain listener. */
export function plainAccess(broker: string): KafkaAccess {
  return { brokers: [broker], clientId: 'tests', tls: undefined, sasl: undefined };
}

/** Everything in these topics, now and later, in the order of each partition. */
export async function watchTopics(broker: string, topics: readonly string[]): Promise<StoredRecord[]> {
  const consumer = new Consumer<string, string, string, string>({
    clientId: 'onlooker',
    groupId: `onlooker-${randomUUID()}`,
    bootstrapBrokers: [broker],
    maxWaitTime: 200,
    deserializers: stringDeserializers,
  });
  const seen: StoredRecord[] = [];
  const stream = await consumer.consume({ topics: [...topics], mode: 'earliest', autocommit: false });
  stream.on('data', (message) => {
    seen.push({
      topic: message.topic,
      partition: message.partition,
      offset: Number(message.offset),
      key: message.key ?? '',
      value: message.value ?? '',
      headers: Object.fromEntries(message.headers),
      timestamp: Number(message.timestamp),
    });
  });
  stream.on('error', () => undefined);
  onTestFinished(() => consumer.close(true).catch(() => undefined));
  return seen;
}

/** Asks a broker as its operator does. */
export async function asOperator<Result>(
  broker: string,
  ask: (admin: Admin) => Promise<Result>,
): Promise<Result> {
  const admin = new Admin({ clientId: 'operator', bootstrapBrokers: [broker] });
  try {
    return await ask(admin);
  } finally {
    await admin.close();
  }
}

import { randomUUID } from 'node:crypto';
import { Consumer, stringDeserializers } from '@platformatic/kafka';

/** A record as it stands in a topic, read by a client that shares no code with ours. */
export interface StoredRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly value: string;
  readonly headers: Record<string, string>;
  readonly timestamp: number;
}

/** Reads topics from their beginning, each partition in its order; `onSeen` is called for each record at once. */
export async function openOnlooker(
  broker: string,
  topics: readonly string[],
  onSeen: (record: StoredRecord) => void = () => undefined,
) {
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
    const record = {
      topic: message.topic,
      partition: message.partition,
      offset: Number(message.offset),
      key: message.key ?? '',
      value: message.value ?? '',
      headers: Object.fromEntries(message.headers),
      timestamp: Number(message.timestamp),
    };
    seen.push(record);
    onSeen(record);
  });
  stream.on('error', () => undefined);
  return { seen, close: () => consumer.close(true) };
}

import { Producer, stringSerializers } from '@platformatic/kafka';

/** Sends as another service does: without headers, without idempotence, with any text. */
export async function sendToTopic(
  broker: string,
  topic: string,
  messages: readonly { readonly key: string; readonly value: string }[],
): Promise<void> {
  const producer = new Producer<string, string, string, string>({
    clientId: 'another-service',
    bootstrapBrokers: [broker],
    serializers: stringSerializers,
  });
  try {
    await producer.send({ messages: messages.map((message) => ({ topic, ...message })), acks: -1 });
  } finally {
    await producer.close();
  }
}

import { Admin } from '@platformatic/kafka';
import { onTestFinished } from 'vitest';
import type { KafkaAccess } from '../../src/platform/kafka/kafka.client.ts';
import { openOnlooker, type StoredRecord } from './kafka-onlooker.ts';

/** The plain listener, without authentication. */
export function plainAccess(broker: string): KafkaAccess {
  return { brokers: [broker], clientId: 'tests', tls: undefined, sasl: undefined };
}

/** Everything in these topics, now and later, for as long as the test runs. */
export async function watchTopics(broker: string, topics: readonly string[]): Promise<StoredRecord[]> {
  const onlooker = await openOnlooker(broker, topics);
  onTestFinished(() => onlooker.close().catch(() => undefined));
  return onlooker.seen;
}

/** Queries a broker as its operator does. */
export async function asOperator<Result>(broker: string, ask: (admin: Admin) => Promise<Result>): Promise<Result> {
  const admin = new Admin({ clientId: 'operator', bootstrapBrokers: [broker] });
  try {
    return await ask(admin);
  } finally {
    await admin.close();
  }
}

import { expect, test } from 'vitest';
import { instant } from '../../../src/kernel/clock.ts';
import type { EventMessage } from '../../../src/kernel/events.ts';
import { KafkaError } from '../../../src/platform/kafka/kafka.client.ts';
import { batchesOf } from '../../../src/platform/kafka/kafka.publisher.ts';

const message = (bytes: number, key = 'k'): EventMessage => ({
  eventId: 'e',
  topic: 't',
  key,
  value: 'x'.repeat(bytes),
  committedAt: instant(0),
});

test('a batch stays under half a mebibyte unless one message alone is larger; none is lost or reordered', () => {
  const messages = [200_000, 200_000, 200_000, 900_000, 10, 10].map((bytes, at) => message(bytes, `${at}`));
  const batches = [...batchesOf(messages)];
  expect(batches.map((batch) => batch.map(({ key }) => key))).toEqual([['0', '1'], ['2'], ['3'], ['4', '5']]);
  expect([...batchesOf([])]).toEqual([]);
});

test('a Kafka error names each innermost reason once, without the messages that were sent', () => {
  const inner = Object.assign(new Error('Too large.'), { apiId: 'MESSAGE_TOO_LARGE', response: 'secret' });
  const layers = new AggregateError([
    new AggregateError([inner, inner], 'failed'),
    new Error('outer', { cause: 'closed' }),
  ]);
  expect(new KafkaError('published', layers).message).toBe('published: MESSAGE_TOO_LARGE: Too large.; closed');
});

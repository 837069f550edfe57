import { startKafka } from '../../test/support/kafka-server.ts';
import { toClose } from './closing.ts';
import { startRedis } from './redis.ts';
import { STRIPE_AWAY } from './stripe-away.ts';

/** Real Redis and Kafka, and the variables for a service that uses nothing else: no stand-in may run in two workers. */
export async function startRealServers(): Promise<{ env: Record<string, string>; stop(): Promise<void> }> {
  const redis = await startRedis();
  const starting = startKafka();
  const stopKafka = toClose(async () => (await starting.catch(() => undefined))?.stop());
  const kafka = await starting;
  return {
    env: { ...STRIPE_AWAY, REDIS_ADDR: redis.address, KAFKA_ADDR: kafka.plain },
    async stop() {
      await stopKafka();
      await redis.stop();
    },
  };
}

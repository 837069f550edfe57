import { startKafka } from '../../test/support/kafka-server.ts';
import { toClose } from './closing.ts';
import { startRedis } from './redis.ts';
import { UNREACHABLE_STRIPE } from './unreachable-stripe.ts';

/** Real Redis and Kafka, and the variables of a service without stand-ins, which two workers cannot share. */
export async function startRealServers(): Promise<{ env: Record<string, string>; stop(): Promise<void> }> {
  const redis = await startRedis();
  const starting = startKafka();
  const stopKafka = toClose(async () => (await starting.catch(() => undefined))?.stop());
  const kafka = await starting;
  return {
    env: { ...UNREACHABLE_STRIPE, REDIS_ADDR: redis.address, KAFKA_ADDR: kafka.plain },
    async stop() {
      await stopKafka();
      await redis.stop();
    },
  };
}

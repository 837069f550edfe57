import { startKafka } from '../../test/support/kafka-server.ts';
import { rounded, type Section } from '../report/section.ts';
import { startRedis } from '../stage/redis.ts';
import type { Bench } from './bench.ts';
import { measureOrders, middle, ORDER_COLUMNS, orderRows } from './orders.ts';

/** Stripe is not asked while orders are placed; no stand-in may run in two workers. */
const STRIPE_AWAY = {
  STRIPE_SECRET_KEY: 'sk_test_bench',
  STRIPE_WEBHOOK_SECRET: 'whsec_bench',
  STRIPE_API_BASE: 'http://127.0.0.1:9',
  RECONCILE_DAYS: '0',
};

/** Part 6: real Redis and Kafka, one and two workers. */
export async function realServers(bench: Bench): Promise<Section> {
  const [redis, kafka] = await Promise.all([startRedis(), startKafka()]);
  const real = { ...STRIPE_AWAY, REDIS_ADDR: redis.address, KAFKA_ADDR: kafka.plain };
  const services = { 'one worker': { env: real }, 'two workers': { env: { ...real, WEB_CONCURRENCY: '2' } } };
  const clients = bench.isQuick ? [32] : [1, 32, 300];
  try {
    const runs = {
      clients,
      rounds: bench.isQuick ? 1 : 3,
      durationMs: bench.isQuick ? 4_000 : 8_000,
      limits: [],
    };
    const all = await measureOrders(bench, { ...runs, services });
    const rate = (who: string) => middle(all, who, 32)?.speed.perSecond ?? Number.NaN;
    bench.say(`two workers by one: ${rounded(rate('two workers') / rate('one worker'), 2)}`);
    return {
      title: 'Real servers',
      how: 'Orders as in the first part, with real Redis and Kafka, tokens verified, by one process and by two workers, in turns. A closed loop. Brokers and Redis share the two cores, too.',
      columns: ORDER_COLUMNS,
      rows: orderRows(all),
      figures: [],
      picture: {
        unit: 'orders a second',
        labels: clients.map((count) => `${count} clients`),
        series: Object.keys(services).map((name) => ({
          name,
          values: clients.map((count) => middle(all, name, count)?.speed.perSecond ?? Number.NaN),
        })),
      },
    };
  } finally {
    await Promise.all([redis.stop(), kafka.stop()]);
  }
}

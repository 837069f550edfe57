import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { countingEnd, salesSignalContract } from '../../contract/sales-signal.contract.ts';
import { atEnd } from '../../support/at-end.ts';
import { ordersOn, type Watched, watchedBy } from '../../support/live-sales.ts';
import { type PlatformApp, startPlatformApp } from '../../support/platform-app.ts';
import { startReplica } from '../../support/races.ts';
import { openTestRedis } from '../../support/redis-opened.ts';
import { type RedisServerProcess, startRedis, startRedisCluster } from '../../support/redis-server.ts';
import { until } from '../../support/servers.ts';
import type { TestApp } from '../../support/test-app.ts';

let server: RedisServerProcess;
let cluster: readonly RedisServerProcess[];
let channel: string;

beforeAll(async () => {
  [server, cluster] = await Promise.all([startRedis(), startRedisCluster()]);
});

// A signal of one test may still be on its way between the nodes when the next test listens.
beforeEach(() => {
  channel = `sales_${randomUUID()}`;
});

async function open(addresses: string) {
  const redis = await openTestRedis({ REDIS_ADDR: addresses });
  return countingEnd((callbacks) => redis.signal({ channel, ...callbacks }));
}

const cut = (nodes: readonly RedisServerProcess[]) =>
  Promise.all(nodes.map(({ cli }) => cli('client', 'kill', 'type', 'pubsub')));

salesSignalContract('by Redis', {
  open: () => open(server.address),
  cutListeners: async () => void (await cut([server])),
});

salesSignalContract('by Redis Cluster', {
  open: () => open(cluster.map(({ address }) => address).join()),
  cutListeners: async () => void (await cut(cluster)),
});

test('a listener moves to another node when its own freezes or dies', async () => {
  const nodes = await startRedisCluster();
  const addresses = nodes.map(({ address }) => address).join();
  const [end, other] = [await open(addresses), await open(addresses)];
  atEnd(async () => {
    await end.signal.close();
    await other.signal.close();
  });
  await end.signal.listen();
  await until('it listens', () => end.received() === 1);
  nodes[0]?.pause();
  await until('it listens elsewhere', async () => {
    await end.signal.listen();
    return end.received() === 2;
  });
  expect(end.lost()).toBe(1);
  await nodes[1]?.kill();
  await until('it listens elsewhere again', async () => {
    await end.signal.listen();
    return end.received() === 3;
  });
});

describe('live sales of two replicas that share a Redis', () => {
  let platform: PlatformApp;
  let replica: TestApp;
  let sales: Watched;
  const listeners = async () => Number((await server.cli('pubsub', 'numsub', 'ticketing_sales')).split('\n').at(-1));
  const bothListen = () => until('both listen', async () => (await listeners()) === 2);

  beforeAll(async () => {
    const env = { REDIS_ADDR: server.address };
    platform = await startPlatformApp(env);
    replica = await startReplica(platform, env);
    replica.app.start();
    sales = await watchedBy(platform);
  });

  test('they are signalled by Redis and not by PostgreSQL', async () => {
    await bothListen();
    const found = await platform.app.sql(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'ms-ticketing listener'`,
    );
    expect(found).toEqual([]);
    const readers = [await sales.watch(platform.app), await sales.watch(replica)];
    const sold = [await sales.sell(platform.app), await sales.sell(replica)];
    for (const reader of readers) await reader.untilThereAre(2, 'checkout');
    for (const reader of readers) expect(ordersOn(reader)).toEqual(sold);
  });

  test('they continue without it, with every order once per reader, and use it again later', async () => {
    const readers = [await sales.watch(platform.app), await sales.watch(replica)];
    const sold = [await sales.sell(platform.app)];
    await server.kill();
    sold.push(await sales.sell(replica), await sales.sell(platform.app));
    for (const reader of readers) await reader.untilThereAre(3, 'checkout');
    await server.start();
    await bothListen();
    sold.push(await sales.sell(replica));
    for (const reader of readers) await reader.untilThereAre(4, 'checkout');
    for (const reader of readers) expect(ordersOn(reader)).toEqual(sold);
    const lines = platform.app.log.filter((line) => line.includes('signal sales'));
    expect(lines).toHaveLength(1);
    expect(platform.app.log.filter((line) => line.includes('background work failed'))).toEqual([]);
  });
});

import { randomUUID } from 'node:crypto';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { Currency } from '../../../src/kernel/money.ts';
import { LOAD_MS, SLACK_MS, startLoad, timeHolds } from '../../support/order-load.ts';
import { patience } from '../../support/patience.ts';
import { type PlatformApp, startPlatformApp } from '../../support/platform-app.ts';
import { raceForSeats, startReplica } from '../../support/races.ts';
import { type RedisServerProcess, startRedisCluster } from '../../support/redis-server.ts';
import { until } from '../../support/servers.ts';
import { findingsIn, type TestApp } from '../../support/test-app.ts';

const timing = timeHolds();
let nodes: readonly RedisServerProcess[];
let platform: PlatformApp;
let replica: TestApp;
let buyer: string;

beforeAll(async () => {
  nodes = await startRedisCluster();
  const env = { REDIS_ADDR: nodes.map(({ address }) => address).join(',') };
  platform = await startPlatformApp(env, {}, { watch: timing.watch });
  replica = await startReplica(platform, env, { watch: timing.watch });
  buyer = await platform.token(randomUUID());
});

beforeEach(() => {
  timing.longestMs = 0;
});

const findings = () => findingsIn(platform.app.dsn, new Currency('lkr'));

async function isUp(app: TestApp): Promise<boolean> {
  const from = performance.now();
  const { status, body } = await app.call('GET', '/api/order/health');
  expect(performance.now() - from).toBeLessThan(patience(1_000 + SLACK_MS));
  expect([status, body.status]).toEqual([200, 'UP']);
  return body.redis.status === 'UP';
}

/** Places an order in a session; returns whether the cluster, asked through an available node, has its hold. */
async function isHeldIn(sessionId: string, through: RedisServerProcess, app: TestApp = platform.app): Promise<boolean> {
  const seat = randomUUID();
  const body = { ...platform.request([seat]), session_id: sessionId };
  if ((await app.call('POST', '/api/order', { token: buyer, body })).status !== 201) return false;
  const holder = await through.cli('-c', 'get', `seat_lock:{${sessionId}}:${seat}`).catch(() => '');
  return holder !== '' && !holder.includes('refused');
}

/** The node that serves a session’s keys. */
async function nodeOf(sessionId: string): Promise<RedisServerProcess> {
  const asked = await Promise.all(nodes.map((node) => node.cli('set', `seat_lock:{${sessionId}}:`, '', 'PX', '1')));
  const node = nodes[asked.indexOf('OK')];
  if (!node) throw new Error(`no node serves ${sessionId}: ${asked.join()}`);
  return node;
}

/** Two sessions, the first on the node and the second on another. */
async function sessionsOnAndOff(node: RedisServerProcess): Promise<[string, string]> {
  const find = async (isWanted: (other: RedisServerProcess) => boolean) =>
    until('a session is found', async () => {
      const session = randomUUID();
      return isWanted(await nodeOf(session)) && session;
    });
  return [await find((other) => other === node), await find((other) => other !== node)];
}

test('two replicas that race for the same seats on a cluster sell nothing twice, and no order is partial', async () => {
  expect([await isUp(platform.app), await isUp(replica)]).toEqual([true, true]);
  await raceForSeats(platform, replica);
  expect(await findings()).toEqual([]);
});

test.each(['killed', 'stopped'] as const)(
  'while a node is %s under load, orders succeed and other nodes’ sessions keep their holds; it is used again later',
  async (fault) => {
    const node = await nodeOf(platform.sessionId);
    const other = nodes.find((each) => each !== node) as RedisServerProcess;
    const [lost, kept] = await sessionsOnAndOff(node);
    expect([await isHeldIn(lost, other), await isHeldIn(kept, other)]).toEqual([true, true]);
    const load = await startLoad(platform, [platform.app, replica], timing);
    await load.goOn(200);
    if (fault === 'killed') await node.kill();
    else node.pause();
    await load.goOn(500);
    await until('health reports it', async () => !(await isUp(platform.app)), LOAD_MS);
    await load.end(`a node ${fault}`);

    await until('a session of another node has its holds', () => isHeldIn(kept, other), LOAD_MS);
    if (fault === 'killed') await node.start();
    else node.resume();
    await until('its own sessions have them again', () => isHeldIn(lost, other), LOAD_MS);
    await until('health reports it', () => isUp(platform.app), LOAD_MS);
    expect(await findings()).toEqual([]);
  },
);

test('when a node with a replica is killed, the replica replaces it and is used', async () => {
  const cluster = await startRedisCluster(1);
  const addresses = cluster.map(({ address }) => address).join(',');
  const app = await startReplica(platform, { REDIS_ADDR: addresses });
  const seats = Array.from({ length: 60 }, () => randomUUID());
  const sessions = seats.map(() => randomUUID());
  const orderAll = () =>
    Promise.all(
      seats.map(async (seat, at) => {
        const body = { ...platform.request([seat]), session_id: sessions[at] };
        return (await app.call('POST', '/api/order', { token: buyer, body })).status;
      }),
    );
  expect(new Set(await orderAll())).toEqual(new Set([201]));
  const [primary, ...others] = cluster as [RedisServerProcess, ...RedisServerProcess[]];
  await primary.kill();
  expect(new Set(await orderAll())).toEqual(new Set([409]));
  const [through] = others as [RedisServerProcess];
  const isWhole = async () =>
    (await Promise.all(sessions.map((session) => isHeldIn(session, through, app)))).every(Boolean);
  await until('every session has its holds', isWhole, LOAD_MS);
  await until('health reports it', () => isUp(app), LOAD_MS);
  expect(new Set(await orderAll())).toEqual(new Set([409]));
  expect(await findings()).toEqual([]);
});

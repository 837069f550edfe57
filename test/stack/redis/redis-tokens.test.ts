import { Agent } from 'undici';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Clock, instant } from '../../../src/kernel/clock.ts';
import { M2mTokens } from '../../../src/platform/m2m-tokens/m2m-tokens.ts';
import { m2mTokensContract } from '../../contract/m2m-tokens.contract.ts';
import { atEnd } from '../../support/at-end.ts';
import { type FakeIssuer, startFakeIssuer } from '../../support/fake-issuer.ts';
import { patience } from '../../support/patience.ts';
import { openTestRedis } from '../../support/redis-opened.ts';
import { type RedisServerProcess, startRedis, startRedisCluster } from '../../support/redis-server.ts';
import { until } from '../../support/servers.ts';

let server: RedisServerProcess;
let cluster: readonly RedisServerProcess[];
let now = Date.now();
const clock: Clock = { now: () => instant(now) };

beforeAll(async () => {
  [server, cluster] = await Promise.all([startRedis(), startRedisCluster()]);
});

const flush = () => Promise.all([server, ...cluster].map(({ cli }) => cli('flushall')));

m2mTokensContract('that share a Redis', async (its) => {
  await flush();
  return (await openTestRedis({ REDIS_ADDR: server.address }, its)).tokens;
});

m2mTokensContract('that share a Redis Cluster', async (its) => {
  await flush();
  return (await openTestRedis({ REDIS_ADDR: cluster.map(({ address }) => address).join() }, its)).tokens;
});

describe('two or more replicas that share a Redis', () => {
  const REPLICAS = 5;
  let http: Agent;
  let issuer: FakeIssuer;
  let replicas: M2mTokens[];

  beforeAll(() => {
    http = new Agent();
    atEnd(() => http.close());
  });

  beforeEach(async () => {
    await flush();
    now = Date.now();
    issuer = await startFakeIssuer();
    replicas = await Promise.all(Array.from({ length: REPLICAS }, replica));
  });

  async function replica(): Promise<M2mTokens> {
    return new M2mTokens({
      http,
      tokenUrl: `${issuer.issuer}/protocol/openid-connect/token`,
      clientId: 'ticket-service-client',
      clientSecret: 'secret',
      clock,
      shared: (await openTestRedis({ REDIS_ADDR: server.address }, clock)).tokens,
    });
  }

  const getAll = () => Promise.all(replicas.map((each) => each.get()));
  const kept = async () => JSON.parse((await server.cli('get', 'm2m_token')) || '{}');

  test('they fetch one token between them, stored as the contract says for as long as it lives', async () => {
    const [token, ...others] = await getAll();
    expect(new Set(others)).toEqual(new Set([token]));
    expect(issuer.counts.tokens).toBe(1);
    const { expires_at: end, ...rest } = await kept();
    expect(rest).toEqual({ token });
    expect(end).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
    expect(Date.parse(end) - now).toBe(300_000);
    const lifeMs = Number(await server.cli('pttl', 'm2m_token'));
    expect(lifeMs).toBeGreaterThan(295_000);
    expect(lifeMs).toBeLessThanOrEqual(300_000);
    await (await replica()).get();
    expect(issuer.counts.tokens).toBe(1);
  });

  test('one of them refreshes it sixty seconds before it ends, while the others use the old one', async () => {
    const [first] = await getAll();
    now += 239_000;
    await getAll();
    expect(issuer.counts.tokens).toBe(1);
    now += 1_500;
    expect(new Set(await getAll())).toEqual(new Set([first]));
    await until('all have the next one', async () => {
      now += 600;
      const got = new Set(await getAll());
      return got.size === 1 && !got.has(first ?? '');
    });
    expect(issuer.counts.tokens).toBe(2);
  });

  test('they do not use a token that was refused to one of them', async () => {
    const [first = ''] = await getAll();
    replicas[0]?.discard(first);
    const second = await replicas[0]?.get();
    expect(second).not.toBe(first);
    replicas[1]?.discard(first);
    expect(await replicas[1]?.get()).toBe(second);
    expect((await kept()).token).toBe(second);
    expect(issuer.counts.tokens).toBe(2);
  });

  test('they do not wait for ever for one that died while it fetched', async () => {
    await server.cli('set', 'm2m_token:claim', 'another', 'PX', '400');
    const [first, ...others] = await getAll();
    expect(new Set(others)).toEqual(new Set([first]));
    expect(issuer.counts.tokens).toBe(1);
    await flush();
    await server.cli('set', 'm2m_token:claim', 'another', 'PX', '60000');
    const from = performance.now();
    await (await replica()).get();
    expect(performance.now() - from).toBeLessThan(patience(4_000));
    expect(issuer.counts.tokens).toBe(2);
  });

  test('they ignore a stored value that is not a token', async () => {
    for (const junk of ['junk', '{"token":5}', '{"token":"x","expires_at":"soon"}', '[]', 'null']) {
      await server.cli('set', 'm2m_token', junk);
      expect(await (await replica()).get()).toMatch(/^eyJ/);
      expect((await kept()).token).toMatch(/^eyJ/);
    }
  });

  test('they use the issuer without it, each on its own, and share again when it is back', async () => {
    await server.kill();
    const got = await getAll();
    expect(got.every((token) => token.startsWith('eyJ'))).toBe(true);
    expect(issuer.counts.tokens).toBe(REPLICAS);
    await server.start();
    now += 241_000;
    await until('they share one again', async () => {
      now += 600;
      return new Set(await getAll()).size === 1;
    });
    expect(Date.parse((await kept()).expires_at)).toBeGreaterThan(now);
  });
});

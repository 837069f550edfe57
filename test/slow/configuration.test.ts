import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { end } from '../support/child-server.ts';
import { testFolder } from '../support/folders.ts';
import { until } from '../support/servers.ts';
import { type ReadProcess, startServiceProcess } from '../support/service-process.ts';
import { surroundings, UNREACHABLE } from '../support/stop-process.ts';
import { call } from '../support/test-app.ts';

/** Everything that production needs. */
let production: Record<string, string>;

beforeAll(async () => {
  const { env } = await surroundings();
  production = { ...env, NODE_ENV: 'production' };
});

/** The process with these variables, ended after the test; undefined removes one. */
async function start(variables: Readonly<Record<string, string | undefined>>): Promise<ReadProcess> {
  const set = Object.entries(variables).filter((pair): pair is [string, string] => pair[1] !== undefined);
  const service = await startServiceProcess(Object.fromEntries(set));
  onTestFinished(() => end(service.child, 'SIGTERM'));
  return service;
}

/** It ends before it listens, with lines for a person, all of which begin with the names of variables. */
async function expectRefused(variables: Readonly<Record<string, string | undefined>>, names: RegExp): Promise<string> {
  const service = await start(variables);
  const isUp = service.url().then(
    () => 'up',
    () => service.ended,
  );
  expect(await Promise.race([service.ended, isUp]), service.output()).toBe(1);
  const lines = service.output().trimEnd().split('\n');
  expect(lines.filter((line) => !/^[A-Z][A-Z_, ]+(and [A-Z_]+)?[:=]/.test(line))).toEqual([]);
  expect(
    lines.some((line) => names.test(line)),
    service.output(),
  ).toBe(true);
  return service.output();
}

describe('guard-open: NODE_ENV', () => {
  test.each(['prod', 'Production', 'PRODUCTION', 'prodution', 'live', 'staging', 'true', '1', 'production;'])(
    'with the value %s it does not start, and names the values that there are',
    async (NODE_ENV) => {
      const said = await expectRefused({ NODE_ENV }, /^NODE_ENV: .* is not allowed; it must be /);
      expect(said).toContain('production');
    },
  );

  test.each([undefined, 'development', 'test'])(
    'with the value %s stand-ins listen on loopback alone',
    async (value) => {
      const service = await start({ NODE_ENV: value, HOST: '' });
      const { port } = new URL(await service.url());
      expect((await call(`http://127.0.0.1:${port}`, 'GET', '/healthz')).status).toBe(200);
      // Another address of this machine is free, so nobody from elsewhere is answered.
      const another = createServer();
      await new Promise<void>((done, fail) => another.once('error', fail).listen(Number(port), '127.0.0.2', done));
      await new Promise((done) => another.close(done));
    },
  );

  test('an address that the operator names is used, with stand-ins too', async () => {
    const service = await start({ HOST: '0.0.0.0' });
    const { port } = new URL(await service.url());
    expect((await call(`http://127.0.0.2:${port}`, 'GET', '/healthz')).status).toBe(200);
  });
});

describe('guard-open: production', () => {
  test('starts when nothing is forgotten', async () => {
    const service = await start(production);
    expect((await call(await service.url(), 'GET', '/healthz')).status).toBe(200);
  });

  const SERVERS = ['POSTGRES_DSN', 'OIDC_ISSUER', 'STRIPE_SECRET_KEY', 'REDIS_ADDR', 'KAFKA_ADDR', 'QR_SECRET_KEY'];

  test.each([
    ...SERVERS,
    'TICKET_CLIENT_SECRET',
    'STRIPE_WEBHOOK_SECRET',
    'EVENT_SEATING_SERVICE_URL',
    'EVENT_QUERY_SERVICE_URL',
  ])('does not start without %s, and names it', async (name) => {
    const said = await expectRefused({ ...production, [name]: undefined }, new RegExp(name));
    expect(SERVERS.filter((each) => each !== name && said.includes(`${each} (`))).toEqual([]);
  });

  test.each(['true', 'redis,kafka', 'redis,kafka,postgres,stripe,venue'])(
    'never uses the embedded identity, whatever ALLOW_EMBEDDED=%s allows',
    async (ALLOW_EMBEDDED) => {
      await expectRefused({ ...production, OIDC_ISSUER: undefined, ALLOW_EMBEDDED }, /OIDC_ISSUER/);
    },
  );

  test.each(['identity', 'redis,identity', 'redis;kafka', 'everything'])(
    'does not take ALLOW_EMBEDDED=%s',
    async (ALLOW_EMBEDDED) => {
      await expectRefused({ ...production, ALLOW_EMBEDDED }, /^ALLOW_EMBEDDED: /);
    },
  );

  test('uses the stand-ins that are named and no others', async () => {
    const without = { ...production, REDIS_ADDR: undefined, KAFKA_ADDR: undefined };
    await expectRefused({ ...without, ALLOW_EMBEDDED: 'redis' }, /KAFKA_ADDR/);
    const service = await start({ ...without, ALLOW_EMBEDDED: 'redis,kafka' });
    const { body } = await call(await service.url(), 'GET', '/api/order/health');
    expect([body.redis.embedded, body.kafka.embedded, body.database.status]).toEqual([true, true, 'UP']);
  });
});

describe('published-secrets: production', () => {
  test.each([
    ['QR_SECRET_KEY', Buffer.from('demo-key-of-deploy-compose.yaml!').toString('base64')],
    ['QR_SECRET_KEY', Buffer.alloc(32).toString('base64')],
    ['TICKET_CLIENT_SECRET', 'demo-service-secret'],
    ['STRIPE_SECRET_KEY', 'sk_test_embedded'],
    ['POSTGRES_DSN', 'postgres://ticketing:ticketing@127.0.0.1:1/ticketing'],
  ])('does not start with the published %s %s, and does not repeat it', async (name, value) => {
    const said = await expectRefused({ ...production, [name]: value }, new RegExp(`^(\\w+, )*${name}\\b.*published`));
    expect(said).not.toContain(value);
  });

  test('nor with a published key among keys of its own, nor with one in a file', async () => {
    const own = createHash('sha256').update('a key of this test').digest('base64');
    const QR_SECRET_KEY = `${own},${Buffer.alloc(32).toString('base64')}`;
    const said = await expectRefused({ ...production, QR_SECRET_KEY }, /^QR_SECRET_KEY\b.*published/);
    expect(said).not.toContain(own);
    const STRIPE_SECRET_KEY_FILE = join(await testFolder(), 'key');
    await writeFile(STRIPE_SECRET_KEY_FILE, 'sk_test_embedded\n');
    const fromFile = { ...production, STRIPE_SECRET_KEY: undefined, STRIPE_SECRET_KEY_FILE };
    await expectRefused(fromFile, /^STRIPE_SECRET_KEY\b.*published/);
  });

  test('warns once of each server that is used in clear text or without a password', async () => {
    const service = await start({ ...production, ...UNREACHABLE, LOG_LEVEL: 'warn' });
    const warned = (names: string) =>
      service
        .output()
        .split('\n')
        .filter((line) => line.startsWith('{"level":40') && line.includes(names));
    const all = ['OIDC_ISSUER', 'KAFKA_TLS', 'REDIS_PASSWORD'];
    await until('each is named', () => all.every((name) => warned(name).length > 0), 60_000);
    expect(all.map((name) => warned(name).length)).toEqual([1, 1, 1]);
  });
});

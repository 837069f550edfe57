import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { STOP_TIMEOUT_MS } from '../../src/app.ts';
import { embeddedParts, readConfig, secretFileVariables } from '../../src/config.ts';
import { VARIABLES } from '../../src/config.variables.ts';
import { problemsOf } from '../support/config-problems.ts';
import { type ComposeModel, changedCopy, loadCompose, readCompose } from '../support/deploy-tools.ts';

const FILE = 'compose.yaml';
const OWN_KEY = Buffer.alloc(32, 7).toString('base64');
const seconds = (duration: string | undefined) => Number(/^(\d+)s$/.exec(duration ?? '')?.[1]);
let model: ComposeModel;

beforeAll(async () => {
  model = await readCompose(FILE);
});

/**
 * The service’s variables when these are set where Docker Compose runs. The loader’s command line replaces
 * each `${...}` by its default, whatever its environment holds.
 */
function variablesWith(outside: Record<string, string>): Record<string, string> {
  const { environment } = parse(readFileSync(FILE, 'utf8')).services['ms-ticketing'];
  const set = Object.entries<string>(environment).map(([name, value]) => [
    name,
    value.replace(/^\$\{(\w+):-(.*)\}$/, (_, variable, fallback) => outside[variable] ?? fallback),
  ]);
  return { NODE_ENV: 'production', ...Object.fromEntries(set) };
}

describe('compose.yaml', () => {
  test('a mistake in it would be noticed', async () => {
    const file = await changedCopy(FILE, 'read_only: true', 'readonly: true');
    expect(await loadCompose(file)).toMatchObject({ passed: false });
    await rm(file);
  });

  test('it has the services that operators know, each waiting for its dependencies', () => {
    const { 'ms-ticketing': service, migration, ...servers } = model.services;
    expect(Object.keys(servers).toSorted()).toEqual(['kafka', 'kafka-ui', 'keycloak', 'postgres', 'redis']);
    const needed = Object.entries(service?.depends_on ?? {});
    expect(needed.map(([name]) => name).toSorted()).toEqual(['kafka', 'keycloak', 'postgres', 'redis']);
    for (const [name, { condition }] of [...needed, ...Object.entries(migration?.depends_on ?? {})]) {
      expect(condition).toBe('service_healthy');
      expect(servers[name]).toHaveProperty('healthcheck');
    }
    expect(seconds(service?.stop_grace_period)).toBeGreaterThan(STOP_TIMEOUT_MS / 1_000);
  });

  test('it builds the same images as their documented commands', () => {
    expect(model.services['ms-ticketing']).toMatchObject({
      image: 'ms-ticketing',
      build: { context: resolve('.'), dockerfile: 'Dockerfile' },
    });
    expect(model.services.migration).toMatchObject({
      image: 'ms-ticketing-migrate',
      build: { context: resolve('.'), dockerfile: 'Dockerfile.migrate' },
    });
  });

  test('only the profile starts the migration, on the service’s database, as its image does by default', () => {
    const profiles = Object.entries(model.services).map(([name, { profiles = [] }]) => [name, profiles]);
    expect(profiles.filter(([, names]) => names?.length)).toEqual([['migration', ['migrate']]]);
    const { 'ms-ticketing': service, migration } = model.services;
    const { POSTGRES_DSN, CURRENCY } = service?.environment ?? {};
    expect(migration?.environment).toEqual({ POSTGRES_DSN, CURRENCY });
    expect(Object.keys(migration?.depends_on ?? {})).toEqual(['postgres']);
    expect(migration?.command ?? null).toBeNull();
    expect(migration?.entrypoint ?? null).toBeNull();
  });

  test('every published port is bound to 127.0.0.1 and is the one that operators know', () => {
    const ports = Object.entries(model.services).flatMap(([name, service]) =>
      (service.ports ?? []).map(({ host_ip, published, target }) => [name, host_ip, published, target]),
    );
    expect(ports.toSorted()).toEqual([
      ['kafka', '127.0.0.1', '29092', 29_092],
      ['kafka-ui', '127.0.0.1', '8081', 8_080],
      ['keycloak', '127.0.0.1', '8080', 8_080],
      ['ms-ticketing', '127.0.0.1', '8084', 8_084],
      ['postgres', '127.0.0.1', '5432', 5_432],
      ['redis', '127.0.0.1', '6379', 6_379],
    ]);
  });

  test('its own containers cannot write to their files or gain rights', () => {
    for (const name of ['ms-ticketing', 'migration']) {
      expect(model.services[name]).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      });
    }
  });

  test('Keycloak and the service have the same realm, client and secret', () => {
    const environment = model.services['ms-ticketing']?.environment;
    const keycloak = model.services.keycloak;
    expect(keycloak?.volumes).toMatchObject([
      { source: resolve('deploy/keycloak'), target: '/opt/keycloak/data/import' },
    ]);
    const realm = JSON.parse(readFileSync('deploy/keycloak/event-ticketing-realm.json', 'utf8'));
    expect(environment?.OIDC_ISSUER).toBe(`${keycloak?.environment?.KC_HOSTNAME}/realms/${realm.realm}`);
    expect(environment?.KEYCLOAK_URL).toBe('http://keycloak:8080');
    const client = realm.clients.find(
      ({ clientId }: { clientId: string }) => clientId === environment?.TICKET_CLIENT_ID,
    );
    expect(client.secret).toBe(environment?.TICKET_CLIENT_SECRET);
  });

  test('it publishes no key of QR codes: the service reads one from its volume', () => {
    const { environment, volumes } = model.services['ms-ticketing'] ?? {};
    expect(environment?.QR_SECRET_KEY).toBe('');
    expect(environment?.QR_SECRET_KEY_FILE).toBe('/data/qr.key');
    expect(volumes).toMatchObject([{ type: 'volume', source: 'ticketing', target: '/data' }]);
  });

  test('each of its variables is one that the service reads', () => {
    const known = [...Object.keys(VARIABLES), ...secretFileVariables()];
    const names = Object.keys(model.services['ms-ticketing']?.environment ?? {});
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
  });

  test('pages of the front end on this machine may call the service, or those that the operator names', () => {
    const { corsOrigins } = readConfig(variablesWith({ QR_SECRET_KEY: OWN_KEY }));
    expect(corsOrigins).toContain('http://localhost:8090');
    const { corsOrigins: own } = readConfig(
      variablesWith({ QR_SECRET_KEY: OWN_KEY, CORS_ORIGINS: 'https://tickets.example.com' }),
    );
    expect(own).toEqual(['https://tickets.example.com']);
  });

  test('the operator can set the currency, also for the migration', () => {
    expect(parse(readFileSync(FILE, 'utf8')).services.migration.environment.CURRENCY).toMatch(/^\$\{CURRENCY:-/);
    const { currency } = readConfig(variablesWith({ QR_SECRET_KEY: OWN_KEY, CURRENCY: 'usd' }));
    expect(currency.code).toBe('usd');
  });

  test('it is a demo: production refuses each of its secrets, and its port is reached from outside the container', () => {
    const problems = problemsOf(variablesWith({ NODE_ENV: 'production', QR_SECRET_KEY: OWN_KEY }));
    expect(problems.join('\n')).toContain('POSTGRES_DSN, TICKET_CLIENT_SECRET: published in this repository');
    expect(readConfig(variablesWith({ QR_SECRET_KEY: OWN_KEY }))).toMatchObject({
      NODE_ENV: 'development',
      listenHost: '0.0.0.0',
    });
  });

  test('the seating services and Stripe are stand-ins, and nothing is when real ones are set', () => {
    const demo = readConfig(variablesWith({ QR_SECRET_KEY: OWN_KEY }));
    expect(embeddedParts(demo).map(({ name }) => name)).toEqual(['Venue', 'Stripe']);
    const real = readConfig(
      variablesWith({
        EVENT_SEATING_SERVICE_URL: 'http://seating',
        EVENT_QUERY_SERVICE_URL: 'http://query',
        STRIPE_SECRET_KEY: 'sk_test_x',
        STRIPE_WEBHOOK_SECRET: 'whsec_x',
        ALLOW_EMBEDDED: 'false',
        QR_SECRET_KEY: OWN_KEY,
      }),
    );
    expect(embeddedParts(real)).toEqual([]);
    expect(real).toMatchObject({ ALLOW_EMBEDDED: [], QR_SECRET_KEY: [OWN_KEY] });
  });
});

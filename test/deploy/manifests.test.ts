import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { validate } from 'dockerfile-utils';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { STOP_TIMEOUT_MS } from '../../src/app.ts';
import { embeddedParts, readConfig, VARIABLES } from '../../src/config.ts';
import { loadCompose, validateKubernetes } from '../support/deploy-tools.ts';
import { lastOf, stagesOf } from '../support/dockerfile.ts';

const FOLDER = 'deploy/kubernetes';
const QR_KEY = Buffer.alloc(32, 7).toString('base64');
/** The oldest that knows all that is used, and the newest there is. */
const KUBERNETES_VERSIONS = ['1.32', '1.37'];

// biome-ignore lint/suspicious/noExplicitAny: manifests have every shape
type Manifest = any;

const manifests: readonly Manifest[] = readdirSync(FOLDER).map((name) =>
  parse(readFileSync(join(FOLDER, name), 'utf8')),
);
const manifest = (kind: string): Manifest => manifests.find((each) => each.kind === kind);
const seconds = (duration: string) => Number(/^(\d+)s$/.exec(duration)?.[1]);

async function changed(file: string, from: string, to: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ticketing-deploy-'));
  const text = readFileSync(file, 'utf8');
  expect(text).toContain(from);
  await writeFile(join(folder, 'changed.yaml'), text.replace(from, to));
  return join(folder, 'changed.yaml');
}

describe('deploy/kubernetes', () => {
  const files = readdirSync(FOLDER).map((name) => join(FOLDER, name));

  test.each(KUBERNETES_VERSIONS)('is what Kubernetes %s takes', async (version) => {
    const { passed, output } = await validateKubernetes(version, files);
    expect(output).not.toContain('ERROR');
    expect(passed).toBe(true);
  });

  test('a field that Kubernetes does not know would be seen', async () => {
    const file = await changed(`${FOLDER}/deployment.yaml`, 'periodSeconds: 10', 'periodSecond: 10');
    expect(await validateKubernetes('1.37', [file])).toMatchObject({ passed: false });
    await rm(file);
  });

  test('has all that is promised', () => {
    expect(manifests.map(({ kind }) => kind).toSorted()).toEqual([
      'ConfigMap',
      'Deployment',
      'HorizontalPodAutoscaler',
      'Job',
      'NetworkPolicy',
      'PodDisruptionBudget',
      'Service',
    ]);
  });

  test('every container is no one’s root and cannot write to its own files', () => {
    for (const { spec } of [manifest('Deployment').spec.template, manifest('Job').spec.template]) {
      expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
      expect(spec.automountServiceAccountToken).toBe(false);
      for (const container of spec.containers) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
    }
  });

  test('a pod has as long to stop as the service may take', () => {
    const { terminationGracePeriodSeconds } = manifest('Deployment').spec.template.spec;
    const delaySeconds = Number(manifest('ConfigMap').data.DRAIN_DELAY_SECONDS);
    expect(terminationGracePeriodSeconds).toBeGreaterThan(delaySeconds + STOP_TIMEOUT_MS / 1_000);
  });

  test('its variables and the secret’s are all that production needs', () => {
    const secrets = {
      POSTGRES_DSN: 'postgres://u:p@postgres/ticketing',
      TICKET_CLIENT_SECRET: 's',
      QR_SECRET_KEY: QR_KEY,
      STRIPE_SECRET_KEY: 'sk_live_x',
      STRIPE_WEBHOOK_SECRET: 'whsec_x',
    };
    const { data } = manifest('ConfigMap');
    expect(Object.keys(data).filter((name) => !(name in VARIABLES))).toEqual([]);
    const config = readConfig({ NODE_ENV: 'production', ...data, ...secrets });
    expect(config.ALLOW_EMBEDDED).toBe(false);
    expect(() => readConfig({ NODE_ENV: 'production', ...data })).toThrow('NODE_ENV=production');
    const { maxReplicas } = manifest('HorizontalPodAutoscaler').spec;
    const SPARE_CONNECTIONS = 2;
    expect(maxReplicas * (config.POSTGRES_POOL_SIZE + SPARE_CONNECTIONS)).toBeLessThan(100);
  });

  test('no secret stands in it', () => {
    const text = files.map((file) => readFileSync(file, 'utf8')).join('\n');
    expect(text).not.toMatch(/:\/\/[^/\s]+:[^/\s]+@|sk_|whsec_|kind: Secret/);
    const secretRefs = manifest('Deployment').spec.template.spec.containers[0].envFrom;
    expect(secretRefs).toContainEqual({ secretRef: { name: 'ms-ticketing' } });
  });
});

describe('deploy/compose.yaml', () => {
  const FILE = 'deploy/compose.yaml';
  let model: Manifest;

  beforeAll(async () => {
    const { passed, output } = await loadCompose(FILE);
    expect(output).not.toContain('error');
    expect(passed).toBe(true);
    model = JSON.parse(output);
  });

  test('a mistake in it would be seen', async () => {
    const file = await changed(FILE, 'read_only: true', 'readonly: true');
    expect(await loadCompose(file)).toMatchObject({ passed: false });
    await rm(file);
  });

  test('has everything, each waiting for what it needs', () => {
    expect(Object.keys(model.services).toSorted()).toEqual([
      'kafka',
      'kafka-ui',
      'keycloak',
      'migrate',
      'postgres',
      'redis',
      'ticketing',
    ]);
    const { ticketing, migrate, ...servers } = model.services;
    expect(migrate).toMatchObject({ profiles: ['migrate'], depends_on: { postgres: {} } });
    expect(Object.keys(ticketing.depends_on).toSorted()).toEqual(['kafka', 'keycloak', 'postgres', 'redis']);
    for (const name of Object.keys(ticketing.depends_on)) expect(servers[name]).toHaveProperty('healthcheck');
    expect(ticketing).toMatchObject({ read_only: true, cap_drop: ['ALL'], build: { context: resolve('.') } });
    expect(seconds(ticketing.stop_grace_period)).toBeGreaterThan(STOP_TIMEOUT_MS / 1_000);
  });

  test('Keycloak and the service have the same realm, client and secret', () => {
    const { environment } = model.services.ticketing;
    const { volumes } = model.services.keycloak;
    expect(volumes).toMatchObject([
      { source: resolve('deploy/keycloak'), target: '/opt/keycloak/data/import' },
    ]);
    const realm = JSON.parse(readFileSync('deploy/keycloak/event-ticketing-realm.json', 'utf8'));
    expect(environment.OIDC_ISSUER).toBe(`http://localhost:8080/realms/${realm.realm}`);
    const client = realm.clients.find(
      ({ clientId }: { clientId: string }) => clientId === environment.TICKET_CLIENT_ID,
    );
    expect(client.secret).toBe(environment.TICKET_CLIENT_SECRET);
  });

  test('nothing listens beyond this machine', () => {
    const ports = Object.values<Manifest>(model.services).flatMap((service) => service.ports ?? []);
    expect(ports.length).toBeGreaterThan(4);
    expect(ports.filter((port) => port.host_ip !== '127.0.0.1')).toEqual([]);
  });

  test('as it is, the seating services and Stripe are stand-ins; with theirs set nothing is', () => {
    const { environment } = parse(readFileSync(FILE, 'utf8'))['x-service'];
    expect(Object.keys(environment).filter((name) => !(name in VARIABLES))).toEqual([]);
    const demo = readConfig({ NODE_ENV: 'production', ...model.services.ticketing.environment });
    expect(embeddedParts(demo).map(({ name }) => name)).toEqual(['Venue', 'Stripe']);
    const own: Record<string, string> = {
      EVENT_SEATING_SERVICE_URL: 'http://seating',
      EVENT_QUERY_SERVICE_URL: 'http://query',
      STRIPE_SECRET_KEY: 'sk_test_x',
      STRIPE_WEBHOOK_SECRET: 'whsec_x',
      ALLOW_EMBEDDED: 'false',
    };
    const set = Object.entries<string>(environment).map(([name, value]) => [
      name,
      value.replace(/^\$\{(\w+):-(.*)\}$/, (_, variable, fallback) => own[variable] ?? fallback),
    ]);
    expect(readConfig({ NODE_ENV: 'production', ...Object.fromEntries(set) }).ALLOW_EMBEDDED).toBe(false);
  });
});

describe('deploy/Dockerfile', () => {
  const text = readFileSync('deploy/Dockerfile', 'utf8');
  const last = stagesOf(text).at(-1);
  const { devDependencies, scripts } = JSON.parse(readFileSync('package.json', 'utf8'));

  test('is well formed, as Docker’s own language server says', () => {
    expect(validate(text).map(({ message }) => message)).toEqual([]);
    expect(validate(text.replace('EXPOSE', 'EXPOS'))).not.toEqual([]);
  });

  test('holds every script that an operator is told to run, and the context lets each file in', () => {
    const copied = (last ?? [])
      .filter(({ name, text: words }) => name === 'COPY' && !words.startsWith('--from'))
      .flatMap(({ text: words }) => words.split(/\s+/).slice(0, -1));
    const operations = readFileSync('docs/operations.md', 'utf8');
    const told = [
      ...operations.matchAll(/`(?:[^`]* )?npm run (?:--silent )?([\w:]+)|node (scripts\/[\w-]+\.ts)/g),
    ]
      .map(([, name, path]) => path ?? /node (scripts\/\S+)/.exec(scripts[name ?? ''])?.[1])
      .filter((path) => path !== undefined);
    expect(told).toEqual(expect.arrayContaining(['scripts/verify.ts', 'scripts/qr-reissue.ts']));
    expect(told.filter((path) => !copied.includes(path))).toEqual([]);
    const letIn = readFileSync('.dockerignore', 'utf8').split('\n');
    expect(copied.filter((path) => !letIn.includes(`!${path}`))).toEqual([]);
  });

  test('runs on the Node that the tests run on, as nobody special, with a health check', () => {
    for (const stage of stagesOf(text))
      expect(lastOf(stage, 'FROM')).toContain(`node:${devDependencies.node}-alpine`);
    expect(lastOf(last, 'USER')).toBe('node');
    expect(lastOf(last, 'HEALTHCHECK')).toContain('/healthz');
    expect(lastOf(last, 'CMD')).toBe('["node", "src/main.ts"]');
  });
});

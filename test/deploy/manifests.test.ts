import { readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { STOP_TIMEOUT_MS } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { VARIABLES } from '../../src/config.variables.ts';
import { changedCopy, validateKubernetes } from '../support/deploy-tools.ts';

const FOLDER = 'deploy/kubernetes';
const QR_KEY = Buffer.alloc(32, 7).toString('base64');
/** The oldest Kubernetes that knows all fields in use, and the newest one. */
const KUBERNETES_VERSIONS = ['1.32', '1.37'];

// biome-ignore lint/suspicious/noExplicitAny: manifests have every shape
type Manifest = any;

const manifests: readonly Manifest[] = readdirSync(FOLDER).map((name) =>
  parse(readFileSync(join(FOLDER, name), 'utf8')),
);
const manifest = (kind: string): Manifest => manifests.find((each) => each.kind === kind);

describe('deploy/kubernetes', () => {
  const files = readdirSync(FOLDER).map((name) => join(FOLDER, name));

  test.each(KUBERNETES_VERSIONS)('it is valid for Kubernetes %s', async (version) => {
    const { passed, output } = await validateKubernetes(version, files);
    expect(output).not.toContain('ERROR');
    expect(passed).toBe(true);
  });

  test('a field that Kubernetes does not know would be noticed', async () => {
    const file = await changedCopy(`${FOLDER}/deployment.yaml`, 'periodSeconds: 10', 'periodSecond: 10');
    expect(await validateKubernetes('1.37', [file])).toMatchObject({ passed: false });
    await rm(file);
  });

  test('it has all that the documentation promises', () => {
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

  test('every container runs without root and cannot write to its own files', () => {
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
    expect(config.ALLOW_EMBEDDED).toEqual([]);
    expect(config.listenHost).toBe('');
    expect(() => readConfig({ NODE_ENV: 'production', ...data })).toThrow('NODE_ENV=production');
    const { maxReplicas } = manifest('HorizontalPodAutoscaler').spec;
    const SPARE_CONNECTIONS = 2;
    expect(maxReplicas * (config.POSTGRES_POOL_SIZE + SPARE_CONNECTIONS)).toBeLessThan(100);
  });

  test('it contains no secret', () => {
    const text = files.map((file) => readFileSync(file, 'utf8')).join('\n');
    expect(text).not.toMatch(/:\/\/[^/\s]+:[^/\s]+@|sk_|whsec_|kind: Secret/);
    const secretRefs = manifest('Deployment').spec.template.spec.containers[0].envFrom;
    expect(secretRefs).toContainEqual({ secretRef: { name: 'ms-ticketing' } });
  });
});

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { end, freePorts, removeFiles, untilUp } from './child-server.ts';
import { fromMaven } from './maven.ts';
import { isOk } from './servers.ts';
import { call } from './test-app.ts';

/** A real Keycloak on this machine, with the realm of `deploy/keycloak` imported as it is. */
export type KeycloakServer = Awaited<ReturnType<typeof startKeycloak>>;

export const KEYCLOAK_VERSION = '26.4.5';
/** The secret of `ticket-service-client` in the realm file. */
export const REALM_CLIENT_SECRET = 'demo-service-secret';
const REALM = 'event-ticketing';
const DIGEST = 'f3e105b96fc158a6c8276f43c4779427d0f5e708b726fb23609d8b3da640b22b';
/** The exit code of Keycloak's first run, which only prepares it for its options. */
const BUILT = 10;
const UP_TIMEOUT_MS = 400_000;
const run = promisify(execFile);

/** Starts one, fetched with Maven the first time; `hostname` is this machine in browsers and tokens. */
export async function startKeycloak(hostname = '127.0.0.1') {
  const artifact = ['org.keycloak', 'keycloak-quarkus-dist', KEYCLOAK_VERSION, 'zip'] as const;
  const download = { name: `keycloak-${KEYCLOAK_VERSION}`, artifacts: [artifact], withDependencies: false };
  const archives = await fromMaven({ ...download, digest: DIGEST });
  const folder = await mkdtemp(join(tmpdir(), 'ticketing-keycloak-'));
  await run('unzip', ['-q', join(archives, `keycloak-quarkus-dist-${KEYCLOAK_VERSION}.zip`), '-d', folder]);
  const home = join(folder, `keycloak-${KEYCLOAK_VERSION}`);
  await mkdir(join(home, 'data/import'), { recursive: true });
  await cp('deploy/keycloak', join(home, 'data/import'), { recursive: true });
  const [port = 0] = await freePorts(1);
  const url = `http://${hostname}:${port}`;
  const issuer = `${url}/realms/${REALM}`;
  const log = `${folder}.log`;
  const java = (...more: readonly string[]) => javaOf(home, url, more);
  const isBuilt = '-Dkc.config.built=true';
  const code = await run('java', java()).then(
    () => 0,
    (error: { code: unknown }) => error.code,
  );
  if (code !== BUILT) throw new Error(`Keycloak was not built: exit code ${code}`);
  let child = await launch(java(isBuilt), url, log);
  return {
    url,
    port,
    /** The issuer in its tokens. */
    issuer,
    /** An access token of a person of the realm. */
    signIn: (username: string) => tokenOf(issuer, { client_id: 'login-testing', username, password: 'demo' }),
    /** A call of its admin API, below `/admin/realms/event-ticketing`. */
    async asAdmin(method: string, path: string, body?: unknown): Promise<{ readonly [field: string]: unknown }[]> {
      const admin = { client_id: 'admin-cli', username: 'admin', password: 'admin' };
      const token = await tokenOf(`${url}/realms/master`, admin);
      const answer = await call(url, method, `/admin/realms/${REALM}${path}`, {
        token,
        ...(body === undefined ? {} : { body }),
      });
      if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
      return [answer.body ?? []].flat();
    },
    kill: () => end(child, 'SIGKILL'),
    /** Starts it again in the same place, with its data. */
    async start() {
      child = await launch(java(isBuilt), url, log);
    },
    /** Ends it and removes its files; its log is kept, and named, on request. */
    async stop(keepLog = false) {
      await end(child, 'SIGKILL');
      await removeFiles('Keycloak', folder, log, keepLog);
    },
  };
}

/** Runs what `kc.sh start-dev` runs, but Java itself: a kill then hits the server and not a shell. */
function javaOf(home: string, url: string, more: readonly string[]): string[] {
  const { port } = new URL(url);
  return [
    ...['-Xmx512m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'],
    `-Dkc.home.dir=${home}`,
    `-Djboss.server.config.dir=${home}/conf`,
    '-Djava.util.logging.manager=org.jboss.logmanager.LogManager',
    ...more,
    ...['-cp', `${home}/lib/quarkus-run.jar`, 'io.quarkus.bootstrap.runner.QuarkusEntryPoint'],
    ...['--profile=dev', 'start-dev', '--import-realm'],
    ...['--http-host', '127.0.0.1', '--http-port', port, '--hostname', url],
  ];
}

async function launch(args: readonly string[], url: string, log: string): Promise<ChildProcess> {
  const child = spawn('java', [...args], {
    env: { ...process.env, KC_BOOTSTRAP_ADMIN_USERNAME: 'admin', KC_BOOTSTRAP_ADMIN_PASSWORD: 'admin' },
  });
  await untilUp('Keycloak', child, log, () => isOk(`${url}/realms/${REALM}`), UP_TIMEOUT_MS);
  return child;
}

async function tokenOf(issuer: string, who: Readonly<Record<string, string>>): Promise<string> {
  const form = new URLSearchParams({ grant_type: 'password', scope: 'openid', ...who });
  const response = await fetch(`${issuer}/protocol/openid-connect/token`, { method: 'POST', body: form });
  const answer = (await response.json()) as { access_token?: string };
  if (!answer.access_token) throw new Error(`no token for ${who.username}: ${JSON.stringify(answer)}`);
  return answer.access_token;
}

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { kept } from './kept.ts';
import { patience } from './patience.ts';

const KUBERNETES_VALIDATE = '1.37.0';
const COMPOSE_GO = 'v2.16.2';
const INSTALL_TIMEOUT_MS = 200_000;
const MAX_OUTPUT_BYTES = 10_000_000;
const run = promisify(execFile);

export interface Verdict {
  readonly passed: boolean;
  readonly output: string;
}

/** Checks manifests against the schemas that Kubernetes publishes for a version; unknown fields are errors. */
export async function validateKubernetes(version: string, files: readonly string[]): Promise<Verdict> {
  const site = await kept(`kubernetes-validate-${KUBERNETES_VALIDATE}`, async (draft) => {
    const install = ['-m', 'pip', 'install', '--quiet', '--target', draft];
    const timeout = patience(INSTALL_TIMEOUT_MS);
    await run('python3', [...install, `kubernetes-validate==${KUBERNETES_VALIDATE}`], { timeout });
    return draft;
  });
  return verdictOf('python3', [join(site, 'bin/kubernetes-validate'), '--strict', '-k', version, ...files], {
    PYTHONPATH: site,
  });
}

/** The parts of a loaded Compose file that tests look at. */
export interface ComposeModel {
  readonly services: Readonly<Record<string, ComposeService>>;
}

export interface ComposeService {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly command?: readonly string[] | null;
  readonly entrypoint?: readonly string[] | null;
  readonly profiles?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly {
    readonly host_ip?: string;
    readonly published: string;
    readonly target: number;
  }[];
  readonly volumes?: readonly { readonly type: string; readonly source: string; readonly target: string }[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly stop_grace_period?: string;
}

/** The model of a Compose file, with the defaults of its variables; throws the loader's message for an invalid one. */
export async function readCompose(file: string): Promise<ComposeModel> {
  const { passed, output } = await loadCompose(file);
  if (!passed) throw new Error(output);
  return JSON.parse(output) as ComposeModel;
}

/** Loads a Compose file with the library that Docker Compose uses; prints the model as JSON. */
export async function loadCompose(file: string): Promise<Verdict> {
  const bin = await kept(`compose-go-${COMPOSE_GO}`, async (draft) => {
    const options = { env: { ...process.env, GOBIN: draft }, timeout: patience(INSTALL_TIMEOUT_MS) };
    await run('go', ['install', `github.com/compose-spec/compose-go/v2/cmd@${COMPOSE_GO}`], options);
    return draft;
  });
  // Paths in the file are relative to its folder.
  return verdictOf(join(bin, 'cmd'), ['-format', 'json', basename(file)], {}, dirname(file));
}

/** A copy of a file with one text in it replaced, in a folder of its own; throws when the text is missing. */
export async function changedCopy(file: string, from: string, to: string): Promise<string> {
  const text = await readFile(file, 'utf8');
  if (!text.includes(from)) throw new Error(`${file} does not contain ${JSON.stringify(from)}`);
  const copy = join(await mkdtemp(join(tmpdir(), 'ticketing-deploy-')), 'changed.yaml');
  await writeFile(copy, text.replace(from, to));
  return copy;
}

async function verdictOf(
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
  cwd = '.',
): Promise<Verdict> {
  try {
    const { stdout } = await run(program, [...args], {
      env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
      maxBuffer: MAX_OUTPUT_BYTES,
      cwd,
    });
    return { passed: true, output: stdout };
  } catch (error) {
    const { stdout = '', stderr = String(error) } = error as { stdout?: string; stderr?: string };
    return { passed: false, output: stdout + stderr };
  }
}

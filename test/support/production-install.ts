import { execFile } from 'node:child_process';
import { chmod, copyFile, cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { type Instruction, stagesOf } from './dockerfile.ts';
import { patience } from './patience.ts';

/** The contents of the image, in a folder of this machine. */
export interface ProductionInstall {
  /** The image's working folder; owned by root, read-only for every other user. */
  readonly app: string;
  /** The Node of this repository, where every user may run it. */
  readonly node: string;
  /** How long `npm ci` took. */
  readonly installMs: number;
  remove(): Promise<void>;
}

const run = promisify(execFile);
const IMAGE_WORKDIR = '/app';
const INSTALL_TIMEOUT_MS = 180_000;

/** Does what a Dockerfile does, instruction by instruction, as far as a folder allows. */
export async function installProduction(dockerfile: string): Promise<ProductionInstall> {
  const folder = await mkdtemp(join(tmpdir(), 'ticketing-production-'));
  await chmod(folder, 0o755);
  const [packages = [], image = []] = stagesOf(await readFile(dockerfile, 'utf8'));
  const packagesApp = join(folder, 'packages');
  const app = join(folder, 'app');
  const began = performance.now();
  await follow(packages, packagesApp);
  const installMs = performance.now() - began;
  await follow(image, app, packagesApp);
  const node = join(folder, 'node');
  await copyFile(process.execPath, node);
  await run('chmod', ['-R', 'a-w,a+rX', app]);
  return { app, node, installMs, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** COPY and, where packages are installed, RUN. */
async function follow(stage: readonly Instruction[], workdir: string, from?: string): Promise<void> {
  await mkdir(workdir, { recursive: true });
  for (const { name, text } of stage) {
    if (name === 'RUN' && from === undefined) {
      await run('sh', ['-c', text], { cwd: workdir, timeout: patience(INSTALL_TIMEOUT_MS) });
    }
    if (name === 'COPY') await copy(text, workdir, from);
  }
}

async function copy(text: string, workdir: string, from: string | undefined): Promise<void> {
  const words = text.split(/\s+/);
  const isFromStage = words[0]?.startsWith('--from=') ?? false;
  const paths = isFromStage ? words.slice(1) : words;
  const target = paths.pop() ?? '.';
  for (const path of paths) {
    const source = isFromStage ? join(from ?? '', relative(IMAGE_WORKDIR, path)) : path;
    await cp(source, join(workdir, target.endsWith('/') ? join(target, basename(path)) : target), { recursive: true });
  }
}

import { execFile } from 'node:child_process';
import { chmod, copyFile, cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { type Instruction, lastOf, stagesOf } from './dockerfile.ts';
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
  const stages = stagesOf(await readFile(dockerfile, 'utf8'));
  const image = stages.pop() ?? [];
  const began = performance.now();
  for (const stage of stages) await follow(stage, folder, join(folder, nameOf(stage)));
  const installMs = performance.now() - began;
  const app = join(folder, 'app');
  await follow(
    image.filter(({ name }) => name !== 'RUN'),
    folder,
    app,
  );
  const node = join(folder, 'node');
  await copyFile(process.execPath, node);
  await run('chmod', ['-R', 'a-w,a+rX', app]);
  return { app, node, installMs, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** The name that later stages copy from. */
function nameOf(stage: readonly Instruction[]): string {
  return / AS (\S+)$/i.exec(lastOf(stage, 'FROM') ?? '')?.[1] ?? '';
}

/** COPY and RUN, in a folder for the stage; `folder` has those of the earlier stages. */
async function follow(stage: readonly Instruction[], folder: string, workdir: string): Promise<void> {
  await mkdir(workdir, { recursive: true });
  for (const { name, text } of stage) {
    if (name === 'RUN') await run('sh', ['-c', text], { cwd: workdir, timeout: patience(INSTALL_TIMEOUT_MS) });
    if (name === 'COPY') await copy(text, workdir, folder);
  }
}

/** What `.dockerignore` keeps out of a folder that is copied whole. */
const IGNORED = ['web/dist', 'web/node_modules'];

async function copy(text: string, workdir: string, folder: string): Promise<void> {
  const words = text.split(/\s+/);
  const [, from] = /^--from=(\S+)$/.exec(words[0] ?? '') ?? [];
  const paths = from === undefined ? words : words.slice(1);
  const target = paths.pop() ?? '.';
  for (const path of paths) {
    const source = from === undefined ? path : join(folder, from, relative(IMAGE_WORKDIR, path));
    await cp(source, join(workdir, target.endsWith('/') ? join(target, basename(path)) : target), {
      recursive: true,
      filter: (file) => from !== undefined || !IGNORED.includes(file),
    });
  }
}

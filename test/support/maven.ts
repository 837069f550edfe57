import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { kept } from './kept.ts';
import { patience } from './patience.ts';

/** Coordinates of an artifact: group, name, version, and kind unless it is a jar. */
export type Artifact = readonly [group: string, name: string, version: string, kind?: string];

export interface Download {
  /** The folder below the cache. */
  readonly name: string;
  readonly artifacts: readonly Artifact[];
  /** Whether the dependencies of the artifacts are fetched, too. */
  readonly withDependencies: boolean;
  /** SHA-256 over the names and contents of all files, in the order of their names. */
  readonly digest: string;
}

const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1';
const TIMEOUT_MS = 420_000;
const run = promisify(execFile);

/**
 * A folder with the files of a download, fetched with Maven once per machine. Maven checks each file against the registry's
 * checksum, and we check all of them against our own; an incomplete or altered folder is never used.
 */
export function fromMaven({ name, artifacts, withDependencies, digest }: Download): Promise<string> {
  return kept(name, async (draft) => {
    await writeFile(join(draft, 'pom.xml'), pom(artifacts));
    const files = join(draft, 'files');
    const goal = [`${PLUGIN}:copy-dependencies`, `-DoutputDirectory=${files}`];
    const scope = withDependencies ? [] : ['-DexcludeTransitive=true'];
    // Checksums that do not match fail the fetch, where they would only be a warning.
    const mvn = ['-q', '-B', '--strict-checksums', '-f', join(draft, 'pom.xml')];
    await run('mvn', [...mvn, ...goal, ...scope], { timeout: patience(TIMEOUT_MS) });
    const found = await digestOf(files);
    if (found !== digest) throw new Error(`${name} has the digest ${found}, and not ${digest}`);
    return files;
  });
}

async function digestOf(folder: string): Promise<string> {
  const hash = createHash('sha256');
  for (const name of (await readdir(folder)).toSorted()) {
    const content = createHash('sha256').update(await readFile(join(folder, name)));
    hash.update(`${name} ${content.digest('hex')}\n`);
  }
  return hash.digest('hex');
}

function pom(artifacts: readonly Artifact[]): string {
  const dependencies = artifacts.map(
    ([group, name, version, kind = 'jar']) =>
      `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version><type>${kind}</type></dependency>`,
  );
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
    <groupId>tests</groupId><artifactId>servers</artifactId><version>1</version><packaging>pom</packaging>
    <dependencies>${dependencies.join('')}</dependencies></project>`;
}

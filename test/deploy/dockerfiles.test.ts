import { readFileSync } from 'node:fs';
import { validate } from 'dockerfile-utils';
import { describe, expect, test } from 'vitest';
import { type Instruction, lastOf, stagesOf } from '../support/dockerfile.ts';

const { devDependencies, scripts } = JSON.parse(readFileSync('package.json', 'utf8'));

/** The sources that a stage copies out of the build context. */
function copiedBy(stage: readonly Instruction[]): string[] {
  return stage
    .filter(({ name, text }) => name === 'COPY' && !text.startsWith('--from'))
    .flatMap(({ text }) => text.split(/\s+/).slice(0, -1));
}

describe.each(['Dockerfile', 'Dockerfile.migrate'])('%s', (file) => {
  const text = readFileSync(file, 'utf8');
  const stages = stagesOf(text);
  const image = stages.at(-1);

  test('it is well formed, as Docker’s own language server says', () => {
    expect(validate(text).map(({ message }) => message)).toEqual([]);
    expect(validate(text.replace('WORKDIR', 'WORKDIRS'))).not.toEqual([]);
  });

  test('the build context holds every file that it copies', () => {
    const allowed = readFileSync('.dockerignore', 'utf8').split('\n');
    const copied = stages.flatMap(copiedBy);
    expect(copied).toContain('package.json');
    expect(copied.filter((path) => !allowed.includes(`!${path}`))).toEqual([]);
  });

  test('it runs on the Node that the tests run on, as an ordinary user', () => {
    for (const stage of stages) expect(lastOf(stage, 'FROM')).toContain(`node:${devDependencies.node}-alpine`);
    expect(lastOf(image, 'USER')).toBe('node');
  });
});

describe('Dockerfile', () => {
  const image = stagesOf(readFileSync('Dockerfile', 'utf8')).at(-1) ?? [];

  test('it holds every script that the documentation asks an operator to run', () => {
    const operations = readFileSync('docs/operations.md', 'utf8');
    const named = [...operations.matchAll(/`(?:[^`]* )?npm run (?:--silent )?([\w:]+)|node (scripts\/[\w-]+\.ts)/g)]
      .map(([, name, path]) => path ?? /node (scripts\/\S+)/.exec(scripts[name ?? ''])?.[1])
      .filter((path) => path !== undefined);
    expect(named).toEqual(expect.arrayContaining(['scripts/verify.ts', 'scripts/qr-reissue.ts']));
    expect(named.filter((path) => !copiedBy(image).includes(path))).toEqual([]);
  });

  test('it starts the service, on the port it exposes, with a health check', () => {
    expect(lastOf(image, 'EXPOSE')).toBe('8084');
    expect(lastOf(image, 'ENV')).toContain('PORT=8084');
    expect(lastOf(image, 'HEALTHCHECK')).toContain('/healthz');
    expect(lastOf(image, 'CMD')).toBe('["node", "src/main.ts"]');
  });
});

describe('Dockerfile.migrate', () => {
  const image = stagesOf(readFileSync('Dockerfile.migrate', 'utf8')).at(-1);

  test('it applies the migrations unless arguments say otherwise', () => {
    expect(lastOf(image, 'ENTRYPOINT')).toBe('["/app/scripts/migrate.sh"]');
    expect(lastOf(image, 'CMD')).toBe('["-a", "up"]');
  });
});

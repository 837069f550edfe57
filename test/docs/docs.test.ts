import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ERRORS } from '../../src/app/errors.ts';
import { topicNames } from '../../src/app/servers.ts';
import { describeVariables, readConfig, secretFileVariables } from '../../src/config.ts';

import { TOPIC_KEYS } from '../../src/kernel/events.ts';
import { documentedTopics } from '../support/documented-events.ts';

describe('docs/errors.md', () => {
  test('it lists every code with its status and whether a retry helps, and no other', () => {
    const rows = [...readFileSync('docs/errors.md', 'utf8').matchAll(/^\| `(\w+)` \| (\d+) \| (yes|no) \| .+ \|$/gm)];
    const documented = rows.map(([, code, status, retry]) => ({
      code,
      status: Number(status),
      retry: retry === 'yes',
    }));
    const known = Object.entries(ERRORS).map(([code, { status, retry }]) => ({ code, status, retry }));
    const byCode = (a: { code?: string | undefined }, b: { code?: string | undefined }) =>
      (a.code ?? '') < (b.code ?? '') ? -1 : 1;
    expect(documented.toSorted(byCode)).toEqual(known.toSorted(byCode));
  });
});

describe('docs/configuration.md', () => {
  const configuration = readFileSync('docs/configuration.md', 'utf8');

  test('it lists every variable with its default and meaning', () => {
    const rows = describeVariables().map(
      ({ name, fallback, meaning }) => `| \`${name}\` | ${fallback === '' ? '' : `\`${fallback}\``} | ${meaning} |`,
    );
    const table = configuration.split('\n').filter((line) => /^\| `[A-Z_]+` \|/.test(line));
    expect(table).toEqual(rows);
  });

  test('it names every variable that holds the path of a secret’s file, and no other', () => {
    const sentence = configuration.split('\n').find((line) => line.startsWith('A secret can be in a file'));
    const named = [...(sentence?.matchAll(/`([A-Z_]+_FILE)`/g) ?? [])].map(([, name]) => name);
    expect(named.toSorted()).toEqual(secretFileVariables().toSorted());
  });
});

describe('docs/events.md', () => {
  test('it lists every topic that the service writes to, by its default name and its variable', () => {
    const names = topicNames(readConfig({}));
    const dead = (topic: string) => topic.endsWith('.dead');
    const variables = new Map(describeVariables().map(({ name, fallback }) => [fallback, name]));
    const rows = documentedTopics();
    expect(rows.map(({ topic }) => topic)).toEqual(TOPIC_KEYS.map((key) => names[key]));
    for (const { topic, variable } of rows) {
      expect(variables.get(dead(topic) ? topic.slice(0, -'.dead'.length) : topic)).toBe(variable);
    }
  });
});

describe('docs/operations.md', () => {
  test('it has advice for every variable, by its name or its group’s', () => {
    const operations = readFileSync('docs/operations.md', 'utf8');
    const advised = [...operations.matchAll(/`([A-Z][A-Z_]+)(\*?)`/g)].map(([, name = '', isGroup]) =>
      isGroup ? (each: string) => each.startsWith(name) : (each: string) => each === name,
    );
    const names = describeVariables().map(({ name }) => name);
    expect(names.filter((name) => !advised.some((isMeant) => isMeant(name)))).toEqual([]);
  });
});

describe('docs/decisions', () => {
  test('they name every dependency and its reason', () => {
    const decisions = readdirSync('docs/decisions')
      .map((name) => readFileSync(`docs/decisions/${name}`, 'utf8'))
      .join('\n');
    const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, Record<string, string>>;
    const names = ['dependencies', 'optionalDependencies', 'devDependencies'].flatMap((kind) =>
      Object.keys(manifest[kind] ?? {}),
    );
    expect(names.filter((name) => !decisions.includes(`\`${name}\``))).toEqual([]);
  });
});

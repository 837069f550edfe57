import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { functionLengths } from './functions.ts';
import { type SourceFile, sourceFiles } from './source-files.ts';

const files = sourceFiles('src');

/**
 * The layer of a file: `kernel`, `platform`, `embedded`, `features`, or `root` for the files beside them and
 * in `app`.
 */
function layerOf(path: string): string {
  const [, room = '', rest] = path.split('/');
  return rest === undefined || room === 'app' ? 'root' : room;
}

/** Features’ files that decide, price and count: no await, no clock, nothing of Node. */
const PURE =
  /^src\/features\/(analytics\/(export|figures|orders-list|sales-rows|time-zones)|audit\/entry|door\/(scan|refusal)|live\/(scope|stream)|paper\/(line|session-time)|tickets\/ticket|orders\/order|pricing\/(discount|price)|seats\/seat-refusal|box-office\/ticket-change|payments\/(payment|refund|ticket-share|account-diff)|sales\/sales)\.ts$/;

/**
 * The features that each feature imports, as types or at run time. A feature imports only features above it, so that there
 * is no cycle; `docs/architecture.md` draws the same list.
 */
const FEATURE_IMPORTS: Readonly<Record<string, readonly string[]>> = {
  pricing: [],
  catalogue: [],
  pages: [],
  verification: [],
  seats: ['pricing'],
  access: ['seats'],
  audit: ['access'],
  tickets: ['access'],
  orders: ['access', 'audit', 'catalogue', 'pricing', 'seats', 'tickets'],
  sales: ['orders'],
  payments: ['access', 'audit', 'orders', 'tickets'],
  'box-office': ['access', 'audit', 'catalogue', 'orders', 'payments', 'pricing', 'tickets'],
  door: ['access', 'audit', 'catalogue', 'tickets'],
  paper: ['access', 'catalogue', 'orders', 'tickets'],
  live: ['access', 'orders', 'sales'],
  analytics: ['access', 'orders', 'payments', 'sales', 'tickets'],
};

function featureOf(path: string): string | undefined {
  return /^src\/features\/([^/]+)\//.exec(path)?.[1];
}

/** The features that each feature imports in the sources, in alphabetical order. */
function featureImports(): Map<string, string[]> {
  const imports = new Map<string, Set<string>>();
  for (const { path, imports: targets } of files) {
    const from = featureOf(path);
    if (from === undefined) continue;
    const others = imports.get(from) ?? new Set();
    imports.set(from, others);
    for (const { target } of targets) {
      const to = featureOf(target);
      if (to !== undefined && to !== from) others.add(to);
    }
  }
  return new Map([...imports].map(([from, others]) => [from, [...others].toSorted()]));
}

/** Every import of our own files for which `isForbidden` holds, as `file -> target`. */
function forbidden(isForbidden: (from: SourceFile, target: string, isTypeOnly: boolean) => boolean): string[] {
  return files.flatMap((file) =>
    file.imports
      .filter(({ target, isOurs, isTypeOnly }) => isOurs && isForbidden(file, target, isTypeOnly))
      .map(({ target }) => `${file.path} -> ${target}`),
  );
}

describe('import directions', () => {
  test('there are files to check', () => {
    expect(files.length).toBeGreaterThan(30);
    expect(new Set(files.map((file) => layerOf(file.path)))).toEqual(
      new Set(['root', 'kernel', 'platform', 'embedded', 'features']),
    );
  });

  test('the kernel imports only the kernel', () => {
    expect(forbidden((from, target) => layerOf(from.path) === 'kernel' && layerOf(target) !== 'kernel')).toEqual([]);
  });

  test('only files that start the process import from the root', () => {
    expect(forbidden((from, target) => layerOf(from.path) !== 'root' && layerOf(target) === 'root')).toEqual([]);
  });

  test('platform knows features only by the types of their ports', () => {
    expect(
      forbidden(
        (from, target, isTypeOnly) =>
          layerOf(from.path) === 'platform' &&
          (layerOf(target) === 'embedded' || (layerOf(target) === 'features' && !isTypeOnly)),
      ),
    ).toEqual([]);
  });

  test('embedded parts know features only by type, and nothing of platform', () => {
    expect(
      forbidden(
        (from, target, isTypeOnly) =>
          layerOf(from.path) === 'embedded' &&
          (layerOf(target) === 'platform' || (layerOf(target) === 'features' && !isTypeOnly)),
      ),
    ).toEqual([]);
  });

  test('features import platform as types; but they use its jobs and outbox, schemas and routes its HTTP words, stores its SQL errors', () => {
    expect(
      forbidden((from, target, isTypeOnly) => {
        if (layerOf(from.path) !== 'features' || isTypeOnly) return false;
        if (layerOf(target) === 'embedded') return true;
        if (layerOf(target) !== 'platform') return false;
        const speaksHttp = /[./-](routes|schemas)\.ts$/.test(from.path) && target.startsWith('src/platform/http/');
        const readsSqlErrors =
          from.path.endsWith('.store.ts') && /^src\/platform\/(postgres\/sqlstate|checks)\.ts$/.test(target);
        const usesWork = /^src\/platform\/(jobs|outbox)\//.test(target);
        return !speaksHttp && !readsSqlErrors && !usesWork;
      }),
    ).toEqual([]);
  });

  test('each feature imports the features that are declared for it, and no others', () => {
    expect(Object.fromEntries(featureImports())).toEqual(FEATURE_IMPORTS);
  });

  test('a feature imports only features above it in the list, so that there is no cycle', () => {
    const order = Object.keys(FEATURE_IMPORTS);
    const upwards = order.flatMap((from, at) =>
      (FEATURE_IMPORTS[from] ?? []).filter((to) => !order.slice(0, at).includes(to)).map((to) => `${from} -> ${to}`),
    );
    expect(upwards).toEqual([]);
  });

  test('docs/architecture.md has the same list', () => {
    const rows = readFileSync('docs/architecture.md', 'utf8').matchAll(/^\| `([a-z-]+)` \| ([a-z, -]+) \| /gm);
    const documented = [...rows].map(([, feature = '', imports = '']) => [
      feature,
      imports === '-' ? [] : imports.split(', '),
    ]);
    expect(documented).toEqual(Object.entries(FEATURE_IMPORTS));
  });

  test('a feature is imported through its index.ts alone, by features and by every other folder', () => {
    expect(
      forbidden(({ path }, target) => {
        const feature = featureOf(target);
        return feature !== undefined && feature !== featureOf(path) && target !== `src/features/${feature}/index.ts`;
      }),
    ).toEqual([]);
  });

  test('files that decide are pure: no await, no clock, no Node, nothing but the kernel and pure files', () => {
    const rules = files.filter(({ path }) => PURE.test(path));
    expect(rules.length).toBeGreaterThan(10);
    const impure = rules.flatMap((file) => {
      const words = /\bawait\b|\basync\b|Date\.now|new Date\(\)|Math\.random|process\./.exec(
        withoutComments(file.text),
      );
      const disallowed = file.imports.filter(({ target, isOurs }) =>
        isOurs ? layerOf(target) !== 'kernel' && !PURE.test(target) && !target.endsWith('/index.ts') : true,
      );
      return words || disallowed.length > 0 ? [`${file.path} ${words?.[0] ?? disallowed[0]?.target}`] : [];
    });
    expect(impure).toEqual([]);
  });
});

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
}

describe('words in their layers', () => {
  test('SQL stands only in stores and platform', () => {
    const sql = /\b(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM)\b/;
    const strays = files
      .filter(({ path }) => !path.endsWith('.store.ts') && layerOf(path) !== 'platform')
      .filter(({ path }) => !path.startsWith('src/embedded/postgres/'))
      .filter(({ text }) => sql.test(withoutComments(text)))
      .map(({ path }) => path);
    expect(strays).toEqual([]);
  });

  test('HTTP words stand only in routes and platform/http', () => {
    const http = /\breply\b|statusCode|\.code\(\d/;
    const strays = files
      .filter(({ path }) => layerOf(path) === 'features' && !/[./-]routes\.ts$/.test(path))
      .filter(({ text }) => http.test(withoutComments(text)))
      .map(({ path }) => path);
    expect(strays).toEqual([]);
  });

  test('the environment is read only in main, and passed to config', () => {
    const strays = files.filter(({ text }) => /process\.env/.test(withoutComments(text))).map(({ path }) => path);
    expect(strays).toEqual(['src/main.ts']);
  });

  test('times in texts are read by the kernel alone; the server’s own are in UTC', () => {
    const reads = /Date\.parse\(|\.(getHours|getMinutes|getDate|getDay|getMonth|getFullYear)\(|toLocale\w*String\(/;
    const strays = files.filter(({ text }) => reads.test(withoutComments(text))).map(({ path }) => path);
    expect(strays).toEqual(['src/kernel/iso-date.ts', 'src/platform/postgres/database.ts']);
  });

  test('no file has a meaningless name', () => {
    const vague = /\/(utils?|helpers?|common|manager|misc|shared)(\.|\/)/;
    expect(files.map(({ path }) => path).filter((path) => vague.test(path))).toEqual([]);
  });

  test('a file of a feature is named by its noun or its use case, and by its role where it has one', () => {
    /** A use case by a verb and a noun, or a noun; then the file's role where it has one. */
    const name = /\/[a-z]+[0-9]*(-[a-z]+)*(\.(store|ports|worker))?\.ts$/;
    const strays = files.map(({ path }) => path).filter((path) => featureOf(path) !== undefined && !name.test(path));
    expect(strays).toEqual([]);
  });

  test('there is no TODO without a reason, and no skipped or focused test', () => {
    const all = [...files, ...sourceFiles('test')].filter(({ path }) => !path.startsWith('test/house/'));
    const words = /\b(TODO|FIXME|XXX)\b|\b(test|it|describe)\.(only|skip|todo)\b/;
    expect(all.filter(({ text }) => words.test(text)).map(({ path }) => path)).toEqual([]);
  });
});

describe('sizes', () => {
  const MAX_FUNCTION_LINES = 70;
  const MAX_FILE_LINES = 350;
  const measured = [...files, ...sourceFiles('scripts')];

  test('no function is longer than 70 lines', () => {
    const lengths = measured.flatMap(functionLengths);
    expect(lengths.length).toBeGreaterThan(500);
    expect(lengths.filter(({ lines }) => lines > MAX_FUNCTION_LINES)).toEqual([]);
  });

  test('no file is longer than 350 lines', () => {
    const long = measured.filter(({ text }) => text.split('\n').length > MAX_FILE_LINES);
    expect(long.map(({ path }) => path)).toEqual([]);
  });

  test('a function is measured without blank lines, comments and inner functions', () => {
    const text = [
      'function outer() {',
      '  // A comment.',
      '',
      '  const inner = () => {',
      '    return 1;',
      '  };',
      '  return inner;',
      '}',
      'class Some {',
      '  method() {',
      '    return 2;',
      '  }',
      '}',
    ].join('\n');
    const lengths = functionLengths({ path: 'a.ts', text, imports: [] });
    expect(lengths.toSorted((one, other) => (one.where < other.where ? -1 : 1))).toEqual([
      { where: 'a.ts:1 outer', lines: 4 },
      { where: 'a.ts:10 method', lines: 3 },
      { where: 'a.ts:4 inner', lines: 3 },
    ]);
  });
});

describe('tests mirror sources', () => {
  const sources = new Set(readdirSync('src', { recursive: true, encoding: 'utf8' }));

  test('each folder of tests is one of src or one of the named others', () => {
    const others = new Set([
      'bench',
      'browser',
      'contract',
      'controls',
      'crash',
      'deploy',
      'model',
      'races',
      'e2e',
      'house',
      'slow',
      'stack',
      'web',
      'support',
      'scripts',
      'docs',
    ]);
    const strays = readdirSync('test', { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts') && name.includes('/'))
      .map((name) => name.slice(0, name.lastIndexOf('/')))
      .filter((folder) => !others.has(folder.split('/')[0] ?? '') && !sources.has(folder));
    expect(strays).toEqual([]);
  });
});

test('the lock file names no address, so that any registry serves it', () => {
  expect(readFileSync('package-lock.json', 'utf8').match(/"resolved": "https?:/g)).toBeNull();
});

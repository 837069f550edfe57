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

function isPure(path: string): boolean {
  return PURE.test(path) || (path.endsWith('.rules.ts') && layerOf(path) === 'features');
}

function featureOf(path: string): string | undefined {
  return /^src\/features\/([^/]+)\//.exec(path)?.[1];
}

/** Every import of our own files for which `isForbidden` holds, as `file -> target`. */
function forbidden(
  isForbidden: (from: SourceFile, target: string, isTypeOnly: boolean) => boolean,
): string[] {
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
    expect(
      forbidden((from, target) => layerOf(from.path) === 'kernel' && layerOf(target) !== 'kernel'),
    ).toEqual([]);
  });

  test('only files that start the process import from the root', () => {
    expect(forbidden((from, target) => layerOf(from.path) !== 'root' && layerOf(target) === 'root')).toEqual(
      [],
    );
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
        const speaksHttp =
          /[./-](routes|schemas)\.ts$/.test(from.path) && target.startsWith('src/platform/http/');
        const readsSqlErrors =
          from.path.endsWith('.store.ts') && /^src\/platform\/(postgres\/sqlstate|checks)\.ts$/.test(target);
        const usesWork = /^src\/platform\/(jobs|outbox)\//.test(target);
        return !speaksHttp && !readsSqlErrors && !usesWork;
      }),
    ).toEqual([]);
  });

  test('features use another feature’s store and service only as types', () => {
    expect(
      forbidden((from, target, isTypeOnly) => {
        const other = featureOf(from.path) !== featureOf(target);
        const isInner = !target.endsWith('/index.ts') && !/\.(ports|rules)\.ts$/.test(target);
        return (
          layerOf(from.path) === 'features' &&
          featureOf(target) !== undefined &&
          other &&
          isInner &&
          !isTypeOnly
        );
      }),
    ).toEqual([]);
  });

  test('rules are pure: no await, no clock, no Node, nothing but kernel and rules', () => {
    const rules = files.filter(({ path }) => isPure(path));
    expect(rules.length).toBeGreaterThan(10);
    const impure = rules.flatMap((file) => {
      const words = /\bawait\b|\basync\b|Date\.now|new Date\(\)|Math\.random|process\./.exec(
        withoutComments(file.text),
      );
      const disallowed = file.imports.filter(({ target, isOurs }) =>
        isOurs ? layerOf(target) !== 'kernel' && !isPure(target) && !target.endsWith('/index.ts') : true,
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
    const strays = files
      .filter(({ text }) => /process\.env/.test(withoutComments(text)))
      .map(({ path }) => path);
    expect(strays).toEqual(['src/main.ts']);
  });

  test('no file has a meaningless name', () => {
    const vague = /\/(utils?|helpers?|common|manager|misc|shared)(\.|\/)/;
    expect(files.map(({ path }) => path).filter((path) => vague.test(path))).toEqual([]);
  });

  test('features hold only files of the known roles', () => {
    const roles =
      /\/[a-z-]+(\.[a-z-]+)*\.(rules|store|service|schemas|schema|routes|consumer|ports|wire|rows|worker)\.ts$/;
    /** A use case, named by a verb and a noun, or a noun. */
    const useCases =
      /\/([a-z]+(-[a-z]+)*|order\.(placing|quoting|changing|expiry|transitions)|seating\.services)\.ts$/;
    const strays = files
      .map(({ path }) => path)
      .filter((path) => featureOf(path) !== undefined && !path.includes('/qr/'))
      .filter((path) => !roles.test(path) && !useCases.test(path));
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

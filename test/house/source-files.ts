import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

export interface SourceFile {
  /** Path from the root of the checkout, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

export interface Import {
  /** Path from the root for our own files; the package or `node:` name otherwise. */
  readonly target: string;
  readonly isOurs: boolean;
  readonly isTypeOnly: boolean;
}

const IMPORT = /^(?:import|export)\s+(type\s+)?([^;]*?)\bfrom\s+'([^']+)'/gm;
const DYNAMIC_IMPORT = /\bimport\('([^']+)'\)/g;

/** Every TypeScript file below a folder of the checkout. */
export function sourceFiles(folder: string): SourceFile[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => read(join(folder, name)))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

function read(path: string): SourceFile {
  const text = readFileSync(path, 'utf8');
  const fixed = [...text.matchAll(IMPORT)].map(([, type, names = '', specifier = '']) =>
    toImport(path, specifier, type !== undefined || onlyTypes(names)),
  );
  const dynamic = [...text.matchAll(DYNAMIC_IMPORT)].map(([, specifier = '']) => toImport(path, specifier, false));
  return { path, text, imports: [...fixed, ...dynamic] };
}

function onlyTypes(names: string): boolean {
  const list = /^\{([\s\S]*)\}\s*$/.exec(names.trim())?.[1];
  if (list === undefined) return false;
  return list.split(',').every((name) => name.trim() === '' || name.trim().startsWith('type '));
}

function toImport(from: string, specifier: string, isTypeOnly: boolean): Import {
  const isOurs = specifier.startsWith('.');
  return { target: isOurs ? normalize(join(dirname(from), specifier)) : specifier, isOurs, isTypeOnly };
}

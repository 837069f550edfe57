import { parseAst } from 'vitest/node';
import type { SourceFile } from './source-files.ts';

/** A function, method or arrow function of a source file. */
export interface FunctionLength {
  /** `path:line name`, for a list that a developer reads. */
  readonly where: string;
  /** Its lines of code: no blank lines, no comments, and no lines of functions inside it. */
  readonly lines: number;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly body?: unknown;
  readonly [field: string]: unknown;
}

const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);

/** The length of each function in a file, by its syntax tree. A line that begins an inner function counts for both. */
export function functionLengths({ path, text }: SourceFile): FunctionLength[] {
  const found: FunctionLength[] = [];
  const codeLines = linesOfCode(text);
  const lineAt = (position: number) => text.slice(0, position).split('\n').length;

  function visit(node: Node, name: string, enclosing: Set<number>): void {
    const isFunction = FUNCTIONS.has(node.type);
    const own = isFunction ? new Set<number>() : enclosing;
    if (isFunction) {
      const [first, last] = [lineAt(node.start), lineAt(node.end)];
      for (let line = first; line <= last; line += 1) if (codeLines.has(line)) own.add(line);
      for (const line of own) if (line > first) enclosing.delete(line);
    }
    for (const child of childrenOf(node)) visit(child, nameOf(child, nameOf(node, name)), own);
    if (isFunction) found.push({ where: `${path}:${lineAt(node.start)} ${name}`, lines: own.size });
  }

  visit(parseAst(text, { lang: 'ts' }) as unknown as Node, 'module', new Set());
  return found;
}

function childrenOf(node: Node): Node[] {
  return Object.values(node).flat().filter(isNode);
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value;
}

/** The name that a declaration, method or property gives to the function in it. */
function nameOf(node: Node, otherwise: string): string {
  const name = node.id ?? node.key;
  return isNode(name) && typeof name.name === 'string' ? name.name : otherwise;
}

/** The numbers of the lines that hold more than blanks and comments. */
function linesOfCode(text: string): Set<number> {
  const withoutComments = text
    .replaceAll(/^\s*\/\*[\s\S]*?\*\//gm, (comment) => comment.replaceAll(/[^\n]/g, ''))
    .replaceAll(/^\s*\/\/.*$/gm, '');
  const lines = withoutComments.split('\n').map((line, index) => [line.trim(), index + 1] as const);
  return new Set(lines.filter(([line]) => line !== '').map(([, number]) => number));
}

import { randomUUID } from 'node:crypto';
import { call } from './test-app.ts';

/** An operation of the description of the API. */
export interface Operation {
  /** The method, in capitals. */
  readonly method: string;
  readonly path: string;
  readonly summary?: string;
  readonly security?: unknown;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Described & { readonly required?: boolean };
  readonly responses: Readonly<Record<string, Described>>;
}

interface Parameter {
  readonly in: string;
  readonly name: string;
  readonly schema: Schema;
}

/** A body, by its content types. */
interface Described {
  readonly content?: Readonly<
    Record<string, { readonly schema: Schema; readonly example?: unknown; readonly examples?: unknown }>
  >;
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into schemas of every shape
type Schema = any;

/** Every operation that the service describes at `/openapi.json`. */
export async function operationsOf({ url }: { readonly url: string }): Promise<Operation[]> {
  const { body: document } = await call(url, 'GET', '/openapi.json');
  return Object.entries<Record<string, Omit<Operation, 'method' | 'path'>>>(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ ...operation, path, method: method.toUpperCase() })),
  );
}

/** An address of the path, with unknown ids in it. */
export const somewhere = (path: string) => path.replaceAll(/\{\w+\}/g, randomUUID());

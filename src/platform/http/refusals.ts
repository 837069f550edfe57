import type { ErrorCode, Errors } from '../../kernel/errors.ts';
import { PROBLEM_MEDIA_TYPE, problemExample } from './problem.ts';
import type { HttpServer } from './server.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route's error codes, without those that follow from its permission and description; a test fails on any other. */
    readonly refuses?: readonly ErrorCode[];
  }
}

/** The error codes of each route, by `METHOD /path/{parameter}`, without those that follow from its description. */
export type Refusals = ReadonlyMap<string, readonly ErrorCode[]>;

/** Collects the error codes of routes that are added later. `ofPermission` returns the codes that follow from a permission. */
export function collectRefusals(app: HttpServer, ofPermission: (permission: string) => readonly ErrorCode[]): Refusals {
  const refusals = new Map<string, readonly ErrorCode[]>();
  app.addHook('onRoute', ({ method, url, config }) => {
    const { permission, refuses = [] } = config ?? {};
    const implied: readonly ErrorCode[] = permission === undefined ? [] : ofPermission(permission);
    const path = url.replaceAll(/:(\w+)/g, '{$1}');
    for (const each of [method].flat()) refusals.set(`${each} ${path}`, [...refuses, ...implied]);
  });
  return refusals;
}

interface Operation {
  readonly security?: unknown;
  readonly parameters?: readonly unknown[];
  readonly responses: Record<string, Response>;
}

interface Response {
  readonly description: string;
  readonly content?: Readonly<Record<string, unknown>>;
}

/** Codes of the process itself and of its parser, which every route can answer. */
const ALWAYS = ['internal', 'starting', 'shutting_down', 'headers_too_large', 'request_too_slow'] as const;
/** `forbidden` is for tokens of services. */
const SIGNED_IN = ['unauthenticated', 'identity_unavailable', 'forbidden'] as const;
const WITH_BODY = ['body_too_large', 'unsupported_media_type', 'invalid_request'] as const;
const ONCE = ['idempotency_key_reused', 'request_in_flight'] as const;
const METHODS = new Set(['get', 'post', 'put', 'delete']);
const PROBLEM_REF = '#/components/schemas/Problem';

/**
 * Adds the refusals of each route to an OpenAPI document: one response for each status, with its possible codes. Codes that
 * follow from the route's description (a token, its method, parameters, an idempotency key) are added automatically.
 */
export function documentRefusals<Document extends object>(
  document: Document,
  refusals: Refusals,
  errors: Errors,
): Document {
  const { paths = {}, components = {} } = document as {
    paths?: Record<string, Record<string, Operation>>;
    components?: { schemas?: object };
  };
  let problem: unknown;
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      if (!METHODS.has(method)) continue;
      const ofDefault = operation.responses.default?.content?.[PROBLEM_MEDIA_TYPE];
      if (typeof ofDefault !== 'object' || ofDefault === null || !('schema' in ofDefault)) continue;
      problem ??= ofDefault.schema;
      const content = {
        [PROBLEM_MEDIA_TYPE]: { schema: { $ref: PROBLEM_REF }, example: problemExample('internal', errors) },
      };
      operation.responses.default = { description: 'Any other problem', content };
      const own = refusals.get(`${method.toUpperCase()} ${path}`) ?? [];
      addResponses(operation, codesOf(method, operation, own), errors);
    }
  }
  return { ...document, components: { ...components, schemas: { ...components.schemas, Problem: problem } } };
}

function codesOf(method: string, operation: Operation, own: readonly ErrorCode[]): ErrorCode[] {
  const parameters = operation.parameters ?? [];
  return [
    ...own,
    ...ALWAYS,
    ...(operation.security ? SIGNED_IN : []),
    // A body is parsed even where the route expects none. Webhooks, the only such routes without a token, accept any body.
    ...(operation.security && method !== 'get' ? WITH_BODY : []),
    ...(parameters.length > 0 ? (['invalid_request'] as const) : []),
    ...(parameters.some(isIdempotencyKey) ? ONCE : []),
  ];
}

function isIdempotencyKey(parameter: unknown): boolean {
  return (
    typeof parameter === 'object' && parameter !== null && 'name' in parameter && parameter.name === 'idempotency-key'
  );
}

function addResponses(operation: Operation, codes: readonly ErrorCode[], errors: Errors): void {
  const byStatus = Map.groupBy(new Set(codes), (code) => errors[code].status);
  for (const [status, ofStatus] of [...byStatus].toSorted(([one], [other]) => one - other)) {
    const sorted = ofStatus.toSorted();
    const known = operation.responses[status];
    const words = sorted.map((code) => `\`${code}\`: ${errors[code].title}`).join('; ');
    operation.responses[status] = {
      description: known ? `${known.description}. Or ${words}` : words,
      content: {
        ...known?.content,
        [PROBLEM_MEDIA_TYPE]: {
          schema: { allOf: [{ $ref: PROBLEM_REF }, { properties: { code: { enum: sorted } } }] },
          example: problemExample(sorted[0] ?? 'internal', errors),
        },
      },
    };
  }
}

import type { HttpServer } from '../../src/platform/http/server.ts';

interface Observed {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly code: string;
}

interface Documented {
  readonly allOf?: readonly {
    readonly properties?: { readonly code: { readonly enum: readonly string[] } };
  }[];
}

type Responses = Record<string, { content?: Record<string, { schema: Documented }> }>;

/** Records the refusals that tests saw, and returns those that the OpenAPI document does not have for their route. */
export function refusalsSeen() {
  const seen: Observed[] = [];
  return {
    add: (method: string, path: string, status: number, body: unknown) => {
      if (typeof body === 'object' && body !== null && 'code' in body && typeof body.code === 'string')
        seen.push({ method: method.toLowerCase(), path: path.split('?', 1)[0] ?? '', status, code: body.code });
    },
    undocumented(http: HttpServer): string[] {
      const paths = http.swagger().paths as Record<string, Record<string, { responses: Responses }>>;
      // The most specific route is the one that the router takes.
      const patterns = Object.keys(paths)
        .toSorted((one, other) => parametersIn(one) - parametersIn(other) || other.length - one.length)
        .map((path) => ({ path, regex: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}/?$`) }));
      const missing = seen.flatMap(({ method, path, status, code }) => {
        const route = patterns.find(({ regex, path: at }) => regex.test(path) && paths[at]?.[method])?.path;
        const responses = route && paths[route]?.[method]?.responses;
        if (!responses || code === 'method_not_allowed') return [];
        const schema = responses[status]?.content?.['application/problem+json']?.schema;
        const codes = schema?.allOf?.flatMap((part) => part.properties?.code.enum ?? []) ?? [];
        return codes.includes(code) ? [] : [`${method.toUpperCase()} ${route} ${status} ${code}`];
      });
      return [...new Set(missing)].toSorted();
    },
  };
}

function parametersIn(path: string): number {
  return path.split('{').length;
}

import type { About, Row } from './routes.ts';
import type { Sale, World } from './world.ts';

/** The kind of thing that an id in a request refers to. */
export type Kind = 'event' | 'session' | 'organization' | 'order' | 'ticket' | 'user' | 'tier' | 'discount' | 'payment';

/** The kind of each name that an id has in a path, a query or a body. */
const KINDS: Readonly<Record<string, Kind>> = {
  eventId: 'event',
  eventID: 'event',
  event_id: 'event',
  eventIds: 'event',
  sessionId: 'session',
  session_id: 'session',
  organizationId: 'organization',
  organizationID: 'organization',
  organization_id: 'organization',
  orderId: 'order',
  ticketId: 'ticket',
  userId: 'user',
  tier_id: 'tier',
  discount_id: 'discount',
  id: 'payment',
};

/** The ids of a sale and of what it belongs to; every other id is an unknown one. */
export function idOf({ side, orderId, ticketId }: Sale, kind: Kind): string | undefined {
  const known: Partial<Record<Kind, string>> = {
    event: side.eventId,
    session: side.sessionId,
    organization: side.organizationId,
    order: orderId,
    ticket: ticketId,
    user: side.buyer,
  };
  return known[kind];
}

/** A request before it is turned into an address and a text. */
export interface Request {
  readonly method: string;
  /** The operation as the OpenAPI document has it. */
  readonly template: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** The valid request of a route's row. */
export function requestOf(route: string, row: Row, about: About): Request {
  const [method = '', template = ''] = route.split(' ');
  const names = [...template.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const params = names.map((name) => {
    const kind = KINDS[name];
    const id = row.params?.[name] ?? (kind && idOf(about.sale, kind));
    if (id === undefined) throw new Error(`${route}: nothing supplies the id {${name}}`);
    return [name, id] as const;
  });
  return {
    method,
    template,
    params: Object.fromEntries(params),
    query: row.query?.(about) ?? {},
    body: row.body?.(about),
  };
}

export function addressOf({ template, params, query }: Request): string {
  const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
  const search = new URLSearchParams(query).toString();
  return search === '' ? path : `${path}?${search}`;
}

/** An id in a request: its place, such as `body.scans.0.session_id`, and its kind. */
export interface Slot {
  readonly at: string;
  readonly kind: Kind;
  readonly isInList: boolean;
}

/** Every id of a request. */
export function slotsOf(request: Request): Slot[] {
  const slots: Slot[] = [];
  mapIds(request, (id, slot) => {
    slots.push(slot);
    return id;
  });
  return slots;
}

/** The same request with other ids. */
export function mapIds(request: Request, become: (id: string, slot: Slot) => string): Request {
  const inside = (value: unknown, name: string, at: string, isInList: boolean): unknown => {
    if (Array.isArray(value)) return value.map((each, place) => inside(each, name, `${at}.${place}`, true));
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(
        Object.entries(value).map(([key, each]) => [key, inside(each, key, `${at}.${key}`, false)]),
      );
    const kind = KINDS[name];
    return kind && typeof value === 'string' ? become(value, { at, kind, isInList }) : value;
  };
  const { params, query, body } = request;
  return {
    ...request,
    params: inside(params, '', 'path', false) as Request['params'],
    query: inside(query, '', 'query', false) as Request['query'],
    body: inside(body, '', 'body', false),
  };
}

/** The same request with one id replaced by that of the other event; in a list it follows the one that is there. */
export function withForeign(request: Request, slot: Slot, there: Sale): Request {
  const foreign = idOf(there, slot.kind);
  if (foreign === undefined) return request;
  const replaced = mapIds(request, (id, { at }) => (at === slot.at ? foreign : id));
  if (!slot.isInList) return replaced;
  const name = slot.at.split('.').at(-2) ?? '';
  const own = request.body as Readonly<Record<string, readonly string[]>>;
  return { ...request, body: { ...own, [name]: [...(own[name] ?? []), foreign] } };
}

interface Schema {
  readonly format?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

interface Operation {
  readonly parameters?: readonly { readonly in: string; readonly name: string; readonly schema: Schema }[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema?: Schema }>>;
  };
}

/** Every route of the OpenAPI document, with the names of the ids that it takes, by place. */
export async function documentedRoutes({ platform }: World): Promise<Map<string, string[]>> {
  const { body } = await platform.app.call('GET', '/openapi.json');
  const paths = Object.entries<Record<string, Operation>>(body.paths);
  return new Map(
    paths.flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]): [string, string[]] => [
        `${method.toUpperCase()} ${path}`,
        idsOf(operation),
      ]),
    ),
  );
}

function idsOf({ parameters = [], requestBody }: Operation): string[] {
  const inParameters = parameters
    .filter((parameter) => parameter.in !== 'header' && isId(parameter.schema))
    .map((parameter) => `${parameter.in}.${parameter.name}`);
  const { schema } = requestBody?.content['application/json'] ?? {};
  return [...inParameters, ...(schema ? idsIn(schema, 'body') : [])];
}

function idsIn(schema: Schema, at: string): string[] {
  const here = isId(schema) ? [at] : [];
  const inProperties = Object.entries(schema.properties ?? {}).flatMap(([name, each]) => idsIn(each, `${at}.${name}`));
  return [...here, ...inProperties, ...(schema.items ? idsIn(schema.items, `${at}.0`) : [])];
}

function isId({ format, anyOf = [] }: Schema): boolean {
  return format === 'uuid' || anyOf.some(isId);
}

import { beforeAll, describe, expect, test } from 'vitest';
import { addressOf, mapIds, type Request, requestOf } from '../support/access-walk/requests.ts';
import { INVOLVED, ROUTES } from '../support/access-walk/routes.ts';
import { aboutIn, rowOf } from '../support/access-walk/walk.ts';
import { type Caller, openWorld, type World } from '../support/access-walk/world.ts';

const WITH_BODY = Object.keys(ROUTES).filter((route) => /^(POST|PUT|DELETE) /.test(route));
const LONG = 'x'.repeat(60_000);

/** JSON texts in the place of a value. */
const VALUES = [
  ...['null', 'true', '[]', '{}', '""', '"x"', '-0', '0.1', '1e2', '1e308', '1e999', '-1e999', '9007199254740993'],
  ...[
    '"\\u0000"',
    '"\\ud800"',
    '"\\u001b[2J"',
    '"\\u202e"',
    `"${LONG}"`,
    '"\\"; DROP TABLE orders; --"',
    '"__proto__"',
  ],
  ...['[null]', '[[]]', '{"__proto__":{}}', '{"constructor":{"prototype":{}}}', '{"toString":1}', '{"length":-1}'],
];
/** Bodies that are no member of a request. */
const WHOLE = [
  ...['', ' ', '\ufeff{}', 'null', '0', '""', '[]', '[{}]', '{', '{"a"', "{'a':1}", '{"a":NaN}', '{}{}', '{"a":1,}'],
  ...[`${'['.repeat(30_000)}${']'.repeat(30_000)}`, `${'{"a":'.repeat(12_000)}1${'}'.repeat(12_000)}`],
];
/** Members beside those of the request: each is unknown, and one is too deep for a stack. */
const ADDED = [
  ...['"__proto__":{"isAdmin":true}', '"constructor":{"prototype":{"isAdmin":true}}', '"toJSON":1', '"__proto__":null'],
  ...[`"deep":${'['.repeat(30_000)}${']'.repeat(30_000)}`, `"deep":${'{"a":'.repeat(12_000)}1${'}'.repeat(12_000)}`],
  ...['"":""', '"then":1', '"hasOwnProperty":1', `"${LONG}":1`, '"a\\u0000b":1'],
];

let world: World;

beforeAll(async () => {
  world = await openWorld();
});

/** The request's body with each of its members given as each of the texts; also twice. */
function mutated(body: unknown): string[] {
  const fields = Object.entries(typeof body === 'object' && body !== null ? body : {});
  const written = (members: readonly (readonly [string, string])[]) =>
    `{${members.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`;
  const plain = fields.map(([name, value]) => [name, JSON.stringify(value)] as const);
  const oneOther = plain.flatMap(([name]) =>
    VALUES.map((text) => written(plain.map((member) => (member[0] === name ? [name, text] : member)))),
  );
  const twice = plain.flatMap(([name]) => [
    written([[name, 'null'], ...plain]),
    written([...plain, [name, '{"a":[]}']]),
    written([...plain, ...plain]),
  ]);
  const added = ADDED.map((member) => `{${[member, written(plain).slice(1, -1)].filter(Boolean).join(',')}}`);
  return [...WHOLE, ...oneOther, ...twice, ...added];
}

async function statusOf({ method }: Request, address: string, caller: Caller, body: string, key?: string) {
  const response = await fetch(world.platform.app.url + address, {
    method,
    body,
    headers: {
      authorization: `Bearer ${world.tokens.get(caller)}`,
      'content-type': 'application/json',
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
  });
  await response.text();
  return response.status;
}

describe.each(WITH_BODY)('raw-json: %s', (route) => {
  test('no body from any caller gets an answer of 5xx', async () => {
    const row = rowOf(route);
    const request = requestOf(route, row, aboutIn(world, row));
    // Most of them reach the use case, whose refusal is not looked at: an order of nobody is not changed by them.
    const nowhere = mapIds(request, (id, { at }) => (at.startsWith('path.') ? id.replaceAll(/[0-9a-f]/g, 'a') : id));
    const callers = INVOLVED.filter((caller) => row.passes.includes(caller));
    const faults: string[] = [];
    for (const caller of callers) {
      const sent = mutated(request.body).map(async (body, at) => {
        for (const [address, key] of [[addressOf(nowhere)], [addressOf(request), `${caller} ${at}`.replace(' ', '-')]])
          if (address !== undefined) {
            const status = await statusOf(request, address, caller, body, key);
            if (status >= 500) faults.push(`${caller} ${status} ${body.slice(0, 200)}`);
          }
      });
      await Promise.all(sent);
    }
    expect(faults).toEqual([]);
  });
});

/** Texts in the place of a value in an address, as they are sent. */
const IN_ADDRESS = [
  ...['', '0', '-1', '1.5', '1e9', '99999999999999999999', 'NaN', 'true', 'null', '[]', '{}', '__proto__', 'toString'],
  ...['%00', '%ff', '%ED%A0%80', '%F0%9F%8E%AB', '%2e%2e%2f', '%27%3B--', '%0d%0aset-cookie:x', 'x'.repeat(150)],
  ...[`urn:uuid:${'a'.repeat(8)}-aaaa-aaaa-aaaa-${'a'.repeat(12)}`, '2026-02-30', '9999-12-31T23:59:59.999Z'],
];

interface Parameter {
  readonly in: string;
  readonly name: string;
}

describe.each(Object.keys(ROUTES))('raw-address: %s', (route) => {
  test('no path, query or header from any caller gets an answer of 5xx', async () => {
    const row = rowOf(route);
    const request = requestOf(route, row, aboutIn(world, row));
    const { body: document } = await world.platform.app.call('GET', '/openapi.json');
    const parameters: readonly Parameter[] =
      document.paths[request.template][request.method.toLowerCase()].parameters ?? [];
    const callers = INVOLVED.filter((caller) => row.passes.includes(caller));
    const path = addressOf({ ...request, query: {} });
    const asked = { ...request.query };
    const sent = parameters.flatMap(({ in: place, name }) =>
      IN_ADDRESS.flatMap((text): [string, Record<string, string>][] => {
        if (place === 'path') return [[request.template.replace(`{${name}}`, text).replaceAll(/\{\w+\}/g, 'x'), {}]];
        if (place === 'header') return [[path, { [name]: inHeader(text) }]];
        const others = new URLSearchParams(Object.entries(asked).filter(([each]) => each !== name)).toString();
        return [`${name}=${text}`, `${name}=${text}&${name}=1`, `${name}[]=${text}`, `${name}[a]=${text}`].map(
          (query) => [`${path}?${[query, others].filter(Boolean).join('&')}`, {}],
        );
      }),
    );
    const faults: string[] = [];
    for (const caller of callers) {
      const answers = sent.map(async ([address, headers]) => {
        const { status } = await opened(request.method, address, caller, headers);
        if (status >= 500) faults.push(`${caller} ${status} ${address} ${JSON.stringify(headers)}`);
      });
      await Promise.all(answers);
    }
    expect(faults).toEqual([]);
  });
});

/** A byte that is not ASCII before what would be escaped in an address. */
function inHeader(text: string): string {
  return text.startsWith('%') ? `\u00ff${text}` : text;
}

/** The beginning of an answer, because that of a stream has no end. */
async function opened(method: string, address: string, caller: Caller, headers: Record<string, string>) {
  const leaving = new AbortController();
  const response = await fetch(world.platform.app.url + address, {
    method,
    signal: leaving.signal,
    headers: { authorization: `Bearer ${world.tokens.get(caller)}`, ...headers },
  });
  leaving.abort();
  return response;
}

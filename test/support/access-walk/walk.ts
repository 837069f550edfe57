import type { Answer } from '../test-app.ts';
import { addressOf, mapIds, type Request, requestOf, slotsOf, withForeign } from './requests.ts';
import { type About, INVOLVED, isUnknown, KNOWING, ROUTES, type Row } from './routes.ts';
import { CALLERS, type Caller, STAGES, type World } from './world.ts';

/** A caller's request, in words for a finding. */
export interface Try {
  readonly caller: Caller;
  readonly what: string;
  readonly request: Request;
}

export const rowOf = (route: string): Row => {
  const row = ROUTES[route];
  if (!row) throw new Error(`the table has no ${route}`);
  return row;
};

/**
 * The findings when callers without access call a route: each must be refused, at every stage of the order, also with ids in
 * upper case and a trailing slash, with no row changed and nothing of others in the answer.
 */
export async function walkRefusals(
  world: World,
  route: string,
  callers: readonly Caller[] = CALLERS,
): Promise<string[]> {
  const row = rowOf(route);
  const refused = callers.filter((caller) => !row.passes.includes(caller));
  if (refused.length === 0) return [];
  const request = requestOf(route, row, aboutIn(world, row));
  const inEachStage = isAboutOrder(request)
    ? STAGES.map((stage) => ({
        what: `of an order that is ${stage}`,
        request: requestOf(route, row, { world, sale: world.sales[stage] }),
      }))
    : [];
  const tries = refused.flatMap((caller) =>
    [...waysOf(request), ...inEachStage].map((way): Try => ({ caller, ...way })),
  );
  const secrets = [...Object.values(world.sales), world.there].flatMap((sale) => [...sale.secrets, ...sale.marks]);
  const findings = await unchanged(world, () =>
    each(tries, async (tried) => {
      const answer = await send(world, row, tried);
      const wanted = refusalOf(tried.caller, row);
      return [
        ...unless(outcomeOf(answer) === wanted, tried, `got ${outcomeOf(answer)}, not ${wanted}`),
        ...unless(isWellSaid(answer), tried, `is refused in another form: ${answer.text}`),
        ...shown(answer, tried, secrets),
      ];
    }),
  );
  return findings.map((finding) => `${route} ${finding}`);
}

/** The findings when callers with access call a route: each must get its answer, also with ids in upper case. */
export async function walkPasses(world: World, route: string): Promise<string[]> {
  const row = rowOf(route);
  const shared = aboutIn(world, row);
  const findings = await each(row.passes, async (caller) => {
    const first = row.isChanging ? await aboutNew(world, row) : shared;
    const plain = { caller, what: '', request: requestOf(route, row, first) };
    const answer = await send(world, row, plain);
    const isOutsider = !INVOLVED.includes(caller);
    const found = [
      ...unless(outcomeOf(answer) === row.answer, plain, `got ${outcomeOf(answer)}, not ${row.answer}`),
      ...(isOutsider
        ? shown(
            answer,
            plain,
            [shared, first].flatMap(({ sale }) => sale.secrets),
          )
        : []),
    ];
    if (slotsOf(plain.request).length === 0) return found;
    const second = row.isChanging ? await aboutNew(world, row) : shared;
    const request = inUpperCase(requestOf(route, row, second));
    const upper = { caller, what: 'with ids in upper case', request };
    const again = await send(world, row, upper);
    const isSame = outcomeOf(again) === outcomeOf(answer) && (row.isChanging || isAlike(again, answer));
    return [...found, ...unless(isSame, upper, `got another answer, ${outcomeOf(again)}`)];
  });
  return findings.map((finding) => `${route} ${finding}`);
}

/**
 * The findings when one id of a valid request is of another event: the request must be refused or return nothing of that
 * event, and must change nothing.
 */
export async function walkForeignIds(world: World, route: string): Promise<string[]> {
  const row = rowOf(route);
  const about = aboutIn(world, row);
  const slots = slotsOf(requestOf(route, row, about));
  const callers = row.passes.filter(
    // An administrator may ask about the other event as well, but not about a mixture of both.
    (caller) => INVOLVED.includes(caller) && (caller !== 'admin' || (slots.length > 1 && !slots[0]?.isInList)),
  );
  const tries = callers.flatMap((caller) =>
    slots.flatMap((slot): Try[] => {
      const request = requestOf(route, row, about);
      const foreign = withForeign(request, slot, world.there);
      return foreign === request ? [] : [{ caller, what: `with another event’s ${slot.at}`, request: foreign }];
    }),
  );
  if (tries.length === 0) return [];
  const findings = await unchanged(world, () =>
    each(tries, async (tried) => {
      const answer = await send(world, row, tried);
      const outcome = outcomeOf(answer);
      const isRefused = outcome !== row.answer && answer.status < 500;
      return [
        ...unless(isRefused || tried.request.method === 'GET', tried, `got ${outcome}`),
        ...shown(answer, tried, [...world.there.secrets, ...world.there.marks]),
      ];
    }),
  );
  return findings.map((finding) => `${route} ${finding}`);
}

function refusalOf(caller: Caller, { refusal = '403 forbidden', of }: Row): string {
  if (isUnknown(caller)) return '401 unauthenticated';
  // A service's token is refused before anything is read.
  if (caller === 'service') return '403 forbidden';
  return of === undefined || KNOWING[of].includes(caller) ? refusal : `404 ${of}_not_found`;
}

export function aboutIn(world: World, { stage = 'completed' }: Row): About {
  return { world, sale: world.sales[stage] };
}

async function aboutNew(world: World, { stage = 'completed' }: Row): Promise<About> {
  return { world, sale: await world.sale(stage) };
}

function isAboutOrder(request: Request): boolean {
  return slotsOf(request).some(({ kind }) => kind === 'order' || kind === 'ticket');
}

/** The ways in which a caller may try to pass for another user. */
function waysOf(request: Request): Omit<Try, 'caller'>[] {
  const hasIds = slotsOf(request).length > 0;
  return [
    { what: '', request },
    ...(hasIds ? [{ what: 'with ids in upper case', request: inUpperCase(request) }] : []),
    { what: 'with a slash', request: { ...request, template: `${request.template}/` } },
  ];
}

function inUpperCase(request: Request): Request {
  return mapIds(request, (id, { kind }) => (kind === 'payment' ? id : id.toUpperCase()));
}

/** Sends a request as its caller would; of a stream it reads the beginning. */
export async function send({ platform, tokens }: World, { isStream }: Row, { caller, request }: Try): Promise<Answer> {
  const token = tokens.get(caller);
  const address = addressOf(request);
  if (isStream) return opened(platform.app.url, address, token);
  return platform.app.call(request.method, address, {
    ...(token === undefined ? {} : { token }),
    ...(request.body === undefined ? {} : { body: request.body }),
  });
}

/** The beginning of a stream, which has no end to read to. */
async function opened(url: string, address: string, token: string | undefined): Promise<Answer> {
  const leaving = new AbortController();
  const response = await fetch(url + address, {
    signal: leaving.signal,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
  const { status, headers } = response;
  const text = response.ok ? '' : await response.text();
  leaving.abort();
  return { status, headers, text, body: text === '' ? undefined : JSON.parse(text) };
}

/** The status, with the code of a refusal or the outcome of the one scan of a batch. */
export function outcomeOf({ status, body }: Answer): string {
  const scan = Array.isArray(body?.results) ? body.results[0] : undefined;
  const word = status >= 400 ? body?.code : (scan?.code ?? scan?.outcome);
  return word === undefined ? String(status) : `${status} ${word}`;
}

/** A bundle's version follows the transactions of the whole server, those of other tests too. */
const VERSION = /"version":"[^"]*"/;

/** Whether two comparable answers are the same: files contain the time they were made, and created things are new. */
function isAlike(one: Answer, other: Answer): boolean {
  const isJson = one.headers.get('content-type')?.includes('json');
  return one.status !== 200 || !isJson || one.text.replace(VERSION, '') === other.text.replace(VERSION, '');
}

/** Pages show `message`, and OAuth clients read the header. */
function isWellSaid({ status, headers, body }: Answer): boolean {
  if (status < 400) return true;
  const isChallenged = status !== 401 || headers.get('www-authenticate') === 'Bearer';
  return isChallenged && body?.message === body?.detail;
}

/** The texts in an answer that only others may see and that its caller did not send. */
function shown(answer: Answer, tried: Try, secrets: readonly string[]): string[] {
  const said = `${answer.text} ${JSON.stringify([...answer.headers])}`.toLowerCase();
  const sent = `${addressOf(tried.request)} ${JSON.stringify(tried.request.body)}`.toLowerCase();
  return [...new Set(secrets.map((secret) => secret.toLowerCase()))]
    .filter((secret) => said.includes(secret) && !sent.includes(secret))
    .flatMap((secret) => unless(false, tried, `was shown ${secret}`));
}

export function unless(isRight: boolean, { caller, what }: Try, finding: string): string[] {
  return isRight ? [] : [[caller, what, finding].filter((part) => part !== '').join(' ')];
}

export async function each<Item>(items: readonly Item[], look: (item: Item) => Promise<string[]>): Promise<string[]> {
  return (await Promise.all(items.map(look))).flat();
}

/** The findings, with one more for each table whose rows have changed. */
export async function unchanged(world: World, work: () => Promise<string[]>): Promise<string[]> {
  const before = await world.rows();
  const findings = await work();
  const after = await world.rows();
  const changed = [...after].filter(([table, rows]) => rows !== before.get(table)).map(([table]) => table);
  return [...findings, ...changed.map((table) => `changed ${table}`)];
}

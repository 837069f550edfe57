import { randomUUID } from 'node:crypto';
import type { Answer } from '../test-app.ts';
import { type Kind, mapIds, type Request, requestOf, slotsOf } from './requests.ts';
import { isUnknown } from './routes.ts';
import { aboutIn, each, outcomeOf, rowOf, send, type Try, unless } from './walk.ts';
import { CALLERS, type Caller, STAGES, type World } from './world.ts';

/**
 * The findings when signed-in callers without access can tell by the answer whether what an id names exists: each must get
 * the answer that an unknown id gets, at every stage of the order.
 */
export async function walkOracle(world: World, route: string): Promise<string[]> {
  const row = rowOf(route);
  const callers = CALLERS.filter((caller) => !row.passes.includes(caller) && !isUnknown(caller));
  const requests = [aboutIn(world, row), ...STAGES.map((stage) => ({ world, sale: world.sales[stage] }))].map((about) =>
    requestOf(route, row, about),
  );
  // A refusal of the door’s own says that a code is of another session, which the code itself shows.
  const isOfDoor = row.refusal !== undefined;
  if (isOfDoor || requests.every((request) => slotsOf(request).length === 0)) return [];
  const tries = callers
    .flatMap((caller) => requests.map((request): Try => ({ caller, what: '', request })))
    .filter(({ caller, request }) => !mayKnow(caller, request));
  const findings = await each(tries, async (tried) => {
    const [existing, unknown] = await Promise.all([
      send(world, row, tried),
      send(world, row, { ...tried, request: withUnknownIds(tried.request) }),
    ]);
    const isSame = inGeneral(existing) === inGeneral(unknown);
    return unless(isSame, tried, `got ${outcomeOf(existing)}, and ${outcomeOf(unknown)} with unknown ids`);
  });
  return [...new Set(findings)].map((finding) => `${route} ${finding}`);
}

/** Whether a caller may read the order or the ticket that a request names. */
function mayKnow(caller: Caller, request: Request): boolean {
  const kinds = slotsOf(request).map(({ kind }) => kind);
  return READING.some(([kind, route]) => kinds.includes(kind) && rowOf(route).passes.includes(caller));
}

const READING: readonly (readonly [Kind, string])[] = [
  ['order', 'GET /api/order/{orderId}'],
  ['ticket', 'GET /api/order/ticket/{ticketId}'],
];

function withUnknownIds(request: Request): Request {
  return mapIds(request, (id, { kind }) => (kind === 'payment' ? id : randomUUID()));
}

/** An answer without the ids and times in it: what is left is what it tells. */
function inGeneral({ status, text, headers }: Answer): string {
  const general = text
    .replaceAll(/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/gi, 'ID')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME');
  return `${status} ${headers.get('content-type')} ${general}`;
}
